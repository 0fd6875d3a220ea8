"""Destroy: the order of kinds, retries, what is kept, and the sweep."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from awsdeploy.engine import blockage
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    DestroyOptions,
    Observed,
    Status,
    Wait,
    needs,
)
from awsdeploy.errors import (
    AwsFailure,
    Leftovers,
    NoSuchStack,
)

from .cloud import (
    EVERYTHING,
    House,
    Lamp,
    Land,
    Library,
    Lot,
    Town,
    actions,
)


def test_destroy_deletes_users_before_what_they_use_also_through_gates(town: Town) -> None:
    town.up()
    town.destroy()
    order = [write.split()[1] for write in town.writes("DeleteThing")]
    assert order.index("Lamp") < order.index("House") < order.index("Lot") < order.index("Land")
    assert order.index("House") < order.index("Charter")
    assert order.index("Library") < order.index("Land")
    assert len(order) == len(EVERYTHING)  # nothing was tried too early
    assert needs(Lamp) == {House}


def test_the_order_holds_although_a_kind_in_between_is_gone(town: Town) -> None:
    town.up()
    lot = town.cloud.things.pop(town.cloud.of(Lot)[0].id)
    town.cloud.of(House)[0].settings |= {"lot": "none", "land": lot.settings["land"]}
    town.destroy()
    order = [write.split()[1] for write in town.writes("DeleteThing")]
    assert order.index("House") < order.index("Land")
    assert len(order) == len(EVERYTHING) - 1


def test_destroy_empties_the_cloud_and_takes_the_record_last(town: Town) -> None:
    town.up()
    town.destroy()
    assert town.cloud.things == {}
    assert town.cloud.parameters == {}
    assert town.cloud.writes[-1] == "DeleteParameters"
    assert not town.path.exists()
    with pytest.raises(NoSuchStack):
        town.destroy()


def test_destroy_needs_neither_state_nor_declaration(town: Town) -> None:
    town.up()
    town.path.unlink()
    town.destroy()
    assert town.cloud.things == {}


def test_a_delete_that_takes_several_steps_is_called_until_the_object_is_gone(town: Town) -> None:
    town.cloud.pending["House"] = ["available"]
    town.up()
    town.destroy()
    assert town.cloud.things == {}
    assert len(town.writes("DeleteThing House")) > 1


def test_a_delete_that_something_still_blocks_is_tried_again(town: Town) -> None:
    town.up()
    town.cloud.fails("DeleteThing", kind="Land", code="DependencyViolation", text="a hedge is in the way", times=3)
    town.destroy()
    assert town.cloud.things == {}
    assert "a hedge is in the way" in [event.detail for event in town.events if event.key == "town/land"]


def test_what_is_blocked_for_good_is_not_waited_for_once_nothing_else_is_left_to_go(town: Town) -> None:
    """What AWS does not let go because of what could not be deleted."""
    town.up()
    town.cloud.fails("DeleteThing", kind="House", text="not yours", code="OperationNotPermitted")
    town.cloud.fails(
        "DeleteThing", kind="Library", text="the house leans on it", code="DependencyViolation", times=10**9
    )
    with pytest.raises(AwsFailure) as failed:
        town.destroy()
    assert "not yours" in failed.value.message
    assert "is still in use (" in failed.value.message
    assert "the house leans on it" in failed.value.message
    assert "town/library" in town.things()


def test_a_delete_whose_answer_is_lost_is_looked_at(town: Town) -> None:
    for how in ("lose before", "lose after"):
        town.up()
        town.cloud.fails("DeleteThing", how=how)
        town.destroy()
        assert town.cloud.things == {}


def test_a_delete_that_is_refused_stops_only_what_it_stands_on(town: Town) -> None:
    town.up()
    town.cloud.fails("DeleteThing", kind="House", text="protected", code="OperationNotPermitted")
    with pytest.raises(AwsFailure, match="protected"):
        town.destroy()
    assert town.things() == ["town/charter", "town/house", "town/land", "town/lot"]
    assert sorted(town.told("skipped")) == ["town/charter", "town/land", "town/lot"]
    assert "/deploy/shop/prod/stack" in town.cloud.parameters
    town.destroy()
    assert town.cloud.things == {}


def test_what_is_kept_on_purpose_is_listed_with_its_cost_and_found_again(town: Town) -> None:
    town.up()
    town.cloud.of(Library)[0].settings["land"] = ""
    destroy_plan = town.destroy(DestroyOptions())
    assert [(live.key, kept.why, kept.monthly) for live, kept in destroy_plan.staying] == [
        ("town/library", "it holds books", 1.5)
    ]
    assert town.things() == ["town/library"]
    plan = town.plan()
    assert plan.lost_data == []
    assert actions(plan)["town/library"] == "change"


def test_data_that_a_destroy_would_lose_is_listed(town: Town) -> None:
    from awsdeploy.engine import teardown

    town.up()
    assert [live.key for live in teardown.survey(town.run(), DestroyOptions(data=True)).lost_data] == ["town/library"]
    assert teardown.survey(town.run(), DestroyOptions()).lost_data == []


def test_the_sweep_finds_what_no_kind_of_ours_knows(town: Town) -> None:
    town.up()
    lamp = town.cloud.of(Lamp)[0]
    stray = town.cloud.create_thing("Statue", [dict(tag) for tag in lamp.tags], {})["Id"]
    with pytest.raises(Leftovers, match=stray) as left:
        town.destroy()
    assert left.value.exit_code == 7
    assert "/deploy/shop/prod/stack" in town.cloud.parameters
    del town.cloud.things[stray]
    town.destroy()
    assert town.cloud.parameters == {}


def test_the_sweep_trusts_no_earlier_look(town: Town) -> None:
    town.up()
    delete = town.cloud.delete_thing

    def deleting_grows_another(Id: str) -> dict[str, Any]:
        thing = town.cloud.things[Id]
        if thing.kind == "Land":
            town.cloud.create_thing("Charter", thing.tags, {})
        return delete(Id)

    town.cloud.delete_thing = deleting_grows_another  # type: ignore[method-assign]
    with pytest.raises(Leftovers, match="charter Charter-"):
        town.destroy()


def test_what_holds_an_object_is_asked_only_when_it_is_stuck(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def blockers(_kind: type[Land], _aws: Aws, live: Observed) -> Iterator[Blocker]:
        asked.append(live.key)
        yield Blocker("a hedge", "cut it")

    monkeypatch.setattr(Land, "blockers", classmethod(blockers))
    for settle, times in ((60.0, 3), (0.0, 5)):
        town.up()
        town.settle = settle
        town.cloud.fails("DeleteThing", kind="Land", code="DependencyViolation", text="held.", times=times)
        town.destroy()
        assert asked == ["town/land"] * (0 if settle else 4)  # not at the first refusal
    said = [event.detail for event in town.events if event.key == "town/land" and event.detail]
    assert said == ["held", "held. Blocked by a hedge, which stays: cut it"]


def test_what_holds_an_object_is_asked_after_half_of_the_time_and_then_once_in_it(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    asked: list[float] = []
    monkeypatch.setattr(blockage, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(blockage, "blocked_by", lambda *_: asked.append(clock[0]))
    town.settle = 60.0
    held = blockage.Blockage(town.run())
    live = Observed(Land, "town/land", "1")
    for clock[0] in range(0, 200, 10):
        held.words(live, stuck=True)
    assert asked == [30, 90, 150]


def test_a_refusal_that_is_not_waited_for_says_what_holds_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Land, "blockers", classmethod(lambda *_: iter([Blocker("a hedge", "cut it")])))
    town.up()
    town.cloud.fails("DeleteThing", kind="Land", code="NotEmpty", text="not empty")
    with pytest.raises(AwsFailure, match="Blocked by a hedge, which stays: cut it"):
        town.destroy()


def test_a_delete_refused_in_a_status_that_does_not_end_is_not_waited_for(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    flooded = {"flooded": Status(meaning="water stands in it", remedy="Pump it out.")}
    monkeypatch.setattr(Library, "wait", Wait(statuses=flooded))
    town.up()
    town.cloud.of(Library)[0].status = "flooded"
    town.cloud.fails("DeleteThing", kind="Library", code="DependencyViolation", text="too wet", times=10**9)
    with pytest.raises(AwsFailure, match=r"in the status flooded \(water stands in it\): too wet") as failed:
        town.destroy()
    assert failed.value.hint == "Pump it out."
    assert town.things() == ["town/land", "town/library"]
    town.cloud.of(Library)[0].status = "available"
    town.cloud.faults.clear()
    town.destroy()
    assert town.cloud.things == {}
