"""Shell and tunnel sessions on the machines with Session Manager: without SSH, keys or open ports.

This module starts a session and runs AWS's session-manager-plugin with it, as the AWS CLI does.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.config import Settings
from awsdeploy.engine.observed import one_or_none
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsdeployError, Refused, UsageError, next_command
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.resources.compute.parameter import SHARED
from awsdeploy.resources.database import existing_database
from awsdeploy.resources.database.instance import Database

PLUGIN = "session-manager-plugin"
FORWARDING = "AWS-StartPortForwardingSessionToRemoteHost"
SESSION_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
"""Environment variable from which newer plugins read the session and its token (source: AWS CLI)."""
LAST_UNSAFE_VERSION = (1, 2, 497, 0)
"""Last version that needs the token on its command line, where other processes can read it (source: AWS CLI)."""

DOWNLOADS = "https://s3.amazonaws.com/session-manager-downloads/plugin/latest"
GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"


def need_plugin(simulated: bool, instead: str) -> None:
    """Raise `UsageError` with the install command if the plugin is missing or too old.

    Also if AWS is `simulated`: the plugin connects to real AWS only. `instead` says what to do there.
    """
    if simulated:
        raise UsageError("The sandbox does not simulate Session Manager.", instead)
    if shutil.which(PLUGIN) is None:
        raise UsageError(f"{PLUGIN} is not installed on this computer.", install_command())
    asked = subprocess.run([PLUGIN, "--version"], capture_output=True, text=True, check=False)
    version = tuple(int(part) for part in re.findall(r"\d+", asked.stdout)[:4])
    if version <= LAST_UNSAFE_VERSION:
        said = asked.stdout.strip() or "of an unknown version"
        raise UsageError(
            f"{PLUGIN} {said} is too old: other processes could read the session token.", install_command()
        )


def install_command() -> str:
    """Return the command that installs the plugin on this system (source: AWS, Install the Session Manager plugin)."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    if sys.platform == "darwin":
        return "brew install --cask session-manager-plugin"
    if shutil.which("dpkg"):
        url = f"{DOWNLOADS}/ubuntu_{'arm64' if arm else '64bit'}/{PLUGIN}.deb"
        return f"curl -fLo /tmp/{PLUGIN}.deb {url} && sudo apt-get install -y /tmp/{PLUGIN}.deb"
    if shutil.which("rpm"):
        tool = next((one for one in ("dnf", "yum") if shutil.which(one)), "rpm")
        url = f"{DOWNLOADS}/linux_{'arm64' if arm else '64bit'}/{PLUGIN}.rpm"
        return f"sudo rpm -i {url}" if tool == "rpm" else f"sudo {tool} install -y {url}"
    return f"How to install it: {GUIDE}"


def choose(machines: Sequence[ReleaseMachine], services: Sequence[str], id: str = "") -> ReleaseMachine:
    """Return the first running machine of these services, or the one with this id or name.

    Raises `Refused` if there is none, or if two have the same name (after an interrupted replacement).
    """
    mine = [one for service in services for one in machines if one.service == service]
    names = ", ".join(f"{one.name} ({one.id}, {one.state})" for one in mine)
    running = [one for one in mine if one.state == "running"]
    if id:
        fitting = [one for one in mine if id in (one.id, one.name)]
        fitting = [one for one in fitting if one in running] or fitting
        missing = f"{id} is not a machine of {', '.join(services)}."
    else:
        fitting = [one for one in running if one.name == running[0].name]
        missing = f"No machine of {', '.join(services)} is running."
    if not fitting:
        raise Refused(missing, f"Machines: {names}." if names else f"To create its machines: {next_command('up')}")
    if len(fitting) > 1:
        ids = " and ".join(one.id for one in fitting)
        raise Refused(
            f"There are {len(fitting)} machines called {fitting[0].name}: {ids}. A replacement has not finished.",
            f"To finish it: {next_command('up')}",
        )
    return fitting[0]


def open_session(
    run: Run, machine: ReleaseMachine, document: str = "", parameters: Mapping[str, str] | None = None
) -> int:
    """Run a session until it ends; return the plugin's exit code. The plugin handles Ctrl-C.

    Raises `Refused` if the SSM agent of the machine does not answer.
    """
    wanted: dict[str, object] = {"Target": machine.id}
    if document:
        wanted |= {
            "DocumentName": document,
            "Parameters": {name: [value] for name, value in (parameters or {}).items()},
        }
    ssm = run.client("ssm")
    try:
        answer = ssm.start_session(**wanted)
    except AwsRefusal as refusal:
        if refusal.code != "TargetNotConnected":
            raise
        raise Refused(
            f"The SSM agent of {machine.name} ({machine.id}, {machine.state}) does not answer.",
            "A machine that has just started needs about two minutes. Otherwise reboot it: aws ec2 reboot-instances "
            f"--region {run.region} --instance-ids {machine.id}",
        ) from None
    session = {name: answer[name] for name in ("SessionId", "TokenValue", "StreamUrl")}
    endpoint = str(run.session.raw("ssm", run.region).meta.endpoint_url)
    profile = os.environ.get("AWS_PROFILE", "")
    words = [PLUGIN, SESSION_VARIABLE, run.region, "StartSession", profile, json.dumps(wanted), endpoint]
    try:
        code = _run_plugin(words, {**os.environ, SESSION_VARIABLE: json.dumps(session)})
    except OSError as error:
        with suppress(AwsdeployError):
            ssm.terminate_session(SessionId=session["SessionId"])
        raise UsageError(f"{PLUGIN} cannot be run: {error.strerror}.", install_command()) from None
    return code if code >= 0 else 128 - code


def _run_plugin(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the plugin, which also receives Ctrl-C, Ctrl-\\ and Ctrl-Z: a shell passes them on, a tunnel ends."""
    running: list[subprocess.Popen[bytes]] = []

    def answer(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM and running:
            running[0].terminate()

    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTERM)
    before = {number: signal.signal(number, answer) for number in numbers}
    try:
        with subprocess.Popen(words, env=environment) as child:
            running.append(child)
            return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class DatabasePlace:
    """Address of the database, as seen from the machines that may connect to it."""

    host: str
    port: str
    name: str
    user: str
    password: str
    """Name of the parameter with the password."""


def database(run: Run, settings: Settings) -> DatabasePlace:
    """Return the address of the database. Raises `Refused` if it has no endpoint yet, or if there are two databases."""
    id, folder = settings.database.instance, SHARED
    if id:
        raw, folder = existing_database.read(run.client("rds"), id), settings.database_users[0]
    else:
        observed = one_or_none(one for one in run.all(Database) if not Database.kept_for(one))
        raw = observed.raw if observed else {}
    endpoint = raw.get("Endpoint")
    if not endpoint or "Address" not in endpoint:
        raise Refused(
            f"The database of {settings.stack} has no endpoint yet.", f"To see its status: {next_command('status')}"
        )
    return DatabasePlace(
        host=str(endpoint["Address"]),
        port=str(endpoint.get("Port", 3306)),
        name=settings.database.name,
        user=settings.database.username,
        password=run.stack.parameter(f"{folder}/DB_PASSWORD"),
    )
