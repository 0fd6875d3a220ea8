"""restore database, finish and undo: the instances at AWS, and the same command after a crash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from awsdeploy.engine.observed import DestroyOptions, Observed
from awsdeploy.errors import AwsFailure, Refused
from awsdeploy.operations import restore_database
from awsdeploy.operations.database_instances import RestorePoint, find, make
from awsdeploy.resources.database.beside import RESTORED
from tests.account import leftovers
from tests.simulated import World, tags, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "back"
environment = "prod"
platform = "supported"

[network]
nat = false

[database]
multi_az = false
"""
HOUR = 3600
LATEST = RestorePoint()


@pytest.fixture
def stack(brought_up: Callable[[str], World]) -> World:
    """The stack is up since an hour."""
    world = brought_up(CONFIG)
    world.pass_time(HOUR)
    return world


def instances(world: World) -> dict[str, Any]:
    found = world.client("rds").describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"]: one for one in found}


def the_one(world: World) -> Any:
    (found,) = instances(world).values()
    return found


def restore(world: World, point: RestorePoint = LATEST) -> list[str]:
    """The endpoints that were checked."""
    asked: list[str] = []

    def check(new: Observed) -> None:
        assert instances(world)[new.id]["PendingModifiedValues"] == {}, "AWS has not made its password valid yet"
        asked.append(new.raw["Endpoint"]["Address"])

    run, _ = world.run(world.settings(CONFIG))
    restore_database.restore(run, point, True, check)
    return asked


def finish(world: World) -> None:
    restore_database.finish(world.run(world.settings(CONFIG))[0])


def undo(world: World) -> None:
    restore_database.undo(world.run(world.settings(CONFIG))[0])


NOT_COMPARED = {
    "DbiResourceId",
    "InstanceCreateTime",
    "LatestRestorableTime",
    "TagList",
}


def settings(shown: Any) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key not in NOT_COMPARED}


def test_the_restored_database_has_the_name_the_endpoint_and_every_setting_of_before(stack: World) -> None:
    before = the_one(stack)
    asked = restore(stack)
    after = instances(stack)
    name = before["DBInstanceIdentifier"]
    (other,) = after.keys() - {name}
    assert after[name]["DbiResourceId"] != before["DbiResourceId"]
    assert after[other]["DbiResourceId"] == before["DbiResourceId"]
    assert settings(after[name]) == settings(before)
    known = tags(before["TagList"])
    assert tags(after[name]["TagList"]) == known | {"awsdeploy:restored-from": "latest"}
    assert len(asked) == 1
    assert not asked[0].startswith(name), "it was asked before it had the name"
    assert writes(stack.up(stack.settings(CONFIG))) == {}, "a restored database is no drift"


def test_finish_deletes_the_one_of_before_after_a_snapshot(stack: World) -> None:
    restore(stack)
    finish(stack)
    name = the_one(stack)["DBInstanceIdentifier"]
    (final,) = stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert "-replaced-" in final["DBSnapshotIdentifier"]
    with pytest.raises(Refused, match="No restore"):
        finish(stack)
    restore(stack)  # the names are free again
    finish(stack)
    assert the_one(stack)["DBInstanceIdentifier"] == name


def test_undo_brings_the_one_of_before_back(stack: World) -> None:
    before = the_one(stack)
    restore(stack)
    undo(stack)
    after = the_one(stack)
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert settings(after) == settings(before)
    (final,) = stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert "-discarded-" in final["DBSnapshotIdentifier"], "it may have been written to"
    assert writes(stack.up(stack.settings(CONFIG))) == {}
    with pytest.raises(Refused, match="no restore"):
        undo(stack)


def test_a_restored_database_that_does_not_answer_changes_nothing(stack: World) -> None:
    before = the_one(stack)

    def fails(_: object) -> None:
        raise AwsFailure("It does not answer.", "")

    run, _ = stack.run(stack.settings(CONFIG))
    with pytest.raises(AwsFailure):
        restore_database.restore(run, LATEST, True, fails)
    assert settings(instances(stack)[before["DBInstanceIdentifier"]]) == settings(before)
    undo(stack)
    assert settings(the_one(stack)) == settings(before)
    assert stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []


def test_a_snapshot_can_be_restored(stack: World) -> None:
    assert stack.awsdeploy("backup", "now").returncode == 0
    (snapshot,) = stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    name = snapshot["DBSnapshotIdentifier"]
    before = the_one(stack)
    restore(stack, RestorePoint(snapshot=name))
    after = instances(stack)[before["DBInstanceIdentifier"]]
    assert settings(after) == settings(before)
    with pytest.raises(Refused, match=f"was restored to {name}"):
        restore(stack)


