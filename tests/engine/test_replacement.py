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
    Alarm,
    Certificate,
    Crash,
    Disk,
    Network,
    SampleStack,
    Server,
    Subnet,
    actions,
)


def test_a_replacement_is_made_before_the_old_one_goes(sample: SampleStack) -> None:
    sample.up()
    old = sample.cloud.of(Server)[0].id
    plan = sample.up(sample.declare(server_image="ubuntu"))
    assert actions(plan) == dict.fromkeys([*EVERYTHING, "sample/health"], "none") | {
        "sample/server": "replace",
        "sample/alarm": "change",
        "sample/health": "wait",
    }
    assert [one.id for one in plan.replaced] == [one.id for one in plan.removals] == [old]
    assert sample.writes() == ["CreateThing Server", "ModifyThing Alarm", "DeleteThing Server"]
    assert sample.cloud.of(Server)[0].id != old
    assert sample.plan(sample.declare(server_image="ubuntu")).quiet


def test_replacing_what_others_stand_on_replaces_them_too_and_repairs_the_rest(sample: SampleStack) -> None:
    sample.up()
    before = {id: thing.kind for id, thing in sample.cloud.things.items()}
    steps = sample.declare(network_cidr="10.1.0.0/16")
    plan = sample.plan(steps)
    assert [key for key, action in actions(plan).items() if action == "replace"] == ["sample/network", "sample/subnet"]
    sample.up(steps)
    assert sample.things() == EVERYTHING
    new = sorted(thing.kind for id, thing in sample.cloud.things.items() if id not in before)
    assert new == ["Network", "Subnet"]
    assert sample.cloud.of(Server)[0].settings["subnet"] == sample.cloud.of(Subnet)[0].id
    assert sample.cloud.of(Disk)[0].settings["network"] == sample.cloud.of(Network)[0].id
    assert sample.plan(steps).quiet


def test_replace_on_request_raises_the_counter_for_good(sample: SampleStack) -> None:
    sample.up()
    (first,) = sample.generations(Certificate)
    sample.up(replace=["sample/certificate"])
    (second,) = sample.generations(Certificate)
    assert second.endswith(".1")
    assert second != first
    assert sample.plan().quiet
    sample.up(replace=["sample/certificate"])
    assert sample.generations(Certificate)[0].endswith(".2")
    assert sample.plan().quiet


def test_a_name_is_different_in_every_generation(sample: SampleStack) -> None:
    sample.up()
    old = sample.cloud.of(Certificate)[0].id
    sample.up(replace=["sample/certificate"])
    assert sample.cloud.of(Certificate)[0].id != old
    assert sample.cloud.of(Certificate)[0].id.startswith("shop-prod-certificate-")


def test_only_what_is_declared_can_be_replaced(sample: SampleStack) -> None:
    with pytest.raises(UsageError, match="sample/castle"):
        sample.plan(replace=["sample/castle"])


@pytest.mark.parametrize("changed", [{"network_cidr": "10.1.0.0/16"}, {"server_image": "ubuntu"}])
@pytest.mark.slow
def test_a_crash_at_any_write_of_a_replacement_is_healed_by_the_same_command(
    sample: SampleStack, changed: dict[str, str], new_sample: Callable[[], SampleStack]
) -> None:
    for at in itertools.count(1):
        sample = new_sample()
        sample.up()
        steps = sample.declare(**changed)
        sample.cloud.lag = 0.02
        sample.cloud.dies(at)
        try:
            sample.up(steps)
        except Crash:
            sample.cloud.outlive()
        else:
            assert at > 15
            return
        sample.up(steps)
        assert sample.things() == EVERYTHING, f"after dying at moment {at}"
        assert sample.plan(steps).quiet


@pytest.mark.slow
def test_a_crash_in_a_replacement_on_request_ends_with_one_of_each_with_or_without_the_flag(
    sample: SampleStack, new_sample: Callable[[], SampleStack]
) -> None:
    for again in ((), ("sample/server",)):
        for at in itertools.count(1):
            sample = new_sample()
            sample.up()
            sample.cloud.dies(at)
            try:
                sample.up(replace=["sample/server"])
            except Crash:
                sample.cloud.outlive()
            else:
                break
            sample.up(replace=again)
            assert sample.things() == EVERYTHING, f"after dying at moment {at}"
            assert sample.plan().quiet


