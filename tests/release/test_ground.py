"""What the bucket remembers of releases: which there are, which have served, which a new machine begins with."""

from __future__ import annotations

import dataclasses

import pytest

from awsdeploy.aws import Door
from awsdeploy.release.ground import Ground
from awsdeploy.resources.machine import failed_release_of, release_of
from tests.simulated import REGION, World

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
FIRST, FAILED, THIRD = "20261124T100000Z-aaaaaaa", "20261124T110000Z-bbbbbbb", "20261124T120000Z-ccccccc"


@pytest.fixture
def ground(world: World) -> Ground:
    """A bucket for releases, and nothing else of the stack."""
    settings = world.settings(CONFIG)
    bucket = "shop-artifacts"
    world.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    run, _ = world.run(settings)
    return Ground(run, settings, artifacts=bucket, uploads="", site="", groups={}, machines={})


def sent(ground: Ground, id: str) -> dict[str, str]:
    ground.put("backend", f"{id}.json", b"{}")
    return {"id": id}


def test_before_the_first_release_there_is_none(ground: Ground) -> None:
    assert ground.current("backend") == ""
    assert ground.served("backend") == []


def test_what_was_sent_and_failed_has_not_served(ground: Ground) -> None:
    ground.record("backend", sent(ground, FIRST))
    sent(ground, FAILED)
    ground.record("backend", sent(ground, THIRD))
    assert ground.current("backend") == THIRD
    assert ground.served("backend") == [THIRD, FIRST]
    assert ground.ids("backend") == [THIRD, FAILED, FIRST]


def test_after_a_rollback_the_later_one_can_still_be_brought_back(ground: Ground) -> None:
    first = sent(ground, FIRST)
    ground.record("backend", first)
    ground.record("backend", sent(ground, THIRD))
    ground.record("backend", first)
    assert ground.current("backend") == FIRST
    assert ground.served("backend") == [THIRD, FIRST]


def test_what_is_no_longer_kept_cannot_be_brought_back(ground: Ground) -> None:
    ground.record("backend", sent(ground, FIRST))
    ground.record("backend", sent(ground, THIRD))
    s3 = ground.run.door.client("s3", REGION)
    s3.delete_object(Bucket=ground.artifacts, Key=f"releases/backend/{FIRST}.json")
    assert ground.served("backend") == [THIRD]


@pytest.mark.parametrize("region", ["ap-northeast-2", "eu-west-1", "us-east-1"])
def test_the_uploads_have_the_address_of_their_region(world: World, region: str) -> None:
    """AWS: the global name, which presigned URLs have, answers 307 while a bucket is new."""
    settings = world.settings(f'{CONFIG}region = "{region}"\n')
    run, _ = world.run(settings)
    ground = Ground(run, settings, artifacts="", uploads="shop-uploads", site="", groups={}, machines={})
    assert ground.uploads_address == f"{world.url}/shop-uploads"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL")
        aws = dataclasses.replace(ground, run=dataclasses.replace(run, door=Door()))
        assert aws.uploads_address == f"https://shop-uploads.s3.{region}.amazonaws.com"


@pytest.mark.parametrize(("value", "release"), [(FIRST, FIRST), (f"failed {FIRST} build", "")])
def test_a_machine_that_could_not_catch_up_runs_no_release(value: str, release: str) -> None:
    tags = [{"Key": "awsdeploy:release", "Value": value}]
    assert release_of(tags) == release
    failed = failed_release_of("i-1", tags)
    assert str(failed or "") == ("" if release else f"release failed at `build` on i-1: {FIRST}")
