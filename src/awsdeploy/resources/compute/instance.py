"""The machines."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    UNKNOWN,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    TransientError,
    Wait,
)
from awsdeploy.engine.tagging import retagged
from awsdeploy.errors import next_command
from awsdeploy.resources import tag_calls
from awsdeploy.resources.compute.machine import (
    METADATA,
    USER_DATA,
    Machine,
    digest,
    is_member,
    machines,
    serves,
    terminate,
)
from awsdeploy.resources.compute.rolling import leaving, rejoining
from awsdeploy.resources.compute.volume import Volume, change, modification
from awsdeploy.resources.network.vpc import Subnet

STOPS = "stops and starts the machine"
RESTART = 180
"""Seconds until a machine that is stopped and started serves again: at most 60 to stop, 15 to start, then its programs
and two health checks."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Instance(Machine):
    """One machine of a service. `rolling` is the key of its target group if others serve while this one is stopped."""

    subnet: Subnet
    rolling: str = ""

    tagging = tag_calls.EC2
    title = "EC2 instance"
    replaces = {"subnet", "profile", "system", "service", "key_pair"}
    idempotency = Idempotency.TOKEN
    wait = Wait(
        pending={"pending", "stopping"},
        ready={"running", "stopped"},
        leaving={"shutting-down", "terminated"},
        usual=15,
        deadline=900,
    )
    transient = (
        # AWS: a new instance profile is known to EC2 after about 10 s, at most 2 minutes.
        TransientError("RunInstances", "InvalidParameterValue", seconds=120, text="Invalid IAM Instance Profile"),
        TransientError("RunInstances", "InvalidParameterValue", seconds=120, text="has no associated IAM Roles"),
        TransientError("RunInstances", "InvalidGroup.NotFound", seconds=120),
        TransientError("RunInstances", "InvalidSubnetID.NotFound", seconds=120),
        TransientError("ModifyInstanceAttribute", "IncorrectInstanceState", seconds=120),
        # The association before is still leaving.
        TransientError("AssociateIamInstanceProfile", "IncorrectState", seconds=120),
        TransientError("CreateImage", "IncorrectInstanceState", seconds=120),
    )
    copies = "Image"
    deletion = Deletion(retry_on={"IncorrectInstanceState"}, usual=60)
    arns = (":instance/", ":network-interface/")

    def brief(self) -> str:
        return f"{self.service} {self.size} in {self.subnet.place}"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.listed(machines):
            if not is_member(one.get("Tags")):
                reason = one.get("StateReason", {}).get("Message", "")
                yield from aws.found(cls, one["InstanceId"], one.get("Tags"), one, one["State"]["Name"], reason)

    def create(self, aws: Aws) -> str | Observed:
        image, root = self.newest_image(aws)
        tags = aws.tag_spec(self, "instance", "network-interface")
        tags[0]["Tags"] = [*tags[0]["Tags"], *self.own_tags(aws)]
        tags.append({"ResourceType": "volume", "Tags": aws.tags(self, part="disk")})
        made = aws.ec2.run_instances(
            ImageId=image,
            InstanceType=self.size,
            MinCount=1,
            MaxCount=1,
            ClientToken=aws.token,
            SubnetId=aws[self.subnet].id,
            SecurityGroupIds=[aws[group].id for group in self.security],
            IamInstanceProfile={"Name": aws[self.profile].id},
            MetadataOptions=METADATA,
            BlockDeviceMappings=self.block_devices(root),
            UserData=self.user_data(aws),
            TagSpecifications=tags,
            **self.key_name,
        )
        one = made["Instances"][0]
        return aws.made(self, one["InstanceId"], one, one["State"]["Name"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Differences. If one needs a stopped machine, the steps of three reads are: stop, change, start."""
        ec2 = aws.ec2
        yield from self._diff_running(aws, observed)
        stopped = observed.status == "stopped"
        offline = list(self._diff_stopped(aws, observed))
        if offline and not stopped:
            stop = partial(ec2.stop_instances, InstanceIds=[observed.id])
            for change in offline:
                if self.rolling:
                    yield leaving(aws, self.rolling, observed, change, stop)
                else:
                    yield dataclasses.replace(change, apply=stop, impact=STOPS, danger=Danger.OUTAGE, outage=RESTART)
        elif offline:
            yield from offline
        elif stopped:
            yield Change("state", "stopped", "running", partial(ec2.start_instances, InstanceIds=[observed.id]))

    def rejoin(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        yield from rejoining(aws, self.rolling, observed.id)

    def stands_in(self, observed: Observed) -> bool:
        return serves(observed, self.service)

    def _diff_running(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        raw, ec2 = observed.raw, aws.ec2
        groups = sorted(one["GroupId"] for one in raw.get("SecurityGroups", ()))
        wanted = [aws[group].id for group in self.security]
        if UNKNOWN in wanted or groups != sorted(wanted):
            change = partial(ec2.modify_instance_attribute, InstanceId=observed.id, Groups=wanted)
            yield Change("security groups", groups, wanted, change)
        present = raw.get("MetadataOptions", {})
        safe = partial(ec2.modify_instance_metadata_options, InstanceId=observed.id, **METADATA)
        for option, value in METADATA.items():
            if present.get(option) != value:
                yield Change(option, present.get(option), value, safe)
        yield from self._diff_profile(aws, observed)
        attached = disks(observed)
        for volume in aws.latest(Volume):
            if volume.id in attached:
                yield from self._diff_volume(aws, volume)
                yield from retagged(aws, tag_calls.EC2, volume, "disk ")

    def _diff_profile(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        wanted = aws[self.profile].id
        arn = str(observed.raw.get("IamInstanceProfile", {}).get("Arn", ""))
        if wanted == UNKNOWN or arn.rpartition("/")[2] != wanted:

            def associate() -> None:
                filters = [{"Name": "instance-id", "Values": [observed.id]}]
                answer = aws.ec2.describe_iam_instance_profile_associations(Filters=filters)
                for one in answer["IamInstanceProfileAssociations"]:
                    with tolerate("InvalidAssociationID.NotFound"):
                        aws.ec2.disassociate_iam_instance_profile(AssociationId=one["AssociationId"])
                aws.ec2.associate_iam_instance_profile(InstanceId=observed.id, IamInstanceProfile={"Name": wanted})

            yield Change("instance profile", arn.rpartition("/")[2] or None, wanted, associate)

    def _diff_volume(self, aws: Aws, volume: Observed) -> Iterator[Change]:
        """AWS grows a disk in place and never shrinks one."""
        wrong: dict[str, tuple[Any, Any, str, str]] = {}
        if volume.raw["VolumeType"] != "gp3":
            wrong["VolumeType"] = (volume.raw["VolumeType"], "gp3", "disk type", "")
        if volume.raw["Size"] < self.disk:
            grows = "the file system is extended at the next boot"
            wrong["Size"] = (volume.raw["Size"], self.disk, "disk GB", grows)
        wanted = {setting: new for setting, (_, new, _, _) in wrong.items()}
        last = modification(aws, volume) if wrong else None
        comes = last is not None and last.brings(wanted)
        if last and comes and last.effective:
            return
        begun = last is not None and comes and last.state == "modifying"

        def modify() -> None:
            if not begun:
                change(aws, volume, wanted)

        for old, new, field, impact in wrong.values():
            if last and last.under_way:
                impact = "AWS is still changing it" if begun else "AWS refuses it until the previous change is done"
            yield Change(field, old, new, modify, impact, begun)

    def _diff_stopped(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        raw, ec2 = observed.raw, aws.ec2
        if raw["InstanceType"] != self.size:
            change = partial(ec2.modify_instance_attribute, InstanceId=observed.id, InstanceType={"Value": self.size})
            yield Change("instance type", raw["InstanceType"], self.size, change)
        if observed.new:
            return
        text = self.began_with(aws, observed)
        tags = tags_to_dict(raw.get("Tags"))
        if digest(text) != tags.get(USER_DATA):
            ours = self.user_data(aws)

            def restore() -> None:
                ec2.modify_instance_attribute(InstanceId=observed.id, UserData={"Value": ours.encode()})
                ec2.create_tags(Resources=[observed.id], Tags=[{"Key": USER_DATA, "Value": digest(ours)}])

            yield Change("user data", "something else", "the placeholder", restore)

    @classmethod
    def began_with(cls, aws: Aws, observed: Observed) -> str:
        return user_data_of(aws, observed.id)

    def advisory(self, aws: Aws, observed: Observed) -> str:
        """A disk that is larger than declared. AWS never shrinks one."""
        largest = max((one.raw["Size"] for one in aws.all(Volume) if one.id in disks(observed)), default=0)
        if largest <= self.disk:
            return ""
        return (
            f"The disk of {self.key} has {largest} GB, not {self.disk} GB (services.{self.service}.volume_gb): AWS "
            f"cannot shrink a disk. For a machine with a smaller one: {next_command('up', '--replace', self.key)}"
        )

    @classmethod
    def image_of(cls, observed: Observed) -> str:
        return str(observed.raw["ImageId"])

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {"address": str(observed.raw["PublicIpAddress"])} if observed.raw.get("PublicIpAddress") else {}

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.OUTAGE

    @classmethod
    def back_up(cls, aws: Aws, observed: Observed, stamp: str) -> str:
        """An image without a restart: what the machine had in memory is not in it. AWS keeps image names unique."""
        name = f"{aws.stack.slug}-{observed.key.rpartition('/')[2]}-{observed.id}-{stamp}"
        tags = [tag for tag in observed.raw.get("Tags", ()) if not tag["Key"].startswith("aws:")]
        with tolerate("InvalidAMIName.Duplicate"):
            made = aws.ec2.create_image(
                InstanceId=observed.id,
                Name=name,
                NoReboot=True,
                TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")],
            )
            return str(made["ImageId"])
        named = aws.ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])
        return str(named["Images"][0]["ImageId"])

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        if not observed.state.leaving:
            terminate(aws, observed.id)


def disks(machine: Observed) -> set[str]:
    """The ids of the volumes that are attached to a machine."""
    return {one["Ebs"]["VolumeId"] for one in machine.raw.get("BlockDeviceMappings", ()) if "Ebs" in one}


def user_data_of(aws: Aws, id: str) -> str:
    """User data that a machine has been started with."""
    answer = aws.ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")
    return base64.b64decode(answer.get("UserData", {}).get("Value", "")).decode(errors="replace")
