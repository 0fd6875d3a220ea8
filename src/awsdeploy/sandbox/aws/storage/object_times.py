"""Times of object versions: moto takes them from this computer, AWS time is the world's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from awsdeploy.sandbox.aws import Answer, after
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World


@after(
    "s3:PutObject",
    "s3:CopyObject",
    "s3:CompleteMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjects",
)
def written(world: World, call: ApiCall, _: Answer) -> None:
    """A delete marker has a time too; the deletion of a version writes none."""
    bucket = world.moto("s3").buckets.get(call.parameters["Bucket"])
    if bucket is None:
        return
    moment = datetime.fromtimestamp(world.now, UTC).replace(tzinfo=None)
    for key in _keys(call):
        if versions := bucket.keys.getlist(key):
            versions[-1].last_modified = moment


def _keys(call: ApiCall) -> Iterator[str]:
    several = call.operation == "DeleteObjects"
    objects = call.parameters["Delete"]["Objects"] if several else [call.parameters]
    yield from (str(one["Key"]) for one in objects if "VersionId" not in one)
