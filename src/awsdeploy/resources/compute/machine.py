"""Launch settings of a machine, started by us or by an Auto Scaling group from a template."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import TAG_RESOURCE, Aws, Observed, Resource
from awsdeploy.resources.compute import bootstrap, placeholder
from awsdeploy.resources.identity.role import InstanceProfile
from awsdeploy.resources.network.security_group import SecurityGroup
from awsdeploy.resources.storage.bucket_name import bucket_name
from awsdeploy.resources.storage.bucket_object import BucketObject

# AWS keeps the newest image of each system under a public parameter.
IMAGES = {
    "al2": "/aws/service/ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-x86_64-gp2",
    "al2023": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
}
METADATA = {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1}
"""IMDSv2 only, and not for what runs a network hop away."""

USER_DATA = "awsdeploy:user-data"
"""Tag with a hash of the user data the machine was started with: a new version of ours is no drift."""

SERVICE = "awsdeploy:service"
"""Tag with the service a machine is for: its role may report on machines of that service."""

RELEASE = "awsdeploy:release"
"""Tag that a machine sets itself: the release that runs there, or `failed RELEASE STEP` where a new one got none."""
FAILED = "failed "

MEMBER = "member"
"""The part of a template's key that a machine carries which a group has started from it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Machine(Resource):
    """IMDSv2 only, encrypted gp3 disk (GB), a placeholder on the service's port, then the bootstrap.

    `system` is al2 or al2023; its image moves, so what is made keeps the one it was made with. A `key_pair` of that
    name must exist already.
    """

    service: str
    bootstrap: tuple[BucketObject, ...]  # what it fetches when it begins
    security: tuple[SecurityGroup, ...]
    profile: InstanceProfile
    system: str
    size: str
    disk: int
    port: int | None
    key_pair: str = ""

    abstract = True

    def conflict(self, aws: Aws) -> str:
        """A key pair that does not exist."""
        if not self.key_pair:
            return ""
        try:
            aws.ec2.describe_key_pairs(KeyNames=[self.key_pair])
        except AwsRefusal as refusal:
            if refusal.code != "InvalidKeyPair.NotFound":
                raise
            return f"{self.key} needs the key pair {self.key_pair}, which does not exist in {aws.region}."
        return ""

    @property
    def key_name(self) -> dict[str, str]:
        """The key pair as AWS wants to hear it: nothing where there is none."""
        return {"KeyName": self.key_pair} if self.key_pair else {}

    def own_tags(self, aws: Aws) -> list[dict[str, str]]:
        """Tags of a machine besides the stack's tags."""
        return [{"Key": USER_DATA, "Value": digest(self.user_data(aws))}, {"Key": SERVICE, "Value": self.service}]

    def newest_image(self, aws: Aws) -> tuple[str, str]:
        """The system's newest image and its root device, looked up once a run."""
        return aws.once(_newest_image, self.system)

    def user_data(self, aws: Aws) -> str:
        """The placeholder first, so that it answers whatever becomes of the bootstrap. AWS: 16 KB at most."""
        bucket = bucket_name(aws, self.bootstrap[0].bucket)
        arguments = (aws.stack.tag, self.service, self.system, aws.region)
        release = f"s3://{bucket}/{bootstrap.manifest_key(self.service)}"
        page = placeholder.user_data(self.system, self.port, placeholder.ANY, aws.region, release)
        return page + bootstrap.fetched(bucket, *arguments)

    @classmethod
    def began_with(cls, aws: Aws, observed: Observed) -> str:
        """User data of what exists."""
        raise NotImplementedError

    @classmethod
    def image_of(cls, observed: Observed) -> str:
        """Id of the system image of what exists."""
        raise NotImplementedError

    def kept_generation(self, aws: Aws, observed: Observed, of: Mapping[Resource, str], counter: int) -> str:
        """Earlier versions replaced a machine when the port or the health path changed."""
        port, health = placeholder.started_with(self.began_with(aws, observed))
        return self._generation(of, counter, {"port": port, "health": health})

    def block_devices(self, root: str) -> list[dict[str, Any]]:
        disk = {"VolumeSize": self.disk, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
        return [{"DeviceName": root, "Ebs": disk}]


def _newest_image(aws: Aws, system: str) -> tuple[str, str]:
    image = str(aws.ssm.get_parameter(Name=IMAGES[system])["Parameter"]["Value"])
    return image, str(aws.ec2.describe_images(ImageIds=[image])["Images"][0]["RootDeviceName"])


def machines(aws: Aws) -> list[dict[str, Any]]:
    """All machines with the stack's tag, also those of Auto Scaling groups, without terminated ones."""
    reservations = aws.ec2.pages("describe_instances", "Reservations", Filters=aws.filters)
    return [one for some in reservations for one in some["Instances"] if one["State"]["Name"] != "terminated"]


def is_member(tags: Iterable[Mapping[str, str]] | None) -> bool:
    """Check whether a group started a machine with these tags."""
    return tags_to_dict(tags).get(TAG_RESOURCE, "").endswith(f"/{MEMBER}")


def service_of(machine: Observed) -> str:
    """The service that a machine is for; "" for another object."""
    return (machine.tags or {}).get(SERVICE, "")


def serves(observed: Observed, service: str) -> bool:
    """Check whether an object is a machine of this service, or its Auto Scaling group."""
    return service_of(observed) == service or observed.key == f"machines/{service}-group"


def terminate(aws: Aws, id: str) -> None:
    """Terminate a machine, even if it has termination protection: the user has confirmed the deletion."""
    try:
        with tolerate("InvalidInstanceID.NotFound"):
            aws.ec2.terminate_instances(InstanceIds=[id])
    except AwsRefusal as refusal:
        if refusal.code != "OperationNotPermitted" or "disableApiTermination" not in refusal.text:
            raise
        aws.ec2.modify_instance_attribute(InstanceId=id, DisableApiTermination={"Value": False})
        aws.ec2.terminate_instances(InstanceIds=[id])


def release_of(tags: Iterable[Mapping[str, str]] | None) -> str:
    """The release that runs on a machine with these tags; "" while the placeholder answers."""
    said = _said_of_release(tags)
    return "" if said.startswith(FAILED) else said


@dataclass(frozen=True)
class FailedRelease:
    """A release that a machine without an earlier one could not be given, and the agent's step that failed."""

    machine: str
    release: str
    step: str

    def __str__(self) -> str:
        return f"release failed at `{self.step}` on {self.machine}: {self.release}"


def failed_release_of(machine: str, tags: Iterable[Mapping[str, str]] | None) -> FailedRelease | None:
    """The release that failed on the machine with this id and these tags, if any."""
    said = _said_of_release(tags)
    release, _, step = said.removeprefix(FAILED).partition(" ")
    return FailedRelease(machine, release, step) if said.startswith(FAILED) else None


def _said_of_release(tags: Iterable[Mapping[str, str]] | None) -> str:
    return tags_to_dict(tags).get(RELEASE, "")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
