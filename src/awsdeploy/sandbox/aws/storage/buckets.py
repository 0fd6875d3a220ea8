"""Buckets: how they come, what each remembers of its settings, and names that stay taken for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.anonymous_access import ALL_ON, Account, decided, statements
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class BucketNames:
    """Time of the deletion of each bucket name, and the request metrics of each bucket, by both names."""

    deleted: dict[str, float] = field(default_factory=dict)
    metrics: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


RESERVED = ("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
"""AWS: what a bucket's name may not begin with, and not end with."""


@before("s3:CreateBucket")
def name_is_free_for_all(_: World, call: ApiCall) -> None:
    starts, ends = RESERVED
    if call.parameters["Bucket"].startswith(starts) or call.parameters["Bucket"].endswith(ends):
        raise AwsRefuses("InvalidBucketName", "The specified bucket is not valid.")


@before("s3:CreateBucket")
def name_is_free(world: World, call: ApiCall) -> None:
    deleted = world.of(BucketNames).deleted.get(call.parameters["Bucket"])
    if deleted is not None and world.now < deleted + durations.BUCKET_NAME_FREE:
        message = "A conflicting conditional operation is currently in progress against this resource."
        raise AwsRefuses("OperationAborted", f"{message} Please try again.", 409)


@after("s3:CreateBucket")
def fresh(world: World, call: ApiCall, _: Answer) -> None:
    """Closed to the public, encrypted, and without readers of single objects; with the tags of the call."""
    s3, wanted = world.moto("s3"), call.parameters
    name = wanted["Bucket"]
    bucket = s3.get_bucket(name)
    s3.put_public_access_block(name, dict.fromkeys(ALL_ON, "true"))
    owner = wanted.get("ObjectOwnership", "BucketOwnerEnforced")
    s3.put_bucket_ownership_controls(name, owner)
    encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}}
    s3.put_bucket_encryption(name, encryption)
    tags = (wanted.get("CreateBucketConfiguration") or {}).get("Tags") or ()
    s3.put_bucket_tagging(name, {tag["Key"]: tag["Value"] for tag in tags})
    bucket.get_permission = partial(_permission, bucket)


def _permission(bucket: Any, action: str, resource: str) -> Any:
    """Verdict of moto, except that a Deny with a condition denies only requests that meet it."""
    from moto.iam.access_control import PermissionResult

    says = decided(statements(bucket), action, resource)
    return {"Allow": PermissionResult.PERMITTED, "Deny": PermissionResult.DENIED}.get(says, PermissionResult.NEUTRAL)


@after("s3:DeleteBucket")
def gone(world: World, call: ApiCall, _: Answer) -> None:
    name, known = call.parameters["Bucket"], world.of(BucketNames)
    known.deleted[name] = world.now
    known.metrics = {key: value for key, value in known.metrics.items() if key[0] != name}


@after("s3:ListBuckets")
def regions(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS: ListBuckets with any parameter also returns the region of each bucket."""
    buckets = world.moto("s3").buckets
    for one in answer.get("Buckets") or () if call.parameters else ():
        one["BucketRegion"] = buckets[one["Name"]].region_name


@before("s3:PutObject", "s3:CopyObject", "s3:CreateMultipartUpload", "s3:PutObjectAcl", "s3:PutBucketAcl")
def no_readers_of_its_own(world: World, call: ApiCall) -> None:
    bucket = world.moto("s3").buckets.get(call.parameters["Bucket"])
    acl = call.parameters.get("ACL", "bucket-owner-full-control")
    if bucket and bucket.ownership_rule == "BucketOwnerEnforced" and acl != "bucket-owner-full-control":
        raise AwsRefuses("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def _existing(world: World, call: ApiCall) -> str:
    return str(world.moto("s3").get_bucket(call.parameters["Bucket"]).name)


@before("s3:PutBucketMetricsConfiguration")
def count_requests(world: World, call: ApiCall) -> Answer:
    key = (_existing(world, call), call.parameters["Id"])
    world.of(BucketNames).metrics[key] = dict(call.parameters["MetricsConfiguration"])
    return {}


@before("s3:GetBucketMetricsConfiguration", "s3:DeleteBucketMetricsConfiguration")
def counted_requests(world: World, call: ApiCall) -> Answer:
    known, key = world.of(BucketNames).metrics, (_existing(world, call), call.parameters["Id"])
    if key not in known:
        raise AwsRefuses("NoSuchConfiguration", "The specified configuration does not exist.", 404)
    if call.operation.startswith("Delete"):
        del known[key]
        return {}
    return {"MetricsConfiguration": known[key]}


@before("s3:ListBucketMetricsConfigurations")
def all_counted_requests(world: World, call: ApiCall) -> Answer:
    name, known = _existing(world, call), world.of(BucketNames).metrics
    return {"IsTruncated": False, "MetricsConfigurationList": [one for key, one in known.items() if key[0] == name]}


@before("s3control:GetPublicAccessBlock")
def account_block(world: World, _: ApiCall) -> Answer:
    block = world.of(Account).block
    if not block:
        message = "The public access block configuration was not found"
        raise AwsRefuses("NoSuchPublicAccessBlockConfiguration", message, 404)
    return {"PublicAccessBlockConfiguration": block}


@before("s3control:PutPublicAccessBlock")
def block_the_account(world: World, call: ApiCall) -> Answer:
    world.of(Account).block = dict(call.parameters["PublicAccessBlockConfiguration"])
    return {}


@before("s3control:DeletePublicAccessBlock")
def unblock_the_account(world: World, _: ApiCall) -> Answer:
    world.of(Account).block = {}
    return {}
