"""Replication: needs versions on both sides, and copies what is written from then on a few seconds later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class Replications:
    """The replication of each bucket, as it was declared."""

    by_bucket: dict[str, dict[str, Any]] = field(default_factory=dict)


@before("s3:PutBucketReplication")
def acceptable(world: World, call: ApiCall) -> None:
    s3, name = world.moto("s3"), call.parameters["Bucket"]
    if not s3.get_bucket(name).is_versioned:
        message = "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
        raise AwsRefuses("InvalidRequest", message, 400)
    for rule in call.parameters["ReplicationConfiguration"]["Rules"]:
        if "Filter" in rule and ("Priority" not in rule or "DeleteMarkerReplication" not in rule):
            raise AwsRefuses("MalformedXML", "A rule with Filter needs Priority and DeleteMarkerReplication", 400)
        target = s3.buckets.get(_target(rule))
        if target is None:
            raise AwsRefuses("InvalidRequest", "Destination bucket must exist.", 400)
        if not target.is_versioned:
            raise AwsRefuses("InvalidRequest", "Destination bucket must have versioning enabled.", 400)


def _target(rule: dict[str, Any]) -> str:
    return str(rule["Destination"]["Bucket"]).removeprefix("arn:aws:s3:::")


@after("s3:PutBucketReplication")
def remembered(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Replications).by_bucket[call.parameters["Bucket"]] = call.parameters["ReplicationConfiguration"]


@after("s3:DeleteBucketReplication", "s3:DeleteBucket")
def forgotten(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Replications).by_bucket.pop(call.parameters["Bucket"], None)


@after("s3:GetBucketReplication")
def as_declared(world: World, call: ApiCall, answer: Answer) -> None:
    """moto forgets whether delete markers are copied."""
    answer["ReplicationConfiguration"] = world.of(Replications).by_bucket[call.parameters["Bucket"]]


@after("s3:PutObject", "s3:CopyObject", "s3:CompleteMultipartUpload")
def written(world: World, call: ApiCall, _: Answer) -> None:
    for target in _targets(world, call):
        copy = partial(_copy, world, call.parameters["Bucket"], target, call.parameters["Key"])
        world.agenda.after(durations.REPLICATED, copy)


@after("s3:DeleteObject")
def deleted(world: World, call: ApiCall, _: Answer) -> None:
    """A delete marker is copied; a version that is thrown away stays in the copy."""
    if "VersionId" not in call.parameters:
        for target in _targets(world, call, markers=True):
            mark = partial(_mark, world, target, call.parameters["Key"])
            world.agenda.after(durations.REPLICATED, mark)


def _targets(world: World, call: ApiCall, markers: bool = False) -> Iterator[str]:
    key = str(call.parameters["Key"])
    for rule in world.of(Replications).by_bucket.get(call.parameters["Bucket"], {}).get("Rules", ()):
        within = key.startswith(rule.get("Filter", {}).get("Prefix", ""))
        copied = not markers or rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled"
        if rule["Status"] == "Enabled" and within and copied:
            yield _target(rule)


def _copy(world: World, source: str, target: str, key: str) -> None:
    s3 = world.moto("s3")
    found = s3.get_object(source, key) if source in s3.buckets and target in s3.buckets else None
    if found is not None:
        s3.copy_object(found, target, key)


def _mark(world: World, target: str, key: str) -> None:
    s3 = world.moto("s3")
    if target in s3.buckets and key in s3.buckets[target].keys:
        s3.delete_object(target, key)
