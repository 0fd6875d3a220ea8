"""Buckets over their lives: what `up` puts into them, what happens to their names, what a destroy keeps."""

from __future__ import annotations

from collections import Counter

import pytest

from awsdeploy.blueprint.storage import Storage
from awsdeploy.config import Settings
from awsdeploy.engine import plan, up
from awsdeploy.engine.plan import Step
from awsdeploy.resource import Resource
from awsdeploy.resources.bucket_object import BucketObject
from tests.simulated import World, writes

pytestmark = pytest.mark.slow

DEV = """\
name = "shop"
environment = "dev"
platform = "supported"
"""


def build(world: World, settings: Settings, *resources: Resource) -> Counter[str]:
    """Up with these resources and nothing else."""
    run, calls = world.run(settings)
    up.apply(run, plan.make(run, [Step("Storage", resources)]))
    return calls


def names(world: World) -> list[str]:
    return [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]]


def test_a_script_is_put_once_and_again_when_it_changes(world: World) -> None:
    settings = world.settings(DEV)
    s3 = world.client("s3")

    def put(content: bytes) -> dict[str, int]:
        storage = Storage(settings)
        script = BucketObject(key="storage/artifacts/bootstrap/a.sh", bucket=storage.artifacts, content=content)
        return writes(build(world, settings, storage.artifacts, script))

    put(b"one")
    assert put(b"one") == {}
    assert put(b"two")["s3:PutObject"] == 1
    (name,) = names(world)
    assert name.startswith("shop-dev-artifacts-123456789012-")
    assert s3.get_object(Bucket=name, Key="bootstrap/a.sh")["Body"].read() == b"two"
    assert world.destroy(settings) == []
    assert names(world) == []
