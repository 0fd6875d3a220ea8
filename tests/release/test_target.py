"""Releases that the bucket remembers: which there are, which have served, which a new machine begins with."""

from __future__ import annotations

import dataclasses

import pytest

from awsdeploy.aws.session import AwsSession
from awsdeploy.release.target import ReleaseTarget
from awsdeploy.resources.compute.machine import failed_release_of, release_of
from tests.simulated import REGION, World

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
FIRST, FAILED, THIRD = "20261124T100000Z-aaaaaaa", "20261124T110000Z-bbbbbbb", "20261124T120000Z-ccccccc"


@pytest.fixture
def release_target(world: World) -> ReleaseTarget:
    """A bucket for releases, and nothing else of the stack."""
    settings = world.settings(CONFIG)
    bucket = "shop-artifacts"
    world.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    run, _ = world.run(settings)
    return ReleaseTarget(run, settings, artifacts=bucket, uploads="", site="", groups={}, machines={})


def sent(release_target: ReleaseTarget, id: str) -> dict[str, str]:
    release_target.put("backend", f"{id}.json", b"{}")
    return {"id": id}


def test_before_the_first_release_there_is_none(release_target: ReleaseTarget) -> None:
    assert release_target.current("backend") == ""
    assert release_target.served("backend") == []


def test_what_was_sent_and_failed_has_not_served(release_target: ReleaseTarget) -> None:
    release_target.record("backend", sent(release_target, FIRST))
    sent(release_target, FAILED)
    release_target.record("backend", sent(release_target, THIRD))
    assert release_target.current("backend") == THIRD
    assert release_target.served("backend") == [THIRD, FIRST]
    assert release_target.ids("backend") == [THIRD, FAILED, FIRST]


def test_after_a_rollback_the_later_one_can_still_be_brought_back(release_target: ReleaseTarget) -> None:
    first = sent(release_target, FIRST)
    release_target.record("backend", first)
    release_target.record("backend", sent(release_target, THIRD))
    release_target.record("backend", first)
    assert release_target.current("backend") == FIRST
    assert release_target.served("backend") == [THIRD, FIRST]


def test_what_is_no_longer_kept_cannot_be_brought_back(release_target: ReleaseTarget) -> None:
    release_target.record("backend", sent(release_target, FIRST))
    release_target.record("backend", sent(release_target, THIRD))
    s3 = release_target.run.session.client("s3", REGION)
    s3.delete_object(Bucket=release_target.artifacts, Key=f"releases/backend/{FIRST}.json")
    assert release_target.served("backend") == [THIRD]


@pytest.mark.parametrize("region", ["ap-northeast-2", "eu-west-1", "us-east-1"])
def test_the_uploads_have_the_address_of_their_region(world: World, region: str) -> None:
    """AWS: the global name, which presigned URLs have, answers 307 while a bucket is new."""
    settings = world.settings(f'{CONFIG}region = "{region}"\n')
    run, _ = world.run(settings)
    release_target = ReleaseTarget(run, settings, artifacts="", uploads="shop-uploads", site="", groups={}, machines={})
    assert release_target.uploads_address == f"{world.url}/shop-uploads"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL")
        aws = dataclasses.replace(release_target, run=dataclasses.replace(run, session=AwsSession()))
        assert aws.uploads_address == f"https://shop-uploads.s3.{region}.amazonaws.com"


@pytest.mark.parametrize(("value", "release"), [(FIRST, FIRST), (f"failed {FIRST} build", "")])
def test_a_machine_that_could_not_catch_up_runs_no_release(value: str, release: str) -> None:
    tags = [{"Key": "awsdeploy:release", "Value": value}]
    assert release_of(tags) == release
    failed = failed_release_of("i-1", tags)
    assert str(failed or "") == ("" if release else f"release failed at `build` on i-1: {FIRST}")
