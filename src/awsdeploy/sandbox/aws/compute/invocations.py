"""Run of a command on one machine, in a separate thread: its process, output and result.

The invocation is changed only under the world's lock. The lock is not held while waiting for the process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from awsdeploy.sandbox.aws.compute import agents
from awsdeploy.sandbox.aws.database import data, servers
from awsdeploy.sandbox.aws.monitoring import agent_logs, shipping
from awsdeploy.sandbox.aws.monitoring.logs import put
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.machines.toolchain import NoToolchain
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.world import World

PLUGIN = "aws:runShellScript"
STREAM = "aws-runShellScript"
FINAL_STATUSES = {"Success", "Failed", "TimedOut", "Cancelled"}
EVERY = 0.2
"""Real seconds between two looks at what a script has written."""
CUT = "--output truncated--"
"""amazon-ssm-agent, iohandler.go: the end of an output of which only the beginning is kept."""
STOPPED = 137
"""AWS: the response code of a script that the agent has ended."""


@dataclass
class Invocation:
    """`code` is -1 until it is known; `seconds`: real ones that the script may take; `group`: of logs, or ""."""

    command: str
    instance: str
    region: str
    script: str
    seconds: float
    group: str
    status: str = "Pending"
    details: str = "Pending"
    code: int = -1
    begun: float | None = None
    ended: float | None = None
    cancelled: bool = False
    folder: Path | None = None
    sent: dict[str, int] = field(default_factory=dict)
    output: dict[str, bytes] = field(default_factory=dict)

    def written(self, stream: str, most: int) -> str:
        """AWS: nothing until the script has ended, then the beginning."""
        whole = self.output.get(stream, b"").decode(errors="replace")
        return whole if len(whole) <= most else whole[: most - len(CUT)] + CUT

    def become(self, status: str, details: str = "") -> None:
        self.status, self.details = status, details or status


def cancel(invocation: Invocation) -> None:
    if invocation.status not in FINAL_STATUSES:
        invocation.cancelled = True
        invocation.become("Cancelling")


def carry_out(world: World, invocation: Invocation) -> None:
    """Run an invocation from its delivery to its end, or to the end of the world."""
    on = _await_agent(world, invocation)
    if on is None:
        return
    servers.begin(world, invocation.region)
    with world.site.lock:
        invocation.folder = folder = _folder(on, invocation)
        if invocation.group and not agent_logs.for_command(world, *_machine(world, invocation), invocation.group):
            invocation.group = ""
        shipping.begin(world)
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
        try:
            process = hosts.start(world, on, folder / "_script.sh", output, errors)
        except NoToolchain as missing:
            errors.write(f"{missing}\n".encode())
            errors.flush()
            _end(world, invocation, 1)
            return
    if process is None:
        _lost(world, invocation)
        return
    with world.site.lock:
        invocation.begun = world.clock.read()
        if not invocation.cancelled:
            invocation.become("InProgress")
    code = _watched(world, invocation, on, process)
    if hosts.lost_power(world, on):
        _lost(world, invocation)
    elif _await_agent(world, invocation):
        _end(world, invocation, code)


def _watched(world: World, invocation: Invocation, on: hosts.PreparedHost, process: subprocess.Popen[bytes]) -> int:
    """The exit status, as a shell has it. What is written meanwhile goes to the logs."""
    deadline = time.monotonic() + invocation.seconds
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(EVERY)
            return status if status >= 0 else 128 - status
        if invocation.cancelled or time.monotonic() >= deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not invocation.cancelled:
                invocation.details = "ExecutionTimedOut"
            return STOPPED
        with world.site.lock:
            if not hosts.lost_power(world, on) and agents.online(world, *_machine(world, invocation)):
                _pump(world, invocation)


def _end(world: World, invocation: Invocation, code: int) -> None:
    assert invocation.folder is not None  # noqa: S101  # tells mypy
    with world.site.lock:
        if code:
            with (invocation.folder / "stderr").open("ab") as errors:
                errors.write(f"failed to run commands: exit status {code}".encode())
        _pump(world, invocation, last=True)
        data.note(world)  # before anyone knows that the command has ended
        invocation.output = {name: (invocation.folder / name).read_bytes() for name in ("stdout", "stderr")}
        invocation.code, invocation.ended = code, world.clock.read()
        if invocation.cancelled:
            invocation.become("Cancelled")
        elif invocation.details == "ExecutionTimedOut":
            invocation.become("TimedOut", invocation.details)
        else:
            invocation.become("Failed" if code else "Success")


def _lost(world: World, invocation: Invocation) -> None:
    """The machine went down under the script. AWS hears of it when the machine is back, else in the end of nothing."""
    if _await_agent(world, invocation):
        with world.site.lock:
            invocation.ended = world.clock.read()
            invocation.become("Failed")


def _await_agent(world: World, invocation: Invocation) -> hosts.PreparedHost | None:
    """Wait until the machine's agent answers. None: it never will."""
    over = world.of(hosts.Hosts).ended
    while True:
        with world.site.lock:
            if over.is_set():
                return None
            world.agenda.catch_up()
            region, instance = _machine(world, invocation)
            if agents.online(world, region, instance):
                return hosts.prepare(world, invocation.instance, invocation.region)
            if instance is None or instance._state.name in {"shutting-down", "terminated"}:
                expire = partial(_expire, world, invocation)
                world.agenda.after(invocation.seconds, expire)
                return None
        over.wait(EVERY)


def _expire(world: World, invocation: Invocation) -> None:
    if invocation.status not in FINAL_STATUSES:
        invocation.ended = world.now
        invocation.become("TimedOut", "ExecutionTimedOut" if invocation.begun else "DeliveryTimedOut")


def _machine(world: World, invocation: Invocation) -> tuple[str, Any]:
    return invocation.region, world.moto("ec2", invocation.region).get_instance_by_id(invocation.instance)


def _folder(on: hosts.PreparedHost, invocation: Invocation) -> Path:
    """Folder in which the agent keeps the script and its output."""
    folder = on.host.root / "var" / "lib" / "amazon" / "ssm" / invocation.command
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "_script.sh"
    script.write_text(invocation.script)
    script.chmod(0o700)
    return folder


def _pump(world: World, invocation: Invocation, last: bool = False) -> None:
    """New whole lines go to the log group, where CloudWatch shows them a little later."""
    assert invocation.folder is not None  # noqa: S101  # tells mypy
    group = world.moto("logs", invocation.region).groups.get(invocation.group)
    world.agenda.catch_up()
    for name in ("stdout", "stderr"):
        with (invocation.folder / name).open("rb") as written:
            written.seek(invocation.sent.get(name, 0))
            news = written.read()
        if not last:
            news = news[: news.rfind(b"\n") + 1]
        invocation.sent[name] = invocation.sent.get(name, 0) + len(news)
        stream = f"{invocation.command}/{invocation.instance}/{STREAM}/{name}"
        if news and group is not None and agent_logs.takes(world, *_machine(world, invocation), group, stream):
            world.agenda.after(durations.LOG_STREAMED, partial(put, group, stream, world.now, news))
