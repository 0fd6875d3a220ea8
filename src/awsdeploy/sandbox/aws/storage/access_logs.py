"""Access logs of load balancers: only into a bucket of the same region whose policy lets them be delivered."""

from __future__ import annotations

from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server.anonymous_access import decided, listed, statements
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DELIVERY = "logdelivery.elasticloadbalancing.amazonaws.com"
TEST_FILE = "ELBAccessLogTestFile"


def _wanted(world: World, call: ApiCall) -> tuple[str, str] | None:
    """The bucket and the place in it that logs are to go to after this call, if any."""
    balancer = world.moto("elbv2", call.region).load_balancers.get(call.parameters["LoadBalancerArn"])
    changed = {one["Key"]: one.get("Value", "") for one in call.parameters.get("Attributes") or ()}
    if not any(key.startswith("access_logs.s3.") for key in changed) or balancer is None:
        return None
    attributes = {**balancer.attrs, **changed}
    if attributes.get("access_logs.s3.enabled") != "true":
        return None
    prefix = attributes.get("access_logs.s3.prefix", "")
    return attributes.get("access_logs.s3.bucket", ""), f"{prefix}/AWSLogs" if prefix else "AWSLogs"


@before("elbv2:ModifyLoadBalancerAttributes")
def deliverable(world: World, call: ApiCall) -> None:
    wanted = _wanted(world, call)
    if wanted is None:
        return
    name, place = wanted
    bucket = world.moto("s3").buckets.get(name)
    if bucket is None:
        raise AwsRefuses("InvalidConfigurationRequest", f"S3Bucket: {name} does not exist", 400)
    if bucket.region_name != call.region:
        message = f"The bucket {name} is not in the region of the load balancer: {call.region}"
        raise AwsRefuses("InvalidConfigurationRequest", message, 400)
    ours = [one for one in statements(bucket) if _names_delivery(one)]
    if decided(ours, "s3:PutObject", f"arn:aws:s3:::{name}/{place}/{ACCOUNT}/{TEST_FILE}") != "Allow":
        message = f"Access Denied for bucket: {name}. Please check S3bucket permission"
        raise AwsRefuses("InvalidConfigurationRequest", message, 400)


def _names_delivery(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, dict) and DELIVERY in listed(principal.get("Service", []))


@after("elbv2:ModifyLoadBalancerAttributes")
def first_file(world: World, call: ApiCall, _: Answer) -> None:
    """AWS writes a file to see that it can."""
    if (wanted := _wanted(world, call)) is not None:
        name, place = wanted
        world.moto("s3").put_object(name, f"{place}/{ACCOUNT}/{TEST_FILE}", b"Enable AccessLog")
