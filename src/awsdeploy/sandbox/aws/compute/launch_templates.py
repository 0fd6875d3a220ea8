"""Launch templates: kept as they were given, with user data that is encoded, and old versions that can go."""

from __future__ import annotations

import base64
import binascii
import copy
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.compute.instances import USER_DATA_LIMIT
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class Deleted:
    """Versions that are gone, by template and number: moto has no call for it."""

    versions: set[tuple[str, int]] = field(default_factory=set)


@before("ec2:CreateLaunchTemplate", "ec2:CreateLaunchTemplateVersion")
def user_data(world: World, call: ApiCall) -> None:
    """AWS: base64 of 16 KB at most; nothing encodes it on the way."""
    text = str((call.parameters.get("LaunchTemplateData") or {}).get("UserData") or "")
    try:
        script = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AwsRefuses("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from None
    if len(script) > USER_DATA_LIMIT:
        raise AwsRefuses("InvalidUserData.Malformed", f"User data is limited to {USER_DATA_LIMIT} bytes")


@after("ec2:CreateLaunchTemplate")
def created(world: World, call: ApiCall, answer: Answer) -> None:
    template = world.moto("ec2", call.region).get_launch_template(answer["LaunchTemplate"]["LaunchTemplateId"])
    template.versions[-1].data = copy.deepcopy(call.parameters["LaunchTemplateData"])


@after("ec2:CreateLaunchTemplateVersion")
def version_created(world: World, call: ApiCall, answer: Answer) -> None:
    template = world.moto("ec2", call.region).get_launch_template(answer["LaunchTemplateVersion"]["LaunchTemplateId"])
    based = call.parameters.get("SourceVersion")
    data = copy.deepcopy(template.get_version(based).data) if based else {}
    template.versions[-1].data = data | copy.deepcopy(call.parameters["LaunchTemplateData"])
    answer["LaunchTemplateVersion"]["LaunchTemplateData"] = copy.deepcopy(template.versions[-1].data)


@before("ec2:DeleteLaunchTemplateVersions")
def delete_versions(world: World, call: ApiCall) -> Answer:
    """The default version stays; a version that is not there is reported, not refused."""
    ec2, gone = world.moto("ec2", call.region), world.of(Deleted).versions
    template = ec2.get_launch_template(call.parameters["LaunchTemplateId"])
    numbers = [int(number) for number in call.parameters["Versions"]]
    if template.default_version_number in numbers:
        raise AwsRefuses("OperationNotPermitted", "The default version of a launch template cannot be deleted.")
    there = {one.number for one in template.versions} - {number for id, number in gone if id == template.id}
    gone |= {(template.id, number) for number in numbers if number in there}
    said = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
    missing = {"Code": "launchTemplateVersionDoesNotExist", "Message": "There is no such version."}
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": [
            {**said, "VersionNumber": number} for number in numbers if number in there
        ],
        "UnsuccessfullyDeletedLaunchTemplateVersions": [
            {**said, "VersionNumber": number, "ResponseError": missing} for number in numbers if number not in there
        ],
    }


@after("ec2:DescribeLaunchTemplates")
def as_tagged(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS shows the tags of now, moto those a template was made with."""
    ec2 = world.moto("ec2", call.region)
    for one in answer["LaunchTemplates"]:
        found = ec2.get_launch_template(one["LaunchTemplateId"]).get_tags()
        one["Tags"] = [{"Key": tag["key"], "Value": tag["value"]} for tag in found]


@after("ec2:DescribeLaunchTemplateVersions")
def remaining(world: World, call: ApiCall, answer: Answer) -> None:
    gone = world.of(Deleted).versions
    answer["LaunchTemplateVersions"] = [
        one
        for one in answer["LaunchTemplateVersions"]
        if (one["LaunchTemplateId"], int(one["VersionNumber"])) not in gone
    ]


def version_data(world: World, region: str, template: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Number and content of the version that a `LaunchTemplateSpecification` names. Raises `AwsRefuses`."""
    ec2, wanted = world.moto("ec2", region), str(template.get("Version", "$Default"))
    id = template.get("LaunchTemplateId") or ec2.launch_template_name_to_ids.get(template.get("LaunchTemplateName"))
    found = ec2.launch_templates.get(id)
    if found is None:
        message = f"The specified launch template, with template ID {id}, does not exist."
        raise AwsRefuses("ValidationError", f"You must use a valid fully-formed launch template. {message}")
    if wanted.isdigit():
        known = next((one for one in found.versions if one.number == int(wanted)), None)
    else:
        known = found.get_version(wanted)
    if known is None or (found.id, known.number) in world.of(Deleted).versions:
        message = f"The specified launch template version {wanted} does not exist."
        raise AwsRefuses("ValidationError", f"You must use a valid fully-formed launch template. {message}")
    return str(known.number), {**known.data, "ImageId": _image(world, region, str(known.data.get("ImageId", "")))}


def _image(world: World, region: str, image: str) -> str:
    """A template may name a parameter that names the image."""
    named = image.removeprefix("resolve:ssm:")
    if named == image:
        return image
    parameter = world.moto("ssm", region).get_parameter(named)
    if parameter is None:
        raise AwsRefuses("ValidationError", f"The parameter {named} does not exist.")
    return str(parameter.value)
