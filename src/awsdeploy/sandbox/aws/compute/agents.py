"""Systems Manager's agents: which machines it hears of, once they have booted and if their role lets them speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto import backends

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.compute import instances
from awsdeploy.sandbox.aws.compute.bootstraps import permits
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

VERSION = "3.3.3598.0"
PAGE = 50


@dataclass
class Agents:
    """The machines that have been heard of, and those that are silent because a control call said so."""

    heard: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)


def online(world: World, region: str, instance: Any) -> bool:
    """Check whether the machine takes commands now."""
    if instance is None or not instances.serves(world, instance) or instance.id in world.of(Agents).silent:
        return False
    return permits(world, region, instance, "ssm:UpdateInstanceInformation", "*")


def machine(id: str) -> Any:
    """Return the machine, in any region; None if it does not exist."""
    found = (region.get_instance_by_id(id) for region in backends.get_backend("ec2")[ACCOUNT].values())
    return next((one for one in found if one is not None), None)


def known(id: str) -> None:
    """Raises `ValueError` if there is no such machine."""
    if machine(id) is None:
        raise ValueError(f"no such instance: {id}")


def set_online(world: World, id: str, speaks: bool) -> None:
    """Let the agent of a machine fall silent, or speak again. Raises `ValueError` if there is no such machine."""
    known(id)
    silent = world.of(Agents).silent
    silent.discard(id) if speaks else silent.add(id)


@before("ssm:DescribeInstanceInformation")
def information(world: World, call: ApiCall) -> Answer:
    """AWS: a stopped machine is shown as ConnectionLost, one that never spoke or was terminated not at all."""
    wanted = call.parameters
    filters = [
        *((one["key"], set(one["valueSet"])) for one in wanted.get("InstanceInformationFilterList") or ()),
        *((one["Key"], set(one["Values"])) for one in wanted.get("Filters") or ()),
    ]
    heard, rows = world.of(Agents).heard, []
    for instance in _machines(world, call.region):
        spoken = online(world, call.region, instance)
        if spoken:
            heard.add(instance.id)
        if instance.id in heard and instance._state.name != "terminated":
            row = _row(world, call.region, instance, "Online" if spoken else "ConnectionLost")
            if all(_fits(instance, row, key, values) for key, values in filters):
                rows.append(row)
    begin, size = int(wanted.get("NextToken") or 0), int(wanted.get("MaxResults") or PAGE)
    more = {"NextToken": str(begin + size)} if begin + size < len(rows) else {}
    return {"InstanceInformationList": rows[begin : begin + size], **more}


def _machines(world: World, region: str) -> list[Any]:
    return [one for reservation in world.moto("ec2", region).reservations.values() for one in reservation.instances]


def _row(world: World, region: str, instance: Any, status: str) -> dict[str, Any]:
    image = world.moto("ec2", region).amis.get(instance.image_id)
    old = image is not None and str(image.name).startswith("amzn2-")
    return {
        "InstanceId": instance.id,
        "PingStatus": status,
        "LastPingDateTime": datetime.fromtimestamp(world.now, UTC),
        "AgentVersion": VERSION,
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2" if old else "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": f"ip-{instance.private_ip.replace('.', '-')}.{region}.compute.internal",
    }


def _fits(instance: Any, row: Mapping[str, Any], key: str, values: set[str]) -> bool:
    if key.startswith("tag:"):
        tags = {one["key"]: one["value"] for one in instance.get_tags()}
        return tags.get(key.removeprefix("tag:")) in values
    field_of = {"InstanceIds": "InstanceId", "PingStatus": "PingStatus", "AgentVersion": "AgentVersion"}
    if key not in field_of:
        raise AwsRefuses("InvalidFilterKey", f"The sandbox does not know the filter {key}.")
    return row[field_of[key]] in values
