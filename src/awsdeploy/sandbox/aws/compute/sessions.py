"""Session Manager: a session begins on a machine that runs; what is said in it, moto and the sandbox do not know."""

from __future__ import annotations

import secrets
from typing import Any

from awsdeploy.sandbox.aws import before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@before("ssm:StartSession")
def begun(world: World, call: ApiCall) -> dict[str, Any]:
    target = str(call.parameters["Target"])
    machine = next((one for one in world.moto("ec2", call.region).all_instances() if one.id == target), None)
    if machine is None or machine.state != "running":
        raise AwsRefuses("TargetNotConnected", f"{target} is not connected.")
    id = f"sandbox-{secrets.token_hex(8)}"
    stream = f"wss://ssmmessages.{call.region}.amazonaws.com/v1/data-channel/{id}?role=publish_subscribe"
    return {"SessionId": id, "TokenValue": secrets.token_hex(64), "StreamUrl": stream}


@before("ssm:TerminateSession")
def ended(_: World, call: ApiCall) -> dict[str, Any]:
    return {"SessionId": call.parameters["SessionId"]}
