"""Parameter Store: names AWS keeps for itself, sizes, and tags that cannot come with an overwrite."""

from __future__ import annotations

from datetime import UTC, datetime

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

LARGEST = 4096  # bytes of a standard parameter
LARGEST_ADVANCED = 8192
LEVELS = 15
WHO = f"arn:aws:iam::{ACCOUNT}:user/sandbox"


@before("ssm:PutParameter")
def acceptable(_: World, call: ApiCall) -> None:
    wanted = call.parameters
    name, value = str(wanted["Name"]), str(wanted.get("Value", ""))
    if name.strip("/").lower().startswith(("aws", "ssm")):
        message = "No access to reserved parameter name" if name.startswith("/aws") else "Parameter name is reserved"
        raise AwsRefuses("ValidationException", f"{message}: {name}.")
    if name.count("/") > LEVELS:
        raise AwsRefuses("HierarchyLevelLimitExceededException", f"A path has at most {LEVELS} levels: {name}.")
    larger = wanted.get("Tier", "Standard") != "Standard"
    if len(value.encode()) > (limit := LARGEST_ADVANCED if larger else LARGEST):
        tier = "Advanced" if larger else "Standard"
        raise AwsRefuses("ValidationException", f"{tier} tier parameters support up to {limit} characters.")
    if wanted.get("Overwrite") and wanted.get("Tags"):
        message = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, "
        raise AwsRefuses("ValidationException", message + "please remove overwrite flag.")


@before("ssm:PutParameter")
def as_it_was(world: World, call: ApiCall) -> None:
    """AWS: an existing parameter keeps its type, and never goes back to the standard tier."""
    wanted = call.parameters
    stored = world.moto("ssm", call.region)._parameters
    known = stored.get(stored.normalize_name(str(wanted["Name"])))
    if not known or not wanted.get("Overwrite"):
        return
    if wanted.get("Type", known[-1].parameter_type) != known[-1].parameter_type:
        message = "Parameter Store doesn't support changing a parameter type in a hierarchy."
        raise AwsRefuses("HierarchyTypeMismatchException", message)
    if known[-1].tier == "Advanced" and wanted.get("Tier", "Standard") == "Standard":
        message = "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
        raise AwsRefuses("ValidationException", message + "advanced-parameter tier to the standard-parameter tier.")


@after("ssm:PutParameter")
def written(world: World, call: ApiCall, _: Answer) -> None:
    """moto takes the time of a version from this computer; AWS time is the world's."""
    stored = world.moto("ssm", call.region)._parameters
    versions = stored[stored.normalize_name(str(call.parameters["Name"]))]
    versions[-1].last_modified_date = datetime.fromtimestamp(world.now, UTC)


@after("ssm:DescribeParameters")
@after("ssm:GetParameterHistory")
def who(_: World, call: ApiCall, answer: Answer) -> None:
    """AWS: LastModifiedUser is the identity that wrote the parameter last."""
    for one in answer.get("Parameters", ()):
        one["LastModifiedUser"] = WHO
