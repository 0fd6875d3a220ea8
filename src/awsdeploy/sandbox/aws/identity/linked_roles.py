"""Service-linked roles: a service creates its own with an account's first object of its kind, and waits for IAM.

AWS: Auto Scaling answers ServiceLinkedRoleFailure with status 500 (API_CreateAutoScalingGroup), RDS
InvalidParameterValue (RDS User Guide, service-linked roles).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class Linked:
    """Times at which the role of each service began to be made."""

    since: dict[str, float] = field(default_factory=dict)


@after("iam:CreateServiceLinkedRole")
def created(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Linked).since.setdefault(str(call.parameters["AWSServiceName"]).partition(".")[0], world.now)


@before("autoscaling:CreateAutoScalingGroup", "rds:CreateDBInstance", "rds:RestoreDBInstanceFromDBSnapshot")
def role_is_known(world: World, call: ApiCall) -> None:
    first = world.of(Linked).since.setdefault(call.service, world.now)
    if world.now >= first + durations.IAM_PROPAGATION:
        return
    if call.service == "autoscaling":
        message = "The default Service-Linked Role for Auto Scaling could not be created or is not yet known."
        raise AwsRefuses("ServiceLinkedRoleFailure", message, 500)
    message = "Unable to create the resource. Verify that you have permission to create service linked role."
    raise AwsRefuses("InvalidParameterValue", f"{message} Otherwise wait and try again later.")
