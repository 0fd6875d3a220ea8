"""Destroy: the order of kinds, retries, what is kept, and the sweep."""

# No postponed annotations here: a kind defined inside a test names its edges by local classes.

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from awsdeploy.engine import blockage
from awsdeploy.engine.kind_order import needs
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    DestroyOptions,
    Observed,
    Status,
    Wait,
)
from awsdeploy.errors import (
    AwsFailure,
    Leftovers,
    NoSuchStack,
)

from .cloud import (
    EVERYTHING,
    Alarm,
    Disk,
    Network,
    SampleStack,
    Server,
    Subnet,
    actions,
)


def test_destroy_deletes_users_before_what_they_use_also_through_gates(sample: SampleStack) -> None:
    sample.up()
    sample.destroy()
    order = [write.split()[1] for write in sample.writes("DeleteThing")]
    assert order.index("Alarm") < order.index("Server") < order.index("Subnet") < order.index("Network")
    assert order.index("Server") < order.index("Certificate")
    assert order.index("Disk") < order.index("Network")
    assert len(order) == len(EVERYTHING)
    assert "DeleteThing" not in " ".join(sample.cloud.refused), "tried too early"
    assert needs(Alarm) == {Server}


def test_the_order_holds_although_a_kind_in_between_is_gone(sample: SampleStack) -> None:
    sample.up()
    subnet = sample.cloud.things.pop(sample.cloud.of(Subnet)[0].id)
    sample.cloud.of(Server)[0].settings |= {"subnet": "none", "network": subnet.settings["network"]}
    sample.destroy()
    order = [write.split()[1] for write in sample.writes("DeleteThing")]
    assert order.index("Server") < order.index("Network")
    assert len(order) == len(EVERYTHING) - 1
    assert "DeleteThing" not in " ".join(sample.cloud.refused), "tried too early"


def test_destroy_empties_the_cloud_and_takes_the_record_last(sample: SampleStack) -> None:
    sample.up()
    sample.destroy()
    assert sample.cloud.things == {}
    assert sample.cloud.parameters == {}
    assert sample.cloud.writes[-1] == "DeleteParameters"
    assert not sample.path.exists()
    with pytest.raises(NoSuchStack):
        sample.destroy()


def test_destroy_needs_neither_state_nor_declaration(sample: SampleStack) -> None:
    sample.up()
    sample.path.unlink()
    sample.destroy()
    assert sample.cloud.things == {}


def test_a_delete_that_takes_several_steps_is_called_until_the_object_is_gone(sample: SampleStack) -> None:
    sample.cloud.pending["Server"] = ["available"]
    sample.up()
    sample.destroy()
    assert sample.cloud.things == {}
    assert len(sample.writes("DeleteThing Server")) > 1


