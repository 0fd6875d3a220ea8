"""The database in every status that RDS knows, through plan, up and destroy: nothing is lost that was said to stay, and
nothing is waited for without an end or a reason."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.engine import teardown
from awsdeploy.engine.resource import DestroyOptions
from awsdeploy.errors import AwsdeployError, AwsFailure
from awsdeploy.resources.database.statuses import AT_WORK, STATUSES
from awsdeploy.sandbox.aws.database import statuses as rds
from awsdeploy.sandbox.control import RunningSandbox
from tests.conftest import SPEED, forked
from tests.sampling import sampled
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "prod"
platform = "supported"

[services.worker]

[uploads]
replicate = false

[database]
deletion_protection = false
"""
PASSES = {*AT_WORK.split(), "creating"}
WELL = {"available", "storage-optimization", "storage-initialization"}
STUCK = {status for status, one in STATUSES.items() if one.remedy}
SAMPLE = {"storage-full", "failed", *random.Random(13).sample(sorted(STATUSES), 1)}
EVERY = [
    pytest.param(status, marks=[] if status in SAMPLE else [pytest.mark.torture])
    for status in sorted({*STATUSES} - {"deleting"})
]


@pytest.fixture(scope="module")
def stack_world(module_world: World) -> World:
    module_world.up(module_world.settings(CONFIG))
    return module_world


@contextmanager
def a_database(stack_world: World, folder: Path, status: str) -> Iterator[World]:
    """A copy of the stack whose database is in this status."""
    copy = folder / "copy"
    shutil.copytree(stack_world.folder, copy, symlinks=True)
    with forked(RunningSandbox(**stack_world.control("GET", "status") | {"speed": SPEED}), copy) as made:
        world = dataclasses.replace(made, folder=copy)
        put(world, status)
        yield world


def put(world: World, status: str, seconds: float = 0) -> None:
    """Into this status: for good, or for so many seconds of AWS."""
    told = {"id": database(world)["DBInstanceIdentifier"], "status": status, "seconds": seconds}
    world.control("POST", "database", told)


def transient(world: World, status: str) -> None:
    """Transient statuses end within a quarter of an hour."""
    if status in PASSES:
        put(world, status, 900)


def database(world: World) -> Any:
    (found,) = world.client("rds").describe_db_instances()["DBInstances"]
    return found


def databases(world: World) -> list[str]:
    return [one["DBInstanceIdentifier"] for one in world.client("rds").describe_db_instances()["DBInstances"]]


def snapshots(world: World) -> list[str]:
    found = world.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [one["DBSnapshotIdentifier"] for one in found]


def failure(work: Callable[[], object]) -> AwsdeployError | None:
    """Failure of the command, if there is one."""
    try:
        work()
    except AwsdeployError as error:
        return error
    return None


@pytest.mark.parametrize("status", EVERY)
def test_plan_and_up(stack_world: World, tmp_path: Path, status: str) -> None:
    with a_database(stack_world, tmp_path, status) as world:
        settings, before = world.settings(CONFIG), database(world)
        item = next(one for one in world.plan(settings).items.values() if one.resource.key == "database/mysql")
        assert item.action == {"stopped": "change"}.get(status, "none" if status in WELL else "wait")
        world.control("DELETE", "calls")
        transient(world, status)
        failed = failure(lambda: world.up(settings))
        assert (failed is not None) == (status in STUCK)
        if failed:
            assert status in failed.message
            assert failed.hint.endswith(".")
        else:
            assert database(world)["DBInstanceStatus"] in WELL
        counts = world.control("GET", "calls")["counts"]
        assert not counts.keys() & {"rds:CreateDBInstance", "rds:DeleteDBInstance"}
        assert database(world)["DbiResourceId"] == before["DbiResourceId"]


