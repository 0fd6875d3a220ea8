"""Parameter Store: names AWS keeps for itself, sizes, and tags that cannot come with an overwrite."""

from __future__ import annotations

from awsdeploy.sandbox.call import Call
from awsdeploy.sandbox.corrections import before
from awsdeploy.sandbox.refusal import AwsRefuses
from awsdeploy.sandbox.world import World

LARGEST = 4096  # bytes of a standard parameter
LEVELS = 15


@before("ssm:PutParameter")
def acceptable(_: World, call: Call) -> None:
    wanted = call.parameters
    name, value = str(wanted["Name"]), str(wanted.get("Value", ""))
    if name.strip("/").lower().startswith(("aws", "ssm")):
        message = "No access to reserved parameter name" if name.startswith("/aws") else "Parameter name is reserved"
        raise AwsRefuses("ValidationException", f"{message}: {name}.")
    if name.count("/") > LEVELS:
        raise AwsRefuses("HierarchyLevelLimitExceededException", f"A path has at most {LEVELS} levels: {name}.")
    if len(value.encode()) > LARGEST and wanted.get("Tier", "Standard") == "Standard":
        raise AwsRefuses("ValidationException", f"Standard tier parameters support up to {LARGEST} characters.")
    if wanted.get("Overwrite") and wanted.get("Tags"):
        message = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, "
        raise AwsRefuses("ValidationException", message + "please remove overwrite flag.")
