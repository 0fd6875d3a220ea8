"""One machine and what is run on it: Run Command, its output while it runs, and the outcome it ends with."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from awsdeploy.aws.refusals import FORBIDDEN
from awsdeploy.aws.session import AwsRefusal, Client
from awsdeploy.aws.waiting import Polling
from awsdeploy.engine.context import StackContext
from awsdeploy.errors import AwsFailure, Refused, TimedOut, next_command, with_flags
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.resources.compute.bootstrap import RELEASE_SCRIPT

OUTCOME, STEP = "@outcome ", "@step "
DELIVERED_WITHIN = 60  # seconds until a machine must have taken a command; AWS: 30 at least (API_SendCommand)
LONGEST = 3600  # seconds that a release may take on a machine
LATE = 15  # seconds that a command's log stream may lag behind the command's end
SHOWN = 24_000  # characters of output that GetCommandInvocation shows (API_GetCommandInvocation)
CUT = "--output truncated--"  # what the agent puts at the end of a longer output (amazon-ssm-agent, iohandler.go)
UNSEEN = "(the rest of the output has not come to CloudWatch Logs)"
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
LEAVING = {"shutting-down", "terminated"}

OnLine = Callable[[str], object]


@dataclass(frozen=True)
class Outcome:
    """Last report of the program on the machine, or what is known if it could not report."""

    outcome: str
    release: str = ""
    step: str = ""
    diagnosis: str = ""
    remedy: str = ""
    previous: str = ""

    @property
    def good(self) -> bool:
        return self.outcome in ("ok", "unchanged")


def need_agents(context: StackContext, machines: Sequence[ReleaseMachine]) -> None:
    """Raises `Refused` naming each machine whose agent does not answer."""
    answering = online(context.client("ssm"), [one.id for one in machines])
    away = [one for one in machines if one.id not in answering]
    if away:
        raise Refused(
            f"The SSM agent of {', '.join(f'{one.id} ({one.service})' for one in away)} does not answer, so no "
            "command can run there.",
            "A machine that has just started needs about two minutes. Otherwise reboot it: aws ec2 reboot-instances "
            f"--instance-ids {' '.join(one.id for one in away)}",
        )


def online(ssm: Client, ids: Sequence[str]) -> set[str]:
    """Those machines whose SSM agent answers."""
    filters = [{"Key": "InstanceIds", "Values": list(ids)}]
    pages = ssm.pages("describe_instance_information", "InstanceInformationList", Filters=filters)
    return {one["InstanceId"] for one in pages if one["PingStatus"] == "Online"}


def running_state(context: StackContext, id: str) -> str:
    """pending, running, stopping, stopped, shutting-down or terminated: what EC2 no longer lists is terminated."""
    filters = [{"Name": "instance-id", "Values": [id]}]
    reservations = context.client("ec2").describe_instances(Filters=filters)["Reservations"]
    return next((one["State"]["Name"] for row in reservations for one in row["Instances"]), "terminated")


def program(bucket: str, region: str, words: Iterable[str]) -> str:
    """The shell script that fetches this version's release agent and runs it."""
    place = '"${ROOT:-}/opt/awsdeploy/release.sh"'
    new = '"${ROOT:-}/opt/awsdeploy/release.sh.$$"'
    return "\n".join(
        [
            "#!/bin/bash",
            "set -euo pipefail",
            'install -d -m 755 "${ROOT:-}/opt/awsdeploy"',
            f"aws s3 cp --only-show-errors --region {region} s3://{bucket}/{RELEASE_SCRIPT} {new}",
            f"mv -f {new} {place}",
            f"exec bash {place} {shlex.join(words)}",
        ]
    )


def run(
    context: StackContext,
    machine: ReleaseMachine,
    script: str,
    comment: str,
    group: str,
    on_line: OnLine,
    silence: float = 120.0,
) -> Outcome:
    """Run a script as root and say each line of its output as it comes. Nothing in it may be secret.

    `group` is the log group that the machine may write to; `silence`, in seconds, is how long its agent may not answer
    in the middle of it. Raises `Refused` if the agent is offline, `TimedOut`.
    """
    ssm = context.client("ssm")
    try:
        sent = ssm.send_command(
            InstanceIds=[machine.id],
            DocumentName="AWS-RunShellScript",
            Comment=comment[:100],
            TimeoutSeconds=DELIVERED_WITHIN,
            Parameters={"commands": script.split("\n"), "executionTimeout": [str(LONGEST)]},
            CloudWatchOutputConfig={"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": group},
        )["Command"]["CommandId"]
    except AwsRefusal as refusal:
        if refusal.code != "InvalidInstanceId":
            raise
        need_agents(context, [machine])
        raise
    return Following(context, machine, str(sent), group, on_line).outcome(silence)


