"""Images of machines and the snapshots in them: minutes until they are made, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.ec2.models.amis import Ami
from moto.ec2.utils import random_ami_id

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

NAME = re.compile(r"[a-zA-Z0-9()\[\] ./\-'@_]{3,128}")
Tags = Mapping[str, str]


@dataclass
class Images:
    """Disks of each image, as AWS shows them."""

    disks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@before("ec2:CreateImage")
def create(world: World, call: ApiCall) -> Answer:
    wanted, ec2 = call.parameters, world.moto("ec2", call.region)
    name = wanted["Name"]
    if not NAME.fullmatch(name):
        message = (
            "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and ()[] ./-'@_"
        )
        raise AwsRefuses("InvalidAMIName.Malformed", message)
    taken = next((one for one in ec2.amis.values() if one.name == name and one.owner_id == ec2.account_id), None)
    if taken is not None:
        raise AwsRefuses("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken.id}")
    instance = ec2.get_instance(wanted["InstanceId"])
    if instance._state.name not in {"running", "stopped"}:
        message = f"The instance '{instance.id}' is not in a state from which an image can be made."
        raise AwsRefuses("IncorrectInstanceState", message)
    tags: dict[str, dict[str, str]] = {"image": {}, "snapshot": {}}
    for specified in wanted.get("TagSpecifications") or ():
        if specified["ResourceType"] not in tags:
            raise AwsRefuses("InvalidParameterValue", f"'{specified['ResourceType']}' is not a valid taggable resource")
        tags[specified["ResourceType"]] |= {tag["Key"]: tag["Value"] for tag in specified["Tags"]}
    made = make(world, call.region, instance, name, tags["image"], tags["snapshot"], wanted.get("Description") or "")
    return {"ImageId": made.id}


def make(
    world: World, region: str, instance: Any, name: str, tags: Tags, disk_tags: Tags, description: str = ""
) -> Any:
    """Begin an image of a machine: pending until its snapshots are complete and it is registered."""
    ec2 = world.moto("ec2", region)
    moment = datetime.fromtimestamp(world.now, UTC).replace(tzinfo=None)
    image = Ami(
        ec2,
        random_ami_id(),
        instance=instance,
        name=name,
        description=description,
        state="pending",
        creation_date=moment,
        root_device_type="ebs",
        root_device_name=instance.root_device_name,
        region_name=f"{region}a",
    )
    del ec2.snapshots[image.ebs_snapshot.id]  # of a disk that moto invents
    ec2.amis[image.id] = image
    ec2.tags[image.id].update(tags)
    disks = []
    for device, attached in instance.block_device_mapping.items():
        volume = ec2.get_volume(attached.volume_id)
        snapshot = ec2.create_snapshot(
            volume.id, f"Created by CreateImage({instance.id}) for {image.id}", from_ami=image.id
        )
        snapshot.status, snapshot.start_time = "pending", moment
        ec2.tags[snapshot.id].update(disk_tags)
        image.ebs_snapshot = snapshot
        shown = {"SnapshotId": snapshot.id, "VolumeSize": volume.size, "VolumeType": volume.volume_type}
        disks.append(
            {"DeviceName": device, "Ebs": {**shown, "DeleteOnTermination": True, "Encrypted": volume.encrypted}}
        )
        world.agenda.after(durations.VOLUME_SNAPSHOT, partial(_settle, snapshot, "status", "completed"))
    world.of(Images).disks[image.id] = disks
    world.agenda.after(durations.IMAGE_CREATED, partial(_settle, image, "state", "available"))
    return image


def _settle(thing: Any, attribute: str, value: str) -> None:
    if getattr(thing, attribute) == "pending":
        setattr(thing, attribute, value)


@after("ec2:DescribeImages")
def describe(world: World, call: ApiCall, answer: Answer) -> None:
    disks = world.of(Images).disks
    for shown in answer.get("Images", ()):
        if shown["ImageId"] in disks:
            shown["BlockDeviceMappings"] = disks[shown["ImageId"]]


@after("ec2:DescribeSnapshots")
def own_snapshots(world: World, call: ApiCall, answer: Answer) -> None:
    """moto does not look at who owns what is asked for."""
    owners = call.parameters.get("OwnerIds") or ()
    if owners:
        account = world.moto("ec2", call.region).account_id
        wanted = {account if owner == "self" else owner for owner in owners}
        answer["Snapshots"] = [one for one in answer.get("Snapshots", ()) if one["OwnerId"] in wanted]


@before("ec2:DeregisterImage")
def deregister(world: World, call: ApiCall) -> Answer:
    ec2, image = world.moto("ec2", call.region), call.parameters["ImageId"]
    snapshots = snapshots_of(world, image)
    ec2.deregister_image(image)
    if not call.parameters.get("DeleteAssociatedSnapshots"):
        return {"Return": True}
    return {"Return": True, "DeleteSnapshotResults": list(_deleted(ec2, snapshots))}


def _deleted(ec2: Any, snapshots: Iterable[str]) -> Iterable[dict[str, str]]:
    for snapshot in snapshots:
        if snapshot in ec2.snapshots:
            ec2.delete_snapshot(snapshot)
            yield {"SnapshotId": snapshot, "ReturnCode": "success"}


def snapshots_of(world: World, image: str) -> list[str]:
    return [disk["Ebs"]["SnapshotId"] for disk in world.of(Images).disks.get(image, ())]


def retire(world: World, region: str, image: str) -> None:
    """Deregister an image and delete its snapshots, as Data Lifecycle Manager does."""
    ec2 = world.moto("ec2", region)
    if image in ec2.amis:
        ec2.deregister_image(image)
    list(_deleted(ec2, snapshots_of(world, image)))
