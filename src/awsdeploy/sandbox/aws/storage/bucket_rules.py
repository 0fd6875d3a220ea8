"""Lifecycle rules of a bucket spread slowly: for a while S3 shows those before and the new ones in turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class Before:
    """The rules before the last change, until when they are shown, and how often they were asked for since."""

    rules: list[Any]  # moto's
    until: float
    asked: int = 0


@dataclass
class Spreading:
    """Changes of bucket rules that are not visible yet, by bucket."""

    changes: dict[str, Before] = field(default_factory=dict)


@before("s3:PutBucketLifecycleConfiguration", "s3:DeleteBucketLifecycle")
def remember(world: World, call: ApiCall) -> None:
    name = call.parameters["Bucket"]
    until = world.now + durations.LIFECYCLE_SPREADS
    world.of(Spreading).changes[name] = Before(list(world.moto("s3").get_bucket(name).rules), until)


@before("s3:GetBucketLifecycleConfiguration")
def in_turn(world: World, call: ApiCall) -> Answer | None:
    """The first question is answered with the rules before."""
    name = call.parameters["Bucket"]
    last = world.of(Spreading).changes.get(name)
    if last is None or world.now >= last.until:
        return None
    last.asked += 1
    if last.asked % 2 == 0:
        return None
    if not last.rules:
        raise AwsRefuses("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404)
    bucket = world.moto("s3").get_bucket(name)
    now, bucket.rules = bucket.rules, last.rules
    try:
        return calls.answer_of(call, calls.to_moto(call))
    finally:
        bucket.rules = now


@after("s3:DeleteBucket")
def forget(world: World, call: ApiCall, _: Answer) -> None:
    world.of(Spreading).changes.pop(call.parameters["Bucket"], None)