class Following:
    """A command's output, read from its log streams while it runs and from its record at the end."""

    def __init__(
        self, context: StackContext, machine: ReleaseMachine, command: str, group: str, on_line: OnLine
    ) -> None:
        self.context, self.machine = context, machine
        self.command, self.group, self.on_line = command, group, on_line
        self.ssm, self.logs = context.client("ssm"), context.client("logs")
        self.told: dict[str, Any] | None = None
        self.step = ""
        self.seen = 0

    def outcome(self, silence: float) -> Outcome:
        """AWS shows a command as InProgress for as long as it might take, whatever becomes of the machine: where no
        line has come for a while the machine itself is asked for."""
        name = f"{self.command}/{self.machine.id}/aws-runShellScript/stdout"
        stream = _Stream(self.logs, self.group, name, self.on_line)
        heard = asked = 0.0
        for waited in Polling(ceiling=2.0).ticks(self.context.session.stop, LONGEST + 2 * DELIVERED_WITHIN):
            record, before = self._record(), self.seen
            self._take(stream.more())
            if record.get("Status") in ENDED:
                break
            if self.seen > before:
                heard = waited
            if waited - max(heard, asked) >= silence / 4:
                asked = waited
                if self.machine.id in online(self.ssm, [self.machine.id]):
                    heard = waited
                elif lost := self._lost(waited - heard, silence):
                    return lost
        else:
            raise TimedOut(
                f"The command {self.command} on {self.machine.id} has not finished.",
                "It is still running on the machine.",
            )
        self._take_rest(stream, record.get("StandardOutputContent", ""))
        if self.told is not None:
            known = {field.name for field in fields(Outcome)}
            told = Outcome(**{key: str(value or "") for key, value in self.told.items() if key in known})
            return replace(told, remedy=with_flags(told.remedy))
        return self._unsaid(record)

    def _take_rest(self, stream: _Stream, shown: str) -> None:
        """Take what the stream did not have when the command ended: its record has all of a short output, and of a
        longer one the beginning, so that the stream is read until the program's last line is there."""
        if self.told is None and len(shown) < SHOWN and not shown.endswith(CUT):
            self._take(self._unseen(shown.splitlines()))
            return
        heard = 0.0
        for waited in Polling(ceiling=2.0).ticks(self.context.session.stop, LONGEST):
            before = self.seen
            self._take(stream.more())
            if self.seen > before:
                heard = waited
            if self.told is not None or waited - heard >= LATE:
                break
        if self.told is None:
            self._take(self._unseen(shown.splitlines()[:-1]))
            self.on_line(UNSEEN)

    def _unseen(self, lines: Sequence[str]) -> Sequence[str]:
        """Return the lines after those that the stream has shown, which has no empty ones."""
        seen = 0
        for place, line in enumerate(lines):
            if seen == self.seen:
                return lines[place:]
            seen += bool(line)
        return ()

    def _record(self) -> dict[str, Any]:
        try:
            return self.ssm.get_command_invocation(CommandId=self.command, InstanceId=self.machine.id)
        except AwsRefusal as refusal:
            if refusal.code != "InvocationDoesNotExist":  # AWS: for a few seconds after it was sent
                raise
            return {}

    def _lost(self, seconds: float, silence: float) -> Outcome | None:
        """Outcome if the agent has been away for this long; None while it may come back."""
        id, at = self.machine.id, self.step or "start"
        state = running_state(self.context, id)
        if state in LEAVING:
            remedy = f"{next_command('up')} recreates it with the current release; then run the same command again."
            return Outcome("failed", step=at, diagnosis=f"{id} became {state} during the command.", remedy=remedy)
        if seconds < silence:
            self.on_line(f"the agent of {id} does not answer (it is {state}); waiting for it")
            return None
        diagnosis = f"The agent of {id} has not answered for {seconds:.0f} s; the command may still be running there."
        again = "run the same command again: it waits for the one that is still running."
        remedy = f"When it answers again ({next_command('status')}), {again}"
        return Outcome("failed", step=at, diagnosis=diagnosis, remedy=remedy)

    def _take(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.seen += bool(line)
            if line.startswith(OUTCOME):
                self.told = _object(line.removeprefix(OUTCOME))
                continue
            if line.startswith(STEP):
                self.step = line.removeprefix(STEP).strip()
            self.on_line(line)

    def _unsaid(self, record: dict[str, Any]) -> Outcome:
        """Return the outcome of a program without a readable result line, from AWS's status."""
        if record["Status"] == "Success":  # with code 0, which the program ends with only after all has gone well
            return Outcome("ok", step=self.step)
        said = record.get("StandardErrorContent", "").strip().splitlines()
        last = said[-1] if said else f"it ended with code {record.get('ResponseCode', '')}"
        diagnosis, remedy = {
            "TimedOut": (
                "The machine did not start the command in time.",
                f"Check whether the machine is running: {next_command('status')}",
            ),
            "Cancelled": ("The command was cancelled.", "Run the same command again."),
        }.get(record["Status"], (f"The command was interrupted: {last}", "Run the same command again."))
        return Outcome("failed", step=self.step or "start", diagnosis=diagnosis, remedy=remedy)


class _Stream:
    """A log stream read from its beginning, each line once; AWS makes it with the first line.

    Whoever may not read it is told so once, and sees the output at the command's end.
    """

    def __init__(self, logs: Client, group: str, name: str, on_line: OnLine) -> None:
        self.logs, self.group, self.name, self.on_line = logs, group, name, on_line
        self.denied = False
        self.token = ""  # a position in a listing

    def more(self) -> Iterator[str]:
        """The lines that have come since."""
        while not self.denied:
            after = {"nextToken": self.token} if self.token else {}
            try:
                page = self.logs.get_log_events(
                    logGroupName=self.group, logStreamName=self.name, startFromHead=True, **after
                )
            except AwsRefusal as refusal:
                self.denied = refusal.code in FORBIDDEN
                if self.denied:
                    told = f"the first {SHOWN:,} characters of the output are shown at the end"
                    self.on_line(f"({self.group} cannot be read with these credentials: {told})")
                elif refusal.code != "ResourceNotFoundException":
                    raise
                return
            yield from (line for event in page["events"] for line in event["message"].splitlines())
            if page["nextForwardToken"] == self.token:
                return
            self.token = page["nextForwardToken"]


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise AwsFailure(
            f"The result of the command on the machine cannot be read: {error}", "Run the same command again."
        ) from None
    return value if isinstance(value, dict) else {}
