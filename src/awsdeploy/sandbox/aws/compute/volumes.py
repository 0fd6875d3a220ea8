"""Changes of a disk: shown when AWS is optimizing, and one in six hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

SETTINGS = {"Size": "size", "VolumeType": "volume_type", "Iops": "iops", "Throughput": "throughput"}
"""The parameters of ModifyVolume, and what moto calls them."""


@dataclass
class Modifications:
    """The last change of each disk as AWS describes it, and when it began."""

    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    begun: dict[str, float] = field(default_factory=dict)


@before("ec2:ModifyVolume")
def modify(world: World, call: ApiCall) -> Answer:
    wanted, known = call.parameters, world.of(Modifications)
    id = str(wanted["VolumeId"])
    volume = world.moto("ec2", call.region).get_volume(id)
    state = known.last.get(id, {}).get("ModificationState")
    if state in ("modifying", "optimizing"):
        message = f"Cannot modify volume {id} in modification state {state.upper()}"
        raise AwsRefuses("IncorrectModificationState", message)
    if state == "completed" and world.now < known.begun[id] + durations.VOLUME_RESTS:
        message = (
            "You've reached the maximum modification rate per volume limit. "
            "Wait at least 6 hours between modifications per EBS volume."
        )
        raise AwsRefuses("VolumeModificationRateExceeded", message)
    if int(wanted.get("Size") or volume.size) < volume.size:
        raise AwsRefuses("InvalidParameterValue", "New size cannot be smaller than existing size")
    last = {"VolumeId": id, "ModificationState": "modifying", "Progress": 0, "StartTime": _moment(world)}
    for name, attribute in SETTINGS.items():
        present = getattr(volume, attribute)
        last |= {f"Original{name}": present, f"Target{name}": wanted.get(name) or present}
    known.last[id], known.begun[id] = last, world.now
    world.agenda.after(durations.VOLUME_MODIFYING, lambda: _optimizing(world, volume, last))
    return {"VolumeModification": last}


def _optimizing(world: World, volume: Any, last: dict[str, Any]) -> None:
    for name, attribute in SETTINGS.items():
        setattr(volume, attribute, last[f"Target{name}"])
    last |= {"ModificationState": "optimizing", "Progress": 1}
    world.agenda.after(durations.VOLUME_OPTIMIZING, lambda: _completed(world, last))


def _completed(world: World, last: dict[str, Any]) -> None:
    last |= {"ModificationState": "completed", "Progress": 100, "EndTime": _moment(world)}


@before("ec2:DescribeVolumesModifications")
def describe(world: World, call: ApiCall) -> Answer:
    known, ids = world.of(Modifications).last, call.parameters.get("VolumeIds") or ()
    for id in ids:
        world.moto("ec2", call.region).get_volume(id)
        if id not in known:
            raise AwsRefuses("InvalidVolumeModification.NotFound", f"Modification for volume '{id}' does not exist.")
    return {"VolumesModifications": [last for id, last in known.items() if not ids or id in ids]}


@after("ec2:DeleteVolume")
def forget(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Modifications).last.pop(call.parameters["VolumeId"], None)


def _moment(world: World) -> datetime:
    return datetime.fromtimestamp(world.now, UTC)