def test_a_delete_that_something_still_blocks_is_tried_again(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.fails("DeleteThing", kind="Network", code="DependencyViolation", text="a hedge is in the way", times=3)
    sample.destroy()
    assert sample.cloud.things == {}
    assert "a hedge is in the way" in [event.detail for event in sample.events if event.key == "sample/network"]


def test_what_is_blocked_for_good_is_not_waited_for_once_nothing_else_is_left_to_go(sample: SampleStack) -> None:
    """An object that could not be deleted blocks another one."""
    sample.up()
    sample.cloud.fails("DeleteThing", kind="Server", text="not yours", code="OperationNotPermitted")
    sample.cloud.fails("DeleteThing", kind="Disk", text="the server uses it", code="DependencyViolation", times=10**9)
    with pytest.raises(AwsFailure) as failed:
        sample.destroy()
    assert "not yours" in failed.value.message
    assert "is still in use (" in failed.value.message
    assert "the server uses it" in failed.value.message
    assert "sample/disk" in sample.things()


def test_a_delete_whose_answer_is_lost_is_looked_at(sample: SampleStack) -> None:
    for how in ("lose before", "lose after"):
        sample.up()
        sample.cloud.fails("DeleteThing", how=how)
        sample.destroy()
        assert sample.cloud.things == {}


def test_a_delete_that_is_refused_stops_only_what_it_stands_on(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.fails("DeleteThing", kind="Server", text="protected", code="OperationNotPermitted")
    with pytest.raises(AwsFailure, match="protected"):
        sample.destroy()
    assert sample.things() == ["sample/certificate", "sample/network", "sample/server", "sample/subnet"]
    assert sorted(sample.told("skipped")) == ["sample/certificate", "sample/network", "sample/subnet"]
    assert "/deploy/shop/prod/stack" in sample.cloud.parameters
    sample.destroy()
    assert sample.cloud.things == {}


def test_what_is_kept_on_purpose_is_listed_with_its_cost_and_found_again(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.of(Disk)[0].settings["network"] = ""
    destroy_plan = sample.destroy(DestroyOptions())
    assert [(observed.key, kept.why, kept.monthly) for observed, kept in destroy_plan.staying] == [
        ("sample/disk", "it contains data", 1.5)
    ]
    assert sample.things() == ["sample/disk"]
    plan = sample.plan()
    assert plan.lost_data == []
    assert actions(plan)["sample/disk"] == "change"


def test_data_that_a_destroy_would_lose_is_listed(sample: SampleStack) -> None:
    from awsdeploy.engine import teardown

    sample.up()
    assert [one.key for one in teardown.survey(sample.run(), DestroyOptions(data=True)).lost_data] == ["sample/disk"]
    assert teardown.survey(sample.run(), DestroyOptions()).lost_data == []


def test_the_sweep_finds_what_no_kind_of_ours_knows(sample: SampleStack) -> None:
    sample.up()
    alarm = sample.cloud.of(Alarm)[0]
    stray = sample.cloud.create_thing("Statue", [dict(tag) for tag in alarm.tags], {})["Id"]
    with pytest.raises(Leftovers, match=stray) as left:
        sample.destroy()
    assert left.value.exit_code == 7
    assert "/deploy/shop/prod/stack" in sample.cloud.parameters
    del sample.cloud.things[stray]
    sample.destroy()
    assert sample.cloud.parameters == {}


def test_the_sweep_trusts_no_earlier_look(sample: SampleStack) -> None:
    sample.up()
    delete = sample.cloud.delete_thing

    def deleting_grows_another(Id: str) -> dict[str, Any]:
        thing = sample.cloud.things[Id]
        if thing.kind == "Network":
            sample.cloud.create_thing("Certificate", thing.tags, {})
        return delete(Id)

    sample.cloud.delete_thing = deleting_grows_another  # type: ignore[method-assign]
    with pytest.raises(Leftovers, match="certificate Certificate-"):
        sample.destroy()


def test_what_holds_an_object_is_asked_only_when_it_is_stuck(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def blockers(_kind: type[Network], _aws: Aws, observed: Observed) -> Iterator[Blocker]:
        asked.append(observed.key)
        yield Blocker("a hedge", "cut it")

    monkeypatch.setattr(Network, "blockers", classmethod(blockers))
    for settle, stuck in ((60.0, set()), (0.0, {"sample/network"})):
        sample.up()
        sample.settle = settle
        sample.cloud.fails("DeleteThing", kind="Network", code="DependencyViolation", text="held.", times=3)
        sample.destroy()
        assert set(asked) == stuck
    said = [event.detail for event in sample.events if event.key == "sample/network" and event.detail]
    assert said == ["held", "held. Blocked by a hedge, which stays: cut it"]


def test_what_holds_an_object_is_asked_after_half_of_the_time_and_then_once_in_it(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    asked: list[float] = []
    monkeypatch.setattr(blockage, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(blockage, "blocked_by", lambda *_: asked.append(clock[0]))
    sample.settle = 60.0
    held = blockage.Blockage(sample.run())
    observed = Observed(Network, "sample/network", "1")
    for clock[0] in range(0, 200, 10):
        held.words(observed, stuck=True)
    assert asked == [30, 90, 150]


def test_a_refusal_that_is_not_waited_for_says_what_holds_it(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Network, "blockers", classmethod(lambda *_: iter([Blocker("a hedge", "cut it")])))
    sample.up()
    sample.cloud.fails("DeleteThing", kind="Network", code="NotEmpty", text="not empty")
    with pytest.raises(AwsFailure, match="Blocked by a hedge, which stays: cut it"):
        sample.destroy()


def test_a_delete_refused_in_a_status_that_does_not_end_is_not_waited_for(
    sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = {"full": Status(meaning="no space left", remedy="Enlarge the disk.")}
    monkeypatch.setattr(Disk, "wait", Wait(statuses=full))
    sample.up()
    sample.cloud.of(Disk)[0].status = "full"
    sample.cloud.fails("DeleteThing", kind="Disk", code="DependencyViolation", text="not now", times=10**9)
    with pytest.raises(AwsFailure, match=r"in the status full \(no space left\): not now") as failed:
        sample.destroy()
    assert failed.value.hint == "Enlarge the disk."
    assert sample.things() == ["sample/disk", "sample/network"]
    sample.cloud.of(Disk)[0].status = "available"
    sample.cloud.faults.clear()
    sample.destroy()
    assert sample.cloud.things == {}