@pytest.mark.parametrize("status", EVERY)
def test_destroy(stack_world: World, tmp_path: Path, status: str) -> None:
    with a_database(stack_world, tmp_path, status) as world:
        settings = world.settings(CONFIG)
        if status == "creating":  # for longer than the machines need to go: there is nothing in it yet
            put(world, status, 86_400)
        else:
            transient(world, status)
        failed = failure(lambda: world.destroy(settings, DestroyOptions(snapshot="20261127000000", zone=True)))
        if failed is None:
            assert databases(world) == []
            assert len(snapshots(world)) == (status != "creating")
            return
        assert status in STUCK, failed.message
        assert status in failed.message or status in rds.WITHOUT_ITS_KEY
        assert "--delete-data" in failed.hint
        assert len(databases(world)) == 1
        # What the database does not stand on is gone.
        assert "Instance" not in {one.kind.__name__ for one in world.everything(settings)}
        world.destroy(settings, DestroyOptions(data=True, zone=True))
        assert world.everything(settings) == []


def test_a_protected_database_is_deleted_in_every_status_that_lets_its_protection_go(
    stack_world: World, tmp_path: Path
) -> None:
    with a_database(stack_world, tmp_path, "stopped") as world:
        name = database(world)["DBInstanceIdentifier"]
        put(world, "available")
        world.client("rds").modify_db_instance(
            DBInstanceIdentifier=name, DeletionProtection=True, ApplyImmediately=True
        )
        world.pass_time(900)
        put(world, "stopped")
        world.destroy(world.settings(CONFIG), DestroyOptions(snapshot="20261127000000", zone=True))
        assert databases(world) == []
        assert len(snapshots(world)) == 1


def test_a_full_disk_takes_more_storage_and_the_person_is_told(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "storage-full") as world:
        world.settings(CONFIG)
        shown = world.awsdeploy("plan")
        assert "its disk is full" in shown.stdout
        assert "Set database.storage_gb" in shown.stdout
        assert "to replace" not in shown.stdout
        failed = world.awsdeploy("up", "--yes")
        assert failed.returncode == 4, failed.stdout + failed.stderr
        assert "Set database.storage_gb" in failed.stderr
        larger = world.settings(CONFIG + "storage_gb = 50\n")
        world.up(larger)
        assert database(world)["AllocatedStorage"] == 50
        assert database(world)["DBInstanceStatus"] == "available"


def test_up_goes_on_with_what_does_not_need_the_database(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "storage-full") as world:
        settings = world.settings(CONFIG)
        uploads = next(one.id for one in world.everything(settings) if one.key == "storage/uploads")
        versions = {"Bucket": uploads, "VersioningConfiguration": {"Status": "Suspended"}}
        world.client("s3").put_bucket_versioning(**versions)
        done = world.awsdeploy("up", "--yes")
        assert done.returncode == 4, done.stdout + done.stderr
        assert "database/mysql: AWS reports storage-full: its disk is full" in done.stderr
        assert world.client("s3").get_bucket_versioning(Bucket=uploads)["Status"] == "Enabled"


def test_a_database_that_leaves_no_snapshot_is_not_replaced_on_request_either(
    stack_world: World, tmp_path: Path
) -> None:
    with a_database(stack_world, tmp_path, "incompatible-network") as world:
        world.settings(CONFIG)
        before = databases(world)
        key = "database/mysql"
        done = world.awsdeploy("up", "--yes", "--replace", key, "--delete-data", key)
        assert done.returncode == 5, done.stdout + done.stderr
        assert "takes no snapshot in the status incompatible-network" in done.stderr
        assert databases(world) == before


def test_files_that_came_after_the_question_stay(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "available") as world:
        settings = world.settings(CONFIG)
        made, _ = world.run(settings)
        destroy_plan = teardown.survey(made, DestroyOptions(snapshot="20261127000000", zone=True))
        (uploads,) = [one for one in destroy_plan.going if one.key == "storage/uploads"]
        world.client("s3").put_object(Bucket=uploads.id, Key="uploads/new.jpg", Body=b"1")
        with pytest.raises(AwsFailure, match="now contains files, so it is retained"):
            teardown.destroy(made, destroy_plan)
        kept = world.destroy(settings, DestroyOptions(snapshot="20261127000000", zone=True))
        assert uploads.id in [one.id for one in kept]
        assert world.client("s3").get_object(Bucket=uploads.id, Key="uploads/new.jpg")["Body"].read() == b"1"


