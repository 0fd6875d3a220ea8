"""The disks of the machines, and what AWS is doing to their size and type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Deletion,
    DestroyOptions,
    Observed,
    Resource,
    Wait,
)
from awsdeploy.resources import blockers


@dataclass(frozen=True, eq=False, kw_only=True)
class Volume(Resource):
    """The disk of a machine. Made with the machine and gone with it; one left over is deleted."""

    deletion = Deletion(retry_on={"VolumeInUse"}, usual=45)
    arns = (":volume/",)
    wait = Wait(pending={"creating"}, ready={"available", "in-use"}, failed={"error"}, leaving={"deleting", "deleted"})

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.ec2.pages("describe_volumes", "Volumes", Filters=aws.filters):
            yield from aws.found(cls, one["VolumeId"], one.get("Tags"), one, one["State"])

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        for one in observed.raw.get("Attachments", ()):
            yield from blockers.machine(aws, one["InstanceId"], f"detach-volume --volume-id {observed.id}")

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Delete a disk without a machine: AWS deletes an attached one with its machine."""
        if observed.status in ("available", "error"):
            with tolerate("InvalidVolume.NotFound"):
                aws.ec2.delete_volume(VolumeId=observed.id)


@dataclass(frozen=True)
class Modification:
    """The last change of a disk. `state` is AWS's word: modifying, optimizing, completed or failed."""

    state: str
    target: Mapping[str, Any]

    def brings(self, wanted: Mapping[str, Any]) -> bool:
        """True if it leads to these settings."""
        return all(self.target.get(setting) == value for setting, value in wanted.items())

    @property
    def effective(self) -> bool:
        """True if the disk has its new size and type. AWS: as soon as the change is optimizing."""
        return self.state in ("optimizing", "completed")

    @property
    def under_way(self) -> bool:
        """True if AWS refuses another change."""
        return self.state in ("modifying", "optimizing")


def modification(aws: Aws, volume: Observed) -> Modification | None:
    """Return the last change of a disk, if AWS still lists one.

    DescribeVolumes shows the old size and type until the change is in the state `optimizing`.
    """
    # AWS: of a disk that was never changed there is none (InvalidVolumeModification.NotFound) or one without a state.
    with tolerate("InvalidVolumeModification.NotFound", "InvalidVolume.NotFound"):
        found = aws.ec2.describe_volumes_modifications(VolumeIds=[volume.id])["VolumesModifications"]
        for last in sorted(found, key=lambda one: str(one.get("StartTime", "")), reverse=True):
            target = {"Size": last.get("TargetSize"), "VolumeType": last.get("TargetVolumeType")}
            return Modification(str(last.get("ModificationState", "")), target)
    return None


def change(aws: Aws, volume: Observed, wanted: Mapping[str, Any]) -> None:
    """Send ModifyVolume. Raises `AwsRefusal` where AWS takes no change now, unless it is at work on this very one."""
    try:
        aws.ec2.modify_volume(VolumeId=volume.id, **wanted)
    except AwsRefusal as refusal:
        last = modification(aws, volume) if refusal.code == "IncorrectModificationState" else None
        if last is None or not last.brings(wanted):
            raise