@pytest.mark.parametrize("to", ["", " ", "25:00", "30 m", "0001-01-01", "9999-12-31"])
def test_what_is_neither_a_time_nor_a_snapshot_is_refused_before_anything_is_made(stack: World, to: str) -> None:
    done = stack.awsdeploy("restore", "database", "--yes", "--to", to)
    assert done.returncode == 64, done.stderr
    assert "valid" in done.stderr
    assert len(instances(stack)) == 1


def test_a_snapshot_that_does_not_fit_is_refused_before_anything_is_made(stack: World) -> None:
    rds, group = stack.client("rds"), the_one(stack)["DBSubnetGroup"]["DBSubnetGroupName"]
    rds.create_db_instance(
        DBInstanceIdentifier="other",
        DBInstanceClass="db.t3.micro",
        DBSubnetGroupName=group,
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="stranger",
        MasterUserPassword="not-a-secret",
        StorageEncrypted=True,
    )
    stack.pass_time(HOUR)
    rds.create_db_snapshot(DBInstanceIdentifier="other", DBSnapshotIdentifier="of-another")
    stack.pass_time(HOUR)
    done = stack.awsdeploy("restore", "database", "--yes", "--to", "of-another")
    assert done.returncode == 5, done.stderr
    assert "uses the user stranger" in done.stderr
    assert "awsdeploy backups" in done.stderr
    assert len(instances(stack)) == 2


def test_a_restore_that_is_done_is_not_continued_to_another_time(stack: World) -> None:
    restore(stack)
    run, _ = stack.run(stack.settings(CONFIG))
    recently = RestorePoint(time=datetime.now(UTC))
    for point, exact in ((LATEST, True), (recently, False), (recently, True)):
        with pytest.raises(Refused, match="was restored to latest"):
            restore_database.survey(run, point, exact)


def test_a_period_does_not_continue_a_restore_to_the_latest_time(stack: World) -> None:
    run, _ = stack.run(stack.settings(CONFIG))
    current = find(run).current
    assert current is not None
    with run.writing("restore"):
        make(run, current, RESTORED, LATEST)
    with pytest.raises(Refused, match="latest has not finished") as refused:
        restore_database.survey(run, RestorePoint(time=datetime.now(UTC)), False)
    assert "restore database --to latest" in refused.value.hint
    assert restore_database.survey(run, LATEST, True).beside


def test_status_plan_and_backup_know_the_one_of_before(stack: World) -> None:
    restore(stack)
    done = stack.awsdeploy("status")
    assert done.returncode == 0, done.stderr
    assert "database/mysql/replaced" in done.stdout
    assert "restore finish" in done.stdout
    assert "a month" in done.stdout
    plan = stack.awsdeploy("plan", "--full").stdout
    assert "is billed too" in plan
    assert stack.awsdeploy("backup", "now").returncode == 0
    made = stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert len(made) == 1, "the database of before is kept as it is"


def test_up_creates_no_database_while_a_restore_has_taken_its_name(stack: World) -> None:
    old = the_one(stack)["DBInstanceIdentifier"]
    stack.client("rds").modify_db_instance(
        DBInstanceIdentifier=old,
        NewDBInstanceIdentifier=restore_database_name(stack),
        ApplyImmediately=True,
    )
    stack.pass_time(HOUR)
    done = stack.awsdeploy("up", "--yes")
    assert done.returncode == 5, done.stderr
    assert "restore undo" in done.stderr
    undo(stack)
    assert the_one(stack)["DBInstanceIdentifier"] == old


def restore_database_name(world: World) -> str:
    from awsdeploy.resources.database import beside

    run, _ = world.run(world.settings(CONFIG))
    current = find(run).current
    assert current is not None
    return beside.name_of(run.stack, current.key, current.generation, beside.REPLACED)


def test_destroy_deletes_both_and_keeps_a_snapshot_of_each(stack: World) -> None:
    restore(stack)
    kept = stack.destroy(stack.settings(CONFIG), DestroyOptions(snapshot="20261128120000"))
    assert len([one for one in kept if "-final-" in one.id]) == 2
    stack.destroy(stack.settings(CONFIG), DestroyOptions(data=True, zone=True))
    assert leftovers(stack) == []
