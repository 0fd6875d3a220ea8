"""Replacing, and what is no longer declared or was there before."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import Aws
from awsdeploy.errors import (
    AwsFailure,
    TimedOut,
    UsageError,
)
from awsdeploy.state.record import State

from .cloud import (
    EVERYTHING,
    Charter,
    Crash,
    House,
    Lamp,
    Land,
    Library,
    Lot,
    Town,
    actions,
)


def test_a_replacement_is_made_before_the_old_one_goes(town: Town) -> None:
    town.up()
    old = town.cloud.of(House)[0].id
    plan = town.up(town.declare(house_style="timber"))
    assert actions(plan) == dict.fromkeys([*EVERYTHING, "town/people"], "none") | {
        "town/house": "replace",
        "town/lamp": "change",
        "town/people": "wait",
    }
    assert [live.id for live in plan.removals] == [old]
    assert town.writes() == ["CreateThing House", "ModifyThing Lamp", "DeleteThing House"]
    assert town.cloud.of(House)[0].id != old
    assert town.plan(town.declare(house_style="timber")).quiet


def test_replacing_what_others_stand_on_replaces_them_too_and_repairs_the_rest(town: Town) -> None:
    town.up()
    before = {id: thing.kind for id, thing in town.cloud.things.items()}
    steps = town.declare(land_size="20 ha")
    plan = town.plan(steps)
    assert [key for key, action in actions(plan).items() if action == "replace"] == ["town/land", "town/lot"]
    town.up(steps)
    assert town.things() == EVERYTHING
    new = sorted(thing.kind for id, thing in town.cloud.things.items() if id not in before)
    assert new == ["Land", "Lot"]
    assert town.cloud.of(House)[0].settings["lot"] == town.cloud.of(Lot)[0].id
    assert town.cloud.of(Library)[0].settings["land"] == town.cloud.of(Land)[0].id
    assert town.plan(steps).quiet


def test_replace_on_request_raises_the_counter_for_good(town: Town) -> None:
    town.up()
    (first,) = town.generations(Charter)
    town.up(replace=["town/charter"])
    (second,) = town.generations(Charter)
    assert second.endswith(".1")
    assert second != first
    assert town.plan().quiet
    town.up(replace=["town/charter"])
    assert town.generations(Charter)[0].endswith(".2")
    assert town.plan().quiet


def test_a_name_is_different_in_every_generation(town: Town) -> None:
    town.up()
    old = town.cloud.of(Charter)[0].id
    town.up(replace=["town/charter"])
    assert town.cloud.of(Charter)[0].id != old
    assert town.cloud.of(Charter)[0].id.startswith("shop-prod-charter-")


def test_only_what_is_declared_can_be_replaced(town: Town) -> None:
    with pytest.raises(UsageError, match="town/castle"):
        town.plan(replace=["town/castle"])


@pytest.mark.parametrize("changed", [{"land_size": "20 ha"}, {"house_style": "timber"}])
def test_a_crash_at_any_write_of_a_replacement_is_healed_by_the_same_command(
    town: Town, changed: dict[str, str], fresh: Callable[[], Town]
) -> None:
    for at in itertools.count(1):
        town = fresh()
        town.up()
        steps = town.declare(**changed)
        town.cloud.lag = 0.02
        town.cloud.dies(at)
        try:
            town.up(steps)
        except Crash:
            town.cloud.outlive()
        else:
            assert at > 15
            return
        town.up(steps)
        assert town.things() == EVERYTHING, f"after dying at moment {at}"
        assert town.plan(steps).quiet


def test_a_crash_in_a_replacement_on_request_ends_with_one_of_each_with_or_without_the_flag(
    town: Town, fresh: Callable[[], Town]
) -> None:
    for again in ((), ("town/house",)):
        for at in itertools.count(1):
            town = fresh()
            town.up()
            town.cloud.dies(at)
            try:
                town.up(replace=["town/house"])
            except Crash:
                town.cloud.outlive()
            else:
                break
            town.up(replace=again)
            assert town.things() == EVERYTHING, f"after dying at moment {at}"
            assert town.plan().quiet


def test_a_replacement_reads_the_same_without_any_record(town: Town) -> None:
    town.up()
    steps = town.declare(house_style="timber")
    town.cloud.fails("DeleteThing", kind="House")
    with pytest.raises(AwsFailure):
        town.up(steps)
    assert len(town.cloud.of(House)) == 2
    town.path.unlink()
    plan = town.up(steps)
    assert len(plan.removals) == 1
    assert town.writes() == ["DeleteThing House"]
    assert town.cloud.of(House)[0].settings["style"] == "timber"


def test_what_is_no_longer_declared_is_removed_last(town: Town) -> None:
    town.up()
    plan = town.up(town.declare(without=["town/lamp"]))
    assert [live.key for live in plan.removals] == ["town/lamp"]
    assert town.cloud.of(Lamp) == []
    assert "town/lamp" not in State.load(town.path, town.stack.tag).entries


def test_data_that_a_plan_would_lose_is_listed(town: Town) -> None:
    town.up()
    assert town.plan().lost_data == []
    assert [live.key for live in town.plan(town.declare(without=["town/library"])).lost_data] == ["town/library"]
    assert [live.key for live in town.plan(town.declare(library_shelves="pine")).lost_data] == ["town/library"]


def test_another_stack_of_the_same_cloud_is_neither_seen_nor_touched(town: Town) -> None:
    from awsdeploy.engine.resource import Stack

    other = Town(town.folder, town.cloud, stack=Stack("shop-prod", "x"))
    other.up()
    town.up()
    assert len(town.cloud.things) == 2 * len(EVERYTHING)
    town.destroy()
    assert len(town.cloud.things) == len(EVERYTHING)
    assert other.plan().quiet


def test_what_exists_already_is_used_and_never_made_changed_or_deleted(town: Town) -> None:
    town.cloud.things["Land-of-others"] = foreign = town_less_land()
    steps = town.declare(land_existing="Land-of-others")
    town.up(steps)
    assert town.cloud.of(Land) == [foreign]
    assert town.cloud.of(Lot)[0].settings["land"] == "Land-of-others"
    assert town.plan(steps).quiet
    assert "town/land" not in State.load(town.path, town.stack.tag).entries
    town.destroy()
    assert list(town.cloud.things) == ["Land-of-others"]


def test_going_over_to_something_that_exists_leaves_our_own_behind(town: Town) -> None:
    town.up()
    own = town.cloud.of(Land)[0].id
    town.cloud.things["Land-of-others"] = town_less_land()
    steps = town.declare(land_existing="Land-of-others")
    town.up(steps)
    assert own not in town.cloud.things
    assert town.cloud.of(Lot)[0].settings["land"] == "Land-of-others"
    assert town.plan(steps).quiet


def test_adopting_what_we_made_ourselves_does_not_delete_it(town: Town) -> None:
    town.up()
    own = town.cloud.of(Land)[0].id
    plan = town.plan(town.declare(land_existing=own))
    assert own not in [live.id for live in plan.removals]


def town_less_land() -> Any:
    from .cloud import Thing

    return Thing("Land-of-others", "Land", [], {"size": "99 ha"})


def test_an_obstacle_is_told_in_the_plan_before_anything_is_made(town: Town) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Bridge(Charter):
        def conflict(self, aws: Aws) -> str:
            return "a river is in the way"

    steps = [Step("All", (Bridge(key="bridge"),))]
    assert town.plan(steps).conflicts == ["a river is in the way"]
    town.up(steps)
    assert town.plan(steps).conflicts == []


def test_a_gate_holds_its_dependents_until_it_opens(town: Town) -> None:
    town.cloud.occupied = False
    with pytest.raises(TimedOut, match="town/people: still empty"):
        town.up()
    assert town.cloud.of(Lamp) == []
    town.cloud.occupied = True
    town.up()
    assert town.things() == EVERYTHING


def test_a_gate_that_closes_again_is_waited_for_without_a_lock(town: Town) -> None:
    town.up()
    town.cloud.occupied = False
    plan = town.plan()
    assert actions(plan)["town/people"] == "wait"
    assert not plan.quiet
    assert not plan.writes
    with pytest.raises(TimedOut):
        town.up()
    assert town.cloud.writes == []


def test_a_gate_leaves_no_trace_in_the_state(town: Town) -> None:
    town.up()
    assert "town/people" not in State.load(town.path, town.stack.tag).entries
