"""IAM: what it changes is known elsewhere only about ten seconds later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class Propagation:
    """Time of the last change of each instance profile and of the role inside it."""

    profiles: dict[str, float] = field(default_factory=dict)
    roles: dict[str, float] = field(default_factory=dict)
    contents: dict[str, float] = field(default_factory=dict)


@after("iam:CreateInstanceProfile")
def profile_created(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Propagation).profiles[call.parameters["InstanceProfileName"]] = world.now


@after("iam:CreateRole")
def role_created(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Propagation).roles[call.parameters["RoleName"]] = world.now


@before("iam:CreateRole", "iam:PutRolePermissionsBoundary")
def boundary_exists(world: World, call: ApiCall) -> None:
    """AWS: a boundary is a policy of the account or of AWS's own."""
    arn = call.parameters.get("PermissionsBoundary")
    owner = str(arn).split(":")[4] if arn else "aws"
    if owner == "aws":
        return
    if owner != ACCOUNT or arn not in world.moto("iam").managed_policies:
        raise AwsRefuses("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", 404)


@after("iam:ListRoles")
def roles_listed(_: World, __: ApiCall, answer: Answer) -> None:
    """AWS: a list leaves out boundary, tags and last use. API_ListRoles."""
    for role in answer["Roles"]:
        for left_out in ("PermissionsBoundary", "Tags", "RoleLastUsed"):
            role.pop(left_out, None)


@after("iam:AddRoleToInstanceProfile")
def role_added(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Propagation).contents[call.parameters["InstanceProfileName"]] = world.now


def profile_known_to_ec2(world: World, wanted: Mapping[str, Any]) -> None:
    """Raises `AwsRefuses` for a profile that EC2 does not know (yet), or that holds no role (yet)."""
    if not wanted:
        return
    label, value = ("name", wanted["Name"]) if wanted.get("Name") else ("arn", wanted.get("Arn", ""))
    name = str(value).rsplit("/", 1)[-1]
    invalid = AwsRefuses(
        "InvalidParameterValue",
        f"Value ({value}) for parameter iamInstanceProfile.{label} is invalid. Invalid IAM Instance Profile {label}",
    )
    profile = next((one for one in world.moto("iam").instance_profiles.values() if one.name == name), None)
    recent = world.now - durations.IAM_PROPAGATION
    propagation = world.of(Propagation)
    if profile is None or propagation.profiles.get(name, 0) > recent:
        raise invalid
    if not profile.roles or propagation.contents.get(name, 0) > recent:
        message = f'IAM Instance Profile "{profile.arn}" has no associated IAM Roles'
        raise AwsRefuses("InvalidParameterValue", message)


def role_assumable(world: World, arn: str) -> bool:
    """Is a role old enough for other services to have heard of it?"""
    return world.of(Propagation).roles.get(arn.rsplit("/", 1)[-1], 0) <= world.now - durations.IAM_PROPAGATION