def test_a_replacement_reads_the_same_without_any_record(sample: SampleStack) -> None:
    sample.up()
    steps = sample.declare(server_image="ubuntu")
    sample.cloud.fails("DeleteThing", kind="Server")
    with pytest.raises(AwsFailure):
        sample.up(steps)
    assert len(sample.cloud.of(Server)) == 2
    sample.path.unlink()
    plan = sample.up(steps)
    assert len(plan.removals) == 1
    assert sample.writes() == ["DeleteThing Server"]
    assert sample.cloud.of(Server)[0].settings["image"] == "ubuntu"


def test_what_is_no_longer_declared_is_removed_last(sample: SampleStack) -> None:
    sample.up()
    plan = sample.up(sample.declare(without=["sample/alarm"]))
    assert [one.key for one in plan.undeclared] == [one.key for one in plan.removals] == ["sample/alarm"]
    assert sample.cloud.of(Alarm) == []
    assert "sample/alarm" not in State.load(sample.path, sample.stack.tag).entries


def test_data_that_a_plan_would_lose_is_listed(sample: SampleStack) -> None:
    sample.up()
    assert sample.plan().lost_data == []
    assert [one.key for one in sample.plan(sample.declare(without=["sample/disk"])).lost_data] == ["sample/disk"]
    assert [one.key for one in sample.plan(sample.declare(disk_volume_type="io2")).lost_data] == ["sample/disk"]


def test_another_stack_of_the_same_cloud_is_neither_seen_nor_touched(sample: SampleStack) -> None:
    from awsdeploy.engine.resource import Stack

    other = SampleStack(sample.folder, sample.cloud, stack=Stack("shop-prod", "x"))
    other.up()
    sample.up()
    assert len(sample.cloud.things) == 2 * len(EVERYTHING)
    sample.destroy()
    assert len(sample.cloud.things) == len(EVERYTHING)
    assert other.plan().quiet


def test_what_exists_already_is_used_and_never_made_changed_or_deleted(sample: SampleStack) -> None:
    sample.cloud.things["Network-of-others"] = foreign = network_of_another_stack()
    steps = sample.declare(network_existing="Network-of-others")
    sample.up(steps)
    assert sample.cloud.of(Network) == [foreign]
    assert sample.cloud.of(Subnet)[0].settings["network"] == "Network-of-others"
    assert sample.plan(steps).quiet
    assert "sample/network" not in State.load(sample.path, sample.stack.tag).entries
    sample.destroy()
    assert list(sample.cloud.things) == ["Network-of-others"]


def test_going_over_to_something_that_exists_leaves_our_own_behind(sample: SampleStack) -> None:
    sample.up()
    own = sample.cloud.of(Network)[0].id
    sample.cloud.things["Network-of-others"] = network_of_another_stack()
    steps = sample.declare(network_existing="Network-of-others")
    sample.up(steps)
    assert own not in sample.cloud.things
    assert sample.cloud.of(Subnet)[0].settings["network"] == "Network-of-others"
    assert sample.plan(steps).quiet


def test_adopting_what_we_made_ourselves_does_not_delete_it(sample: SampleStack) -> None:
    sample.up()
    own = sample.cloud.of(Network)[0].id
    plan = sample.plan(sample.declare(network_existing=own))
    assert own not in [one.id for one in plan.removals]


def network_of_another_stack() -> Any:
    from .cloud import Thing

    return Thing("Network-of-others", "Network", [], {"cidr": "10.9.0.0/16"})


def test_an_obstacle_is_told_in_the_plan_before_anything_is_made(sample: SampleStack) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class ConflictingCertificate(Certificate):
        def conflict(self, aws: Aws) -> str:
            return "the name is taken"

    steps = [Step("All", (ConflictingCertificate(key="conflicting"),))]
    assert sample.plan(steps).conflicts == ["the name is taken"]
    sample.up(steps)
    assert sample.plan(steps).conflicts == []


def test_a_gate_holds_its_dependents_until_it_opens(sample: SampleStack) -> None:
    sample.cloud.healthy = False
    with pytest.raises(TimedOut, match="sample/health: still unhealthy"):
        sample.up()
    assert sample.cloud.of(Alarm) == []
    sample.cloud.healthy = True
    sample.up()
    assert sample.things() == EVERYTHING


def test_a_gate_that_closes_again_is_waited_for_without_a_lock(sample: SampleStack) -> None:
    sample.up()
    sample.cloud.healthy = False
    plan = sample.plan()
    assert actions(plan)["sample/health"] == "wait"
    assert not plan.quiet
    assert not plan.writes
    with pytest.raises(TimedOut):
        sample.up()
    assert sample.cloud.writes == []


def test_a_gate_leaves_no_trace_in_the_state(sample: SampleStack) -> None:
    sample.up()
    assert "sample/health" not in State.load(sample.path, sample.stack.tag).entries
