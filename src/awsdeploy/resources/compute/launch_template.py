"""The template that an Auto Scaling group starts machines from, and the machines it has started."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    UNKNOWN,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.resources import tag_calls
from awsdeploy.resources.compute.machine import (
    MEMBER,
    METADATA,
    SERVICE,
    USER_DATA,
    Machine,
    digest,
    is_member,
    machines,
    terminate,
)
from awsdeploy.resources.network.vpc import Subnet

IMAGE = "awsdeploy:image"
"""Tag with the image a template was made with, and its root device: it stays when AWS brings out a newer one."""

LATER = "running machines do not change until they are replaced"

KEPT = 2
"""Number of versions of a template that are kept: the one in use and the one before."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LaunchTemplate(Machine):
    """Template of the machines of a group, with a new version for each change that running machines allow.

    A change that would replace an instance creates another template, and with it another group.
    """

    tagging = tag_calls.EC2
    title = "launch template"
    replaces = {"security", "profile", "system", "port"}
    idempotency = Idempotency.NAME
    # A version is known everywhere some seconds after it was made.
    transient = (TransientError("ModifyLaunchTemplate", "InvalidLaunchTemplateId.VersionNotFound", seconds=120),)
    arns = (":launch-template/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """Every template with all its versions: few, since old ones are deleted."""
        ours = [
            observed
            for one in aws.ec2.pages("describe_launch_templates", "LaunchTemplates", Filters=aws.filters)
            for observed in aws.found(cls, one["LaunchTemplateId"], one.get("Tags"), one)
        ]
        for observed, versions in zip(ours, aws.each(lambda observed: _versions(aws, observed.id), ours), strict=True):
            if versions:
                yield dataclasses.replace(observed, raw={**observed.raw, "Versions": versions})

    def create(self, aws: Aws) -> str:
        name = aws.name(self, 128)
        with tolerate("InvalidLaunchTemplateName.AlreadyExistsException"):
            made = aws.ec2.create_launch_template(
                LaunchTemplateName=name,
                LaunchTemplateData=self._data(aws, *self.newest_image(aws)),
                TagSpecifications=aws.tag_spec(self, "launch-template"),
            )
            return str(made["LaunchTemplate"]["LaunchTemplateId"])
        found = aws.ec2.describe_launch_templates(LaunchTemplateNames=[name])["LaunchTemplates"]
        return str(found[0]["LaunchTemplateId"])

    @classmethod
    def began_with(cls, aws: Aws, observed: Observed) -> str:
        return _user_data(_default(observed))

    @classmethod
    def image_of(cls, observed: Observed) -> str:
        return str(_default(observed)["LaunchTemplateData"]["ImageId"])

    def _data(self, aws: Aws, image: str, root: str) -> dict[str, Any]:
        # AWS: boto3 encodes the user data of RunInstances, not that of templates.
        return {
            "ImageId": image,
            "InstanceType": self.size,
            "IamInstanceProfile": {"Name": aws[self.profile].id},
            "SecurityGroupIds": [aws[group].id for group in self.security],
            "MetadataOptions": METADATA,
            "BlockDeviceMappings": self.block_devices(root),
            "UserData": base64.b64encode(self.user_data(aws).encode()).decode(),
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": tags}
                for kind, tags in self._tags(aws, digest(self.user_data(aws)), f"{image} {root}").items()
            ],
            **self.key_name,
        }

    def _tags(self, aws: Aws, user_data: str, image: str) -> dict[str, list[dict[str, str]]]:
        """Tags of machines started from it: they are found, and not taken for machines that we start ourselves."""
        about = [
            {"Key": USER_DATA, "Value": user_data},
            {"Key": IMAGE, "Value": image},
            {"Key": SERVICE, "Value": self.service},
        ]
        machine = aws.tags(self, part=MEMBER)
        return {
            "instance": [*machine, *about],
            "network-interface": machine,
            "volume": aws.tags(self, part="disk"),
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """A version as declared, and that version as the default."""
        versions, default = observed.raw["Versions"], _default(observed)
        right = [one["VersionNumber"] for one in versions if not list(self._differences(aws, one))]

        def default_now(number: int) -> None:
            aws.ec2.modify_launch_template(LaunchTemplateId=observed.id, DefaultVersion=str(number))

        def renew() -> None:
            if right:
                default_now(max(right))
            else:
                image, root = _recorded(default) or self.newest_image(aws)
                data = self._data(aws, image, root)
                # AWS may show the new version late: the token keeps the second look from making it again.
                token = digest(json.dumps([default["VersionNumber"], data], sort_keys=True))
                made = aws.ec2.create_launch_template_version(
                    LaunchTemplateId=observed.id, LaunchTemplateData=data, ClientToken=token
                )["LaunchTemplateVersion"]
                default_now(made["VersionNumber"])

        for field, old, new in self._differences(aws, default):
            yield Change(field, old, new, renew, LATER)

    def version(self, aws: Aws) -> Any:
        """The number of the version that is as declared, or `UNKNOWN` where there is none yet."""
        observed = aws[self]
        for one in observed.raw["Versions"] if isinstance(observed, Observed) else ():
            if one["DefaultVersion"] and not list(self._differences(aws, one)):
                return str(one["VersionNumber"])
        return UNKNOWN

    def _differences(self, aws: Aws, version: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
        """Field, what the version says, and what it should say. The image and our own user data may be older."""
        data = version["LaunchTemplateData"]
        if data.get("InstanceType") != self.size:
            yield "instance type", data.get("InstanceType"), self.size
        profile = aws[self.profile].id
        if data.get("IamInstanceProfile", {}).get("Name") != profile:
            yield "instance profile", data.get("IamInstanceProfile", {}).get("Name"), profile
        if data.get("KeyName", "") != self.key_pair:
            yield "key pair", data.get("KeyName"), self.key_pair or None
        groups, wanted = sorted(data.get("SecurityGroupIds", ())), [aws[group].id for group in self.security]
        if UNKNOWN in wanted or groups != sorted(wanted):
            yield "security groups", groups, wanted
        for option, value in METADATA.items():
            if data.get("MetadataOptions", {}).get(option) != value:
                yield option, data.get("MetadataOptions", {}).get(option), value
        image, root = _recorded(version) or ("", "")
        if data.get("ImageId") != image:
            yield "image", data.get("ImageId"), image or "the system's"
        disks, ours = data.get("BlockDeviceMappings", ()), self.block_devices(root)
        if not _same_disks(disks, ours):
            yield "disk", disks, ours
        text = _user_data(version)
        if digest(text) != _about(version).get(USER_DATA):
            yield "user data", "something else", "ours"
        present = {one["ResourceType"]: tags_to_dict(one["Tags"]) for one in data.get("TagSpecifications", ())}
        tags = self._tags(aws, digest(text), f"{image} {root}")
        if any(present.get(kind) != tags_to_dict(pairs) for kind, pairs in tags.items()):
            yield "tags of machines", "something else", "ours"

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidLaunchTemplateId.NotFound"):
            aws.ec2.delete_launch_template(LaunchTemplateId=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class Member(Resource):
    """A machine that a group has started. The group makes and ends it; what outlives its group is deleted.

    Nobody declares one: the fields only say what must outlive it.
    """

    template: LaunchTemplate
    subnet: Subnet

    title = "machine of an Auto Scaling group"
    wait = Wait(
        pending={"pending", "stopping"}, ready={"running", "stopped"}, leaving={"shutting-down", "terminated"}, usual=45
    )
    deletion = Deletion(recreated_by={"AutoScalingGroup"}, usual=45)
    arns = (":instance/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.listed(machines):
            if is_member(one.get("Tags")):
                yield from aws.found(cls, one["InstanceId"], one["Tags"], one, one["State"]["Name"])

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Most have gone with their group by now."""
        if any(one.id == observed.id and not one.state.leaving for one in aws.latest(cls)):
            terminate(aws, observed.id)


def _versions(aws: Aws, template: str) -> list[dict[str, Any]]:
    """All versions, the newest first; none if the template is gone."""
    with tolerate("InvalidLaunchTemplateId.NotFound"):
        found = aws.ec2.pages("describe_launch_template_versions", "LaunchTemplateVersions", LaunchTemplateId=template)
        return sorted(found, key=lambda one: -int(one["VersionNumber"]))
    return []


def _default(template: Observed) -> Mapping[str, Any]:
    """The version from which machines are started."""
    return next(one for one in template.raw["Versions"] if one["DefaultVersion"])


def _user_data(version: Mapping[str, Any]) -> str:
    return base64.b64decode(version["LaunchTemplateData"].get("UserData", "")).decode(errors="replace")


def _about(version: Mapping[str, Any]) -> dict[str, str]:
    """Tags that a version of the template gives to machines."""
    specified = version["LaunchTemplateData"].get("TagSpecifications", ())
    return next((tags_to_dict(one["Tags"]) for one in specified if one["ResourceType"] == "instance"), {})


def _recorded(version: Mapping[str, Any]) -> tuple[str, str] | None:
    """The image and its root device that a version was made with, if its tags still say so."""
    image, _, root = _about(version).get(IMAGE, "").partition(" ")
    return (image, root) if image and root else None


def _same_disks(present: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Check that the same devices have at least the wanted settings: AWS may show more."""
    if [one["DeviceName"] for one in present] != [one["DeviceName"] for one in wanted]:
        return False
    return all(one.get("Ebs", {}).items() >= ours["Ebs"].items() for one, ours in zip(present, wanted, strict=True))
