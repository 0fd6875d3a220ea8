"""Run Command: the script of a command runs for real, in the background, in the folder of its machine.

Waits for a script are in real seconds, since a real program does not run faster in a faster world.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import FORKED, Answer, before
from awsdeploy.sandbox.aws.compute import agents
from awsdeploy.sandbox.aws.compute.invocations import FINAL_STATUSES, PLUGIN, Invocation, cancel, carry_out
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DOCUMENT = "AWS-RunShellScript"
PARAMETERS = {"commands", "executionTimeout", "workingDirectory"}
DELIVERY = (30, 2_592_000)
LONGEST_RUN = 172_800
FIRST_OUT, FIRST_ERR, FIRST_LISTED = 24_000, 8_000, 2_500
"""AWS: how many characters GetCommandInvocation shows of what was written, and ListCommandInvocations."""


@dataclass
class Command:
    """Command that was sent, and its result on each machine."""

    id: str
    region: str
    parameters: Mapping[str, Any]
    requested: float
    invocations: dict[str, Invocation]

    @property
    def status(self) -> str:
        found = {one.status for one in self.invocations.values()}
        for word in ("InProgress", "Pending", "Cancelling", "Failed", "TimedOut", "Cancelled"):
            if word in found:
                return word
        return "Success"


@dataclass
class Commands:
    """All of the world, in the order in which they were sent."""

    sent: dict[str, Command] = field(default_factory=dict)


def _forked(world: World) -> None:
    """Fail the running commands in a copy of the world: they do not run there."""
    for command in world.of(Commands).sent.values():
        for invocation in command.invocations.values():
            if invocation.status not in FINAL_STATUSES:
                invocation.become("Failed")


FORKED.append(_forked)


@before("ssm:SendCommand")
def send(world: World, call: ApiCall) -> Answer:
    wanted = call.parameters
    given = _checked(wanted)
    ec2 = world.moto("ec2", call.region)
    deaf = [id for id in wanted["InstanceIds"] if not agents.online(world, call.region, ec2.get_instance_by_id(id))]
    if deaf:
        message = f"Instances [[{', '.join(deaf)}]] not in a valid state for account {ACCOUNT}"
        raise AwsRefuses("InvalidInstanceId", message)
    id = str(uuid.uuid4())
    logs = wanted.get("CloudWatchOutputConfig") or {}
    group = str(logs.get("CloudWatchLogGroupName") or f"/aws/ssm/{DOCUMENT}")
    script = "\n".join(given["commands"]) + "\n"
    seconds = float(given.get("executionTimeout", ["3600"])[0])
    invocations = {
        one: Invocation(id, one, call.region, script, seconds, group if logs.get("CloudWatchOutputEnabled") else "")
        for one in wanted["InstanceIds"]
    }
    command = Command(id, call.region, wanted, world.now, invocations)
    world.of(Commands).sent[id] = command
    for invocation in invocations.values():
        threading.Thread(target=carry_out, args=(world, invocation), daemon=True).start()
    return {"Command": _described(command)}


def _checked(wanted: Mapping[str, Any]) -> Mapping[str, list[str]]:
    if wanted["DocumentName"] not in (DOCUMENT, f"arn:aws:ssm:::document/{DOCUMENT}"):
        raise AwsRefuses("InvalidDocument", f"document {wanted['DocumentName']} does not exist in your account.")
    if not wanted.get("InstanceIds"):
        raise AwsRefuses("InvalidParameters", "The sandbox sends a command to InstanceIds only.")
    low, high = DELIVERY
    if not low <= int(wanted.get("TimeoutSeconds", low)) <= high:
        raise AwsRefuses("ValidationException", f"'timeoutSeconds' must be between {low} and {high}.")
    if len(str(wanted.get("Comment", ""))) > 100:
        raise AwsRefuses("ValidationException", "'comment' has at most 100 characters.")
    given: Mapping[str, list[str]] = wanted.get("Parameters") or {}
    if not given.get("commands") or set(given) - PARAMETERS:
        raise AwsRefuses("InvalidParameters", f"{DOCUMENT} takes {', '.join(sorted(PARAMETERS))}.")
    run = given.get("executionTimeout", ["3600"])[0]
    if not run.isdigit() or not 1 <= int(run) <= LONGEST_RUN:
        raise AwsRefuses("InvalidParameters", f"executionTimeout is a string of 1 to {LONGEST_RUN} seconds.")
    return given


@before("ssm:GetCommandInvocation")
def get_invocation(world: World, call: ApiCall) -> Answer:
    command = world.of(Commands).sent.get(call.parameters["CommandId"])
    found = command.invocations.get(call.parameters["InstanceId"]) if command else None
    if command is None or found is None or world.now < command.requested + durations.INVOCATION_KNOWN:
        raise AwsRefuses("InvocationDoesNotExist", "")
    if call.parameters.get("PluginName", PLUGIN) != PLUGIN:
        raise AwsRefuses("InvalidPluginName", "")
    times = {}
    if found.begun is not None:
        times["ExecutionStartDateTime"] = _text(found.begun)
    if found.begun is not None and found.ended is not None:
        times["ExecutionEndDateTime"] = _text(found.ended)
        times["ExecutionElapsedTime"] = f"PT{max(0.0, found.ended - found.begun):.3f}S"
    logs = command.parameters.get("CloudWatchOutputConfig")
    return {
        "CommandId": command.id,
        "InstanceId": found.instance,
        "Comment": command.parameters.get("Comment", ""),
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "PluginName": PLUGIN,
        "ResponseCode": found.code,
        "Status": found.status,
        "StatusDetails": found.details,
        "StandardOutputContent": found.written("stdout", FIRST_OUT),
        "StandardOutputUrl": "",
        "StandardErrorContent": found.written("stderr", FIRST_ERR),
        "StandardErrorUrl": "",
        **times,
        **({"CloudWatchOutputConfig": logs} if logs else {}),
    }


@before("ssm:ListCommandInvocations")
def list_invocations(world: World, call: ApiCall) -> Answer:
    wanted, rows = call.parameters, []
    for command in _fitting(world, call):
        for found in command.invocations.values():
            if wanted.get("InstanceId", found.instance) != found.instance:
                continue
            row = {
                **{key: value for key, value in _described(command).items() if key in LISTED},
                "InstanceId": found.instance,
                "InstanceName": "",
                "Status": found.status,
                "StatusDetails": found.details,
                "CommandPlugins": [_plugin(found)] if wanted.get("Details") else [],
            }
            rows.append(row)
    return {"CommandInvocations": rows}


LISTED = {"CommandId", "Comment", "DocumentName", "DocumentVersion", "RequestedDateTime", "CloudWatchOutputConfig"}


def _plugin(found: Invocation) -> dict[str, Any]:
    return {
        "Name": PLUGIN,
        "Status": found.status,
        "StatusDetails": found.details,
        "ResponseCode": found.code,
        "Output": found.written("stdout", FIRST_LISTED),
    }


@before("ssm:ListCommands")
def list_commands(world: World, call: ApiCall) -> Answer:
    return {"Commands": [_described(one) for one in _fitting(world, call)]}


def _fitting(world: World, call: ApiCall) -> Iterator[Command]:
    """The newest first."""
    wanted = call.parameters
    states = {one["value"] for one in wanted.get("Filters") or () if one["key"] == "Status"}
    for command in reversed(world.of(Commands).sent.values()):
        if command.region != call.region or wanted.get("CommandId", command.id) != command.id:
            continue
        if wanted.get("InstanceId") and wanted["InstanceId"] not in command.invocations:
            continue
        if not states or command.status in states:
            yield command


@before("ssm:CancelCommand")
def cancel_command(world: World, call: ApiCall) -> Answer:
    """AWS: no guarantee; what has ended stays as it ended."""
    command = world.of(Commands).sent.get(call.parameters["CommandId"])
    if command is None or command.region != call.region:
        raise AwsRefuses("InvalidCommandId", "")
    for id in call.parameters.get("InstanceIds") or command.invocations:
        if id not in command.invocations:
            raise AwsRefuses("InvalidInstanceId", f"Instances [[{id}]] not in a valid state for account {ACCOUNT}")
        cancel(command.invocations[id])
    return {}


def _described(command: Command) -> dict[str, Any]:
    found = list(command.invocations.values())
    return {
        "CommandId": command.id,
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "Comment": "",
        "TimeoutSeconds": 3600,
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "Targets": [],
        **command.parameters,
        "RequestedDateTime": datetime.fromtimestamp(command.requested, UTC),
        "ExpiresAfter": datetime.fromtimestamp(command.requested + 7200, UTC),
        "Status": command.status,
        "StatusDetails": command.status,
        "TargetCount": len(found),
        "CompletedCount": sum(one.status in FINAL_STATUSES for one in found),
        "ErrorCount": sum(one.status in {"Failed", "TimedOut"} for one in found),
        "DeliveryTimedOutCount": 0,
    }


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
