"""Up: everything once, in order, repaired, waited for, and a failure stops its dependents only."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from awsdeploy.engine import changes
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import UNKNOWN, Wait
from awsdeploy.engine.summary import RunFailed
from awsdeploy.errors import (
    AwsFailure,
    CredentialsMissing,
    TimedOut,
)

from .cloud import (
    EVERYTHING,
    Charter,
    House,
    Lamp,
    Land,
    Library,
    Lot,
    Town,
    actions,
)


def test_up_makes_everything_once_and_then_finds_nothing_to_do(town: Town) -> None:
    assert town.plan().new
    town.up()
    assert town.things() == EVERYTHING
    assert len(town.writes("CreateThing")) == len(EVERYTHING)
    plan = town.plan()
    assert plan.quiet
    assert not plan.new


def test_a_run_with_nothing_to_do_writes_nothing_to_aws(town: Town) -> None:
    town.up()
    town.up()
    assert town.cloud.writes == []


def test_a_plan_writes_neither_to_aws_nor_to_disk(town: Town) -> None:
    town.plan()
    assert town.cloud.writes == []
    assert not town.path.exists()


def test_what_does_not_exist_yet_is_unknown_in_a_plan_and_equal_to_nothing(town: Town) -> None:
    town.up()
    plan = town.plan(town.declare(charter_key="town/another"))
    house = next(item for item in plan.items.values() if isinstance(item.resource, House))
    assert [(change.field, change.new) for change in house.changes] != []
    assert str(house.changes[0].new) == "known after creation"
    assert UNKNOWN != UNKNOWN  # the point
    assert UNKNOWN["anything"].whatever.get("x") is UNKNOWN


def test_the_plan_is_shown_in_the_documented_order_and_by_step(town: Town) -> None:
    plan = town.plan()
    assert [item.step for item in plan.items.values()] == ["Ground"] * 3 + ["Buildings"] * 4
    assert [item.resource.key for item in plan.items.values()][:2] == ["town/land", "town/lot"]


def test_the_intention_is_on_disk_before_the_call(town: Town) -> None:
    seen: list[tuple[str, str]] = []
    create = town.cloud.create_thing

    def look_at_disk(**parameters: Any) -> dict[str, Any]:
        key = next(tag["Value"] for tag in parameters["Tags"] if tag["Key"] == "awsdeploy:resource")
        entry = json.loads(town.path.read_text())["entries"][key]
        seen.append((entry["phase"], entry["id"]))
        return create(**parameters)

    town.cloud.create_thing = look_at_disk  # type: ignore[method-assign,assignment]
    town.up()
    assert seen == [("creating", "")] * len(EVERYTHING)


def test_the_record_and_the_lock_are_written_before_anything_is_made(town: Town) -> None:
    town.up()
    assert town.cloud.writes[:2] == ["PutParameter", "PutParameter"]
    assert list(town.cloud.parameters) == ["/deploy/shop/prod/stack"]


def test_the_state_keeps_ids_edges_and_how_long_everything_took(town: Town) -> None:
    town.up()
    document = json.loads(town.path.read_text())
    house = document["entries"]["town/house"]
    assert house["phase"] == "ready"
    assert house["id"] == town.cloud.of(House)[0].id
    assert house["needs"] == ["town/lot", "town/charter"]
    assert house["declaration"]["floors"] == "2"
    assert document["runs"][0]["durations"].keys() >= set(EVERYTHING)


def test_a_resource_starts_when_its_own_edges_are_ready_not_when_a_step_is_over(town: Town) -> None:
    town.cloud.pending["Lot"] = ["available"] * 3
    town.cloud.fails("CreateThing", kind="Lot")
    with pytest.raises(AwsFailure, match="town/lot"):
        town.up()
    assert "town/library" in town.told("ready")  # of the second step, while the first has failed


def test_a_failure_stops_only_what_depends_on_it(town: Town) -> None:
    town.cloud.fails("CreateThing", kind="Charter", text="no more charters")
    with pytest.raises(AwsFailure, match="no more charters"):
        town.up()
    assert sorted(town.told("skipped")) == ["town/house", "town/lamp", "town/people"]
    assert town.things() == ["town/land", "town/library", "town/lot"]
    town.up()
    assert town.things() == EVERYTHING


def test_several_failures_are_told_together_each_cause_once(town: Town) -> None:
    town.cloud.fails("CreateThing", kind="Charter", text="no more charters")
    town.cloud.fails("CreateThing", kind="Lot", code="AccessDenied", text="not for you")
    with pytest.raises(RunFailed) as failed:
        town.up()
    assert failed.value.message.count("no more charters") == 1
    assert failed.value.message.count("not for you") == 1
    assert "house" not in failed.value.message
    assert failed.value.exit_code == 3


def test_one_cause_that_hits_many_is_told_once(town: Town) -> None:
    town.up(town.declare(without=["town/house", "town/people", "town/lamp"]))
    town.cloud.things.pop(town.cloud.of(Lot)[0].id)
    town.cloud.things.pop(town.cloud.of(Library)[0].id)
    town.cloud.fails("CreateThing", code="ExpiredToken", text="expired", times=99)
    with pytest.raises(CredentialsMissing) as failed:
        town.up()
    assert failed.value.message.count("expired") == 1
    assert "town/lot" in failed.value.message
    assert "town/library" in failed.value.message
    assert failed.value.exit_code == 3


def test_drift_is_mended_by_the_change_that_the_plan_showed(town: Town) -> None:
    town.up()
    town.cloud.of(House)[0].settings["floors"] = "17"
    plan = town.plan()
    house = next(item for item in plan.items.values() if item.resource.key == "town/house")
    assert [(change.field, change.old, change.new) for change in house.changes] == [("floors", "17", "2")]
    town.up()
    assert town.cloud.of(House)[0].settings["floors"] == "2"
    assert town.writes() == ["ModifyThing House"]
    assert town.plan().quiet


def test_what_was_deleted_behind_our_back_is_made_again(town: Town) -> None:
    town.up()
    town.cloud.things.pop(town.cloud.of(Lamp)[0].id)
    assert actions(town.plan())["town/lamp"] == "create"
    town.up()
    assert town.writes() == ["CreateThing Lamp"]
    assert town.plan().quiet


def test_a_change_that_aws_never_shows_is_sent_again_with_pauses_and_then_an_error(town: Town) -> None:
    town.up()
    town.cloud.stubborn.add("House")
    town.settle = 0.05
    begun = time.monotonic()
    with pytest.raises(AwsFailure, match=r"town/house: AWS still shows the old values.*floors is 2, not 3") as failed:
        town.up(town.declare(house_floors="3"))
    assert town.writes() == ["ModifyThing House"] * changes.LIMIT
    assert time.monotonic() - begun >= changes.LIMIT * town.settle
    assert "CloudTrail" in failed.value.hint


def test_a_change_whose_answer_is_lost_is_looked_at_again(town: Town) -> None:
    town.up()
    town.settle = 0.05
    for how in ("lose before", "lose after"):
        town.cloud.fails("ModifyThing", how=how)
        town.up(town.declare(house_floors=how))
        assert town.cloud.of(House)[0].settings["floors"] == how
    assert town.plan(town.declare(house_floors="lose after")).quiet


def test_a_refusal_that_passes_is_waited_out(town: Town) -> None:
    town.cloud.fails("CreateThing", kind="House", code="StillPropagating", times=3)
    town.up()
    assert town.things() == EVERYTHING


def test_an_object_is_waited_for_while_it_is_pending_in_any_words(town: Town) -> None:
    town.cloud.pending["House"] = ["building", "painting", "building", "available"]
    town.up()
    statuses = [event.status for event in town.events if event.key == "town/house" and event.phase == "waiting"]
    assert statuses == ["building", "painting", "building"]


def test_a_wait_that_is_too_long_says_that_aws_goes_on(town: Town) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Cathedral(House):
        wait = Wait(pending={"building"}, deadline=0.05)

    town.cloud.pending["Cathedral"] = ["building"] * 10_000
    land = Land(key="land")
    rest = Lot(key="lot", land=land), Charter(key="charter")
    cathedral = Cathedral(key="cathedral", lot=rest[0], charter=rest[1])
    with pytest.raises(TimedOut, match="still building") as late:
        town.up([Step("All", (land, *rest, cathedral))])
    assert late.value.exit_code == 9


def test_a_failed_object_is_reported_in_aws_own_words_and_made_anew_by_the_next_up(town: Town) -> None:
    town.cloud.ruined["House"] = "the ground gave way"
    with pytest.raises(AwsFailure, match="ruined: the ground gave way"):
        town.up()
    ruin = town.cloud.of(House)[0].id
    assert actions(town.plan())["town/house"] == "replace"
    town.up()
    assert [house.id for house in town.cloud.of(House)] != [ruin]
    assert town.things() == EVERYTHING
    assert town.plan().quiet


def test_a_failed_object_that_may_hold_data_is_never_removed(town: Town) -> None:
    town.cloud.ruined["Library"] = "flooded"
    with pytest.raises(AwsFailure, match="flooded"):
        town.up()
    with pytest.raises(AwsFailure, match="flooded") as failed:
        town.up()
    assert "may contain data" in failed.value.hint
    assert len(town.cloud.of(Library)) == 1


def test_an_object_on_its_way_out_is_waited_for_and_made_anew(town: Town) -> None:
    town.up()
    house = town.cloud.of(House)[0]
    house.status, house.coming = "razing", ["razing", "razing", "razing", "gone"]
    town.up()
    assert [one.id for one in town.cloud.of(House)] != [house.id]
    assert town.plan().quiet


def test_of_an_object_on_its_way_out_and_its_successor_the_successor_is_used(town: Town) -> None:
    town.up()
    old = town.cloud.of(House)[0]
    old.status, old.coming = "razing", ["razing"] * 8 + ["gone"]
    successor = town.cloud.create_thing("House", old.tags, dict(old.settings), "another token")["Id"]
    town.cloud.of(Lamp)[0].settings["house"] = successor
    plan = town.up()
    assert plan.quiet
    assert plan.lost_data == []
    assert town.writes() == []
