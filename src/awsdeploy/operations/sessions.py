"""Sessions on the machines and through them, by Session Manager: no SSH, no open port, no key.

AWS's own plugin speaks the protocol; this module begins a session and hands it over as the AWS CLI does. Knows nothing
of how it is shown.
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
from awsdeploy.resources.database.instance import Database

PLUGIN = "session-manager-plugin"
FORWARDING = "AWS-StartPortForwardingSessionToRemoteHost"
HANDED_OVER = "AWS_SSM_START_SESSION_RESPONSE"
"""AWS CLI: newer plugins read the session, with its token, from the variable of this name."""
TOO_OLD = (1, 2, 497, 0)
"""AWS CLI: the last version that wants the token on its command line, where every process of this machine sees it."""

DOWNLOADS = "https://s3.amazonaws.com/session-manager-downloads/plugin/latest"
GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"


def need_plugin(simulated: bool = False) -> None:
    """Raises `UsageError` with the command that installs the plugin here, if it is missing or too old.

    So it does where AWS is `simulated`: the plugin speaks to AWS itself.
    """
    if simulated:
        raise UsageError("Simulated machines have no Session Manager.", "Leave --sandbox out.")
    if shutil.which(PLUGIN) is None:
        raise UsageError(f"AWS's {PLUGIN} is not installed here.", install_command())
    asked = subprocess.run([PLUGIN, "--version"], capture_output=True, text=True, check=False)
    version = tuple(int(part) for part in re.findall(r"\d+", asked.stdout)[:4])
    if version <= TOO_OLD:
        said = asked.stdout.strip() or "of an unknown version"
        raise UsageError(
            f"{PLUGIN} is {said}, too old: it would show the session token to other processes.", install_command()
        )


def install_command() -> str:
    """Command that installs the plugin on this system. AWS: Install the Session Manager plugin."""
    arm = platform.machine().lower() in ("arm64", "aarch64")
    if sys.platform == "darwin":
        return "brew install --cask session-manager-plugin"
    if shutil.which("dpkg"):
        place = f"{DOWNLOADS}/ubuntu_{'arm64' if arm else '64bit'}/{PLUGIN}.deb"
        return f"curl -fLo /tmp/{PLUGIN}.deb {place} && sudo apt-get install -y /tmp/{PLUGIN}.deb"
    if shutil.which("rpm"):
        tool = next((one for one in ("dnf", "yum") if shutil.which(one)), "rpm")
        place = f"{DOWNLOADS}/linux_{'arm64' if arm else '64bit'}/{PLUGIN}.rpm"
        return f"sudo rpm -i {place}" if tool == "rpm" else f"sudo {tool} install -y {place}"
    return f"How to install it: {GUIDE}"


def choose(machines: Sequence[ReleaseMachine], services: Sequence[str], id: str = "") -> ReleaseMachine:
    """The first running machine of these services, or the one with this id or name.

    Raises `Refused` where there is none, and where two have the name: an interrupted replacement leaves two.
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
    """Hold a session until it is ended; returns the plugin's exit code. Ctrl-C is the plugin's to answer.

    Raises `Refused` where the machine's agent does not answer.
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
    words = [PLUGIN, HANDED_OVER, run.region, "StartSession", profile, json.dumps(wanted), endpoint]
    try:
        code = _handed_over(words, {**os.environ, HANDED_OVER: json.dumps(session)})
    except OSError as error:
        with suppress(AwsdeployError):
            ssm.terminate_session(SessionId=session["SessionId"])
        raise UsageError(f"{PLUGIN} cannot be run: {error.strerror}.", install_command()) from None
    return code if code >= 0 else 128 - code


def _handed_over(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the plugin. What is typed to stop something reaches it too: a shell passes it on, a tunnel ends."""
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
    """The parameter that holds it."""


def database(run: Run, settings: Settings) -> DatabasePlace:
    """Raises `Refused` while the database has no address, or where there are two."""
    observed = one_or_none(run.all(Database))
    endpoint = observed.raw.get("Endpoint") if observed else None
    if not endpoint or "Address" not in endpoint:
        raise Refused(
            f"The database of {settings.stack} has no endpoint yet.", f"To see its status: {next_command('status')}"
        )
    return DatabasePlace(
        host=str(endpoint["Address"]),
        port=str(endpoint.get("Port", 3306)),
        name=settings.database.name,
        user=settings.database.username,
        password=run.stack.parameter("database/DB_PASSWORD"),
    )