def test_an_impossible_snapshot_is_said_before_the_question(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "failed") as world:
        settings = world.settings(CONFIG)
        before = {one.id for one in world.everything(settings)}
        refused = world.awsdeploy("destroy", "--confirm", "shop-prod")
        assert refused.returncode == 5, refused.stdout + refused.stderr
        assert "no final snapshot of database/mysql" in refused.stderr
        assert "automatic backups up to" in refused.stderr
        assert "destroy --delete-data" in refused.stderr
        assert "after a final snapshot" not in refused.stderr
        assert {one.id for one in world.everything(settings)} == before
        assert "Nothing was deleted" in refused.stderr
        done = world.awsdeploy("destroy", "--confirm", "shop-prod", "--delete-data")
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_backup_that_the_status_forbids_is_refused_and_not_left_out(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "storage-full") as world:
        world.settings(CONFIG)
        refused = world.awsdeploy("backup", "now")
        assert refused.returncode == 4, refused.stdout + refused.stderr
        assert "storage-full" in refused.stderr
        assert "Set database.storage_gb" in refused.stderr


PROTECTED = CONFIG.replace("deletion_protection = false\n", "")


@pytest.fixture(scope="module")
def protected_stack(stack_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A copy of the stack whose database has deletion protection."""
    folder = tmp_path_factory.mktemp("protected")
    with a_database(stack_world, folder, "available") as world:
        world.up(world.settings(PROTECTED))
        yield world


@pytest.mark.parametrize("flags", sampled([((),), (("--delete-data",),)]), ids=["with_snapshot", "delete_data"])
@pytest.mark.parametrize(
    ("status", "action"), [("storage-full", "--allocated-storage 22"), ("failed", "--no-deletion-protection")]
)
def test_protection_that_cannot_be_turned_off_is_said_before_anything_is_deleted(
    protected_stack: World, tmp_path: Path, status: str, action: str, flags: tuple[str, ...]
) -> None:
    with a_database(protected_stack, tmp_path, status) as world:
        settings = world.settings(PROTECTED)
        before = {one.id for one in world.everything(settings)}
        refused = world.awsdeploy("destroy", "--confirm", "shop-prod", *flags)
        assert refused.returncode == 5, refused.stdout + refused.stderr
        assert "The deletion protection of database/mysql" in refused.stderr
        assert f"it is {status}" in refused.stderr
        assert "Nothing was deleted." in refused.stderr
        assert action in refused.stderr
        assert {one.id for one in world.everything(settings)} == before


def test_after_the_named_command_destroy_goes_on(protected_stack: World, tmp_path: Path) -> None:
    with a_database(protected_stack, tmp_path, "storage-full") as world:
        settings, one = world.settings(PROTECTED), database(world)
        world.client("rds").modify_db_instance(
            DBInstanceIdentifier=one["DBInstanceIdentifier"], AllocatedStorage=22, ApplyImmediately=True
        )
        world.pass_time(3600)
        world.destroy(settings, DestroyOptions(snapshot="20261127000000", zone=True))
        assert databases(world) == []
        assert len(snapshots(world)) == 1


def test_a_plan_that_up_cannot_carry_out_says_what_blocks_it_and_not_up(stack_world: World, tmp_path: Path) -> None:
    with a_database(stack_world, tmp_path, "failed") as world:
        world.settings(CONFIG)
        shown = world.awsdeploy("plan").stdout
        assert "Blocked by: database/mysql is failed" in shown
        assert "Next:" not in shown
        assert "only waiting" not in shown
