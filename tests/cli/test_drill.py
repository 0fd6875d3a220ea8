"""drill: what it measures, and what it leaves, by a run without a machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from awsdeploy.engine.observed import Observed
from awsdeploy.engine.resource import DestroyOptions
from awsdeploy.errors import AwsFailure, Refused
from awsdeploy.operations import drill, restore_database
from awsdeploy.operations.database_instances import RestorePoint
from tests.account import leftovers
from tests.cli.test_restore_database import CONFIG, HOUR, instances, settings, the_one
from tests.simulated import World

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Counted:
    tables: int
    rows: int | None


@pytest.fixture
def stack(brought_up: Callable[[str], World]) -> World:
    world = brought_up(CONFIG)
    world.pass_time(HOUR)
    return world


def drilled(world: World, count: Callable[[Observed], Counted] = lambda _: Counted(3, 40)) -> drill.DrillResult:
    def now() -> datetime:
        return datetime.fromtimestamp(world.control("GET", "status")["now"], UTC)

    return drill.drill(world.run(world.settings(CONFIG))[0], RestorePoint(), count, now)


def test_a_drill_measures_and_leaves_the_database_as_it_was(stack: World) -> None:
    before = the_one(stack)
    seen: list[str] = []

    def count(made: Observed) -> Counted:
        seen.append(made.id)
        assert len(instances(stack)) == 2
        return Counted(3, 40)

    result = drilled(stack, count)
    assert (result.tables, result.rows) == (3, 40)
    assert result.rto is not None
    assert result.rto >= 300
    assert result.rpo is not None
    assert 300 <= result.rpo < 400 + 600 * 5
    assert settings(the_one(stack)) == settings(before)
    assert seen[0].rpartition("-")[0] == "back-prod-drill"
    assert stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"] == []
    again = drilled(stack)
    told = stack.run(stack.settings(CONFIG))[0].stack_lock.drill()
    assert told == again.document(), "the last one is kept"
    stack.destroy(stack.settings(CONFIG), DestroyOptions(data=True, zone=True))
    assert leftovers(stack) == []


def test_an_instance_that_does_not_answer_is_deleted_too(stack: World) -> None:
    def fails(_: Observed) -> Counted:
        raise AwsFailure("It does not answer.", "")

    with pytest.raises(AwsFailure):
        drilled(stack, fails)
    the_one(stack)
    assert stack.run(stack.settings(CONFIG))[0].stack_lock.drill() is None


def test_no_drill_while_a_restore_is_open(stack: World) -> None:
    run, _ = stack.run(stack.settings(CONFIG))
    restore_database.restore(run, RestorePoint(), True, lambda _: None)
    with pytest.raises(Refused, match="has not ended"):
        drilled(stack)
