"""Images of the machines and the snapshots of disks they consist of: made by AWS each day or by `backup now`.

Never made by `up`; kept by a destroy unless the data may go too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Deletion,
    DestroyOptions,
    Observed,
    Resource,
    Restorable,
    Retained,
    Status,
    Wait,
)
from awsdeploy.resources import blockers

# AWS bills what the blocks of a disk's snapshots take together, and tells it nowhere by snapshot.
UNKNOWN_COST = None

BROKEN = Status(meaning="AWS could not create it", remedy="{backup} makes a new one.")


@dataclass(frozen=True, eq=False, kw_only=True)
class Image(Resource):
    """Image of a machine. It has its machine's tags."""

    title = "machine image"
    wait = Wait(
        pending={"pending", "transient"},
        ready={"available", "disabled"},
        leaving={"deregistered"},
        statuses=dict.fromkeys(("failed", "error", "invalid"), BROKEN),
        usual=300,
        deadline=7200,
    )
    data = True
    arns = (":image/",)
    deletion = Deletion(recreated_by={"LifecyclePolicy"})

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        asked = {"Owners": ["self"], "Filters": aws.filters, "IncludeDisabled": True}
        for one in aws.ec2.pages("describe_images", "Images", **asked):
            reason = one.get("StateReason", {}).get("Message", "")
            yield from aws.found(cls, one["ImageId"], one.get("Tags"), one, one["State"], reason, copy=True)

    @classmethod
    def restorable(cls, aws: Aws, observed: Observed) -> Iterator[Restorable]:
        made = datetime.fromisoformat(observed.raw["CreationDate"])
        yield Restorable(
            cls.noun(), observed.origin, observed.id, observed.status, made, gigabytes(observed), UNKNOWN_COST
        )

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        if options.data:
            return None
        return Retained(f"{observed.origin} as it was on {observed.raw['CreationDate'][:10]}", UNKNOWN_COST)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Its snapshots go along, whether or not AWS has tagged them."""
        with tolerate("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"):
            aws.ec2.deregister_image(ImageId=observed.id, DeleteAssociatedSnapshots=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class EbsSnapshot(Resource):
    """The disk in an image, or what is left of one that was deregistered by hand."""

    title = "disk snapshot"
    wait = Wait(
        pending={"pending", "recoverable", "recovering"},  # the last two are in the recycle bin, which no scan shows
        ready={"completed"},
        statuses={"error": BROKEN},
        usual=180,
        deadline=7200,
    )
    data = True
    arns = (":snapshot/",)
    deletion = Deletion(retry_on={"InvalidSnapshot.InUse"}, recreated_by={"Image", "LifecyclePolicy"})

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.ec2.pages("describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=aws.filters):
            reason = one.get("StateMessage", "")
            yield from aws.found(cls, one["SnapshotId"], one.get("Tags"), one, one["State"], reason, copy=True)

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        if options.data:
            return None
        return Retained(f"{observed.raw['VolumeSize']} GB disk of {observed.origin}", UNKNOWN_COST)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        used = [{"Name": "block-device-mapping.snapshot-id", "Values": [observed.id]}]
        for one in aws.ec2.pages("describe_images", "Images", Owners=["self"], Filters=used):
            remedy = f"aws ec2 deregister-image --region {aws.region} --image-id {one['ImageId']}"
            going = blockers.ours(aws, one.get("Tags"))
            yield Blocker(f"machine image {one['ImageId']} ({one.get('Name', '')})", "" if going else remedy)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidSnapshot.NotFound"):
            aws.ec2.delete_snapshot(SnapshotId=observed.id)


def gigabytes(image: Observed) -> float:
    """The size of an image's disks in GB."""
    disks: Iterable[dict[str, Any]] = image.raw.get("BlockDeviceMappings", ())
    return float(sum(one["Ebs"].get("VolumeSize", 0) for one in disks if "Ebs" in one))
