"""Roles of programs on a machine: what the machine's role allows, for the calls that the product's policies are
about. Conditions other than TLS are taken as met. Everybody else in the sandbox may do everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awsdeploy.sandbox.aws import before
from awsdeploy.sandbox.aws.compute import agents
from awsdeploy.sandbox.aws.compute.bootstraps import permits
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

OBJECTS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
}
LISTS = ("ListObjects", "ListObjectsV2")
PARAMETERS = ("GetParameter", "GetParameters", "GetParametersByPath")


@before(
    *(f"s3:{name}" for name in (*OBJECTS, *LISTS)),
    *(f"ssm:{name}" for name in PARAMETERS),
    "ec2:CreateTags",
)
def permitted(world: World, call: ApiCall) -> None:
    instance = _machine(world, call.key)
    if instance is None:
        return
    region = instance.ec2_backend.region_name
    for action, resource in _asked(call):
        if not permits(world, region, instance, action, resource):
            who = f"arn:aws:sts::{ACCOUNT}:assumed-role/{_role(world, region, instance)}/{instance.id}"
            words = f"User: {who} is not authorized to perform: {action} on resource: {resource} because no "
            raise AwsRefuses(*_refusal(call, f"{words}identity-based policy allows the {action} action"))
    # AWS: who may not list a bucket does not learn that an object is missing.
    if call.operation in ("GetObject", "HeadObject") and _missing(world, call.parameters):
        bucket = f"arn:aws:s3:::{call.parameters['Bucket']}"
        if not permits(world, region, instance, "s3:ListBucket", bucket):
            raise AwsRefuses("AccessDenied", "Access Denied", 403)


def _machine(world: World, key: str) -> Any:
    """The machine whose credentials these are."""
    running = world.of(hosts.Hosts).running
    return next((agents.machine(id) for id in running if world.site.keys.of_machine(id)[0] == key), None)


def _asked(call: ApiCall) -> Iterator[tuple[str, str]]:
    """The actions and the resources that a call is about."""
    given: Mapping[str, Any] = call.parameters
    if call.operation in OBJECTS:
        yield OBJECTS[call.operation], f"arn:aws:s3:::{given['Bucket']}/{given['Key']}"
    elif call.operation in LISTS:
        yield "s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}"
    elif call.operation == "CreateTags":
        for id in given["Resources"]:
            yield "ec2:CreateTags", f"arn:aws:ec2:{call.region}:{ACCOUNT}:instance/{id}"
    else:
        for name in given.get("Names") or [given.get("Name") or given["Path"]]:
            if not name.startswith("/aws/"):
                resource = f"arn:aws:ssm:{call.region}:{ACCOUNT}:parameter/{name.strip('/')}"
                yield f"ssm:{call.operation}", resource


def _refusal(call: ApiCall, message: str) -> tuple[str, str, int]:
    if call.service == "ec2":
        return "UnauthorizedOperation", f"You are not authorized to perform this operation. {message}", 403
    if call.service == "s3":
        return "AccessDenied", message, 403
    return "AccessDeniedException", message, 400


def _missing(world: World, given: Mapping[str, Any]) -> bool:
    bucket = world.moto("s3").buckets.get(given["Bucket"])
    return bucket is not None and given["Key"] not in bucket.keys


def _role(world: World, region: str, instance: Any) -> str:
    association = world.moto("ec2", region).iam_instance_profile_associations.get(instance.id)
    return str(association.iam_instance_profile.roles[0].name) if association else "none"
