"""A stack may have something in another region: it is found, recorded, and gone with the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import Deletion, Idempotency

from .cloud import REGION, CloudResource, Crash, Network, Replica, SampleStack, Server, actions

ABROAD = "us-east-1"


@pytest.fixture
def replica() -> list[Step]:
    network = Network(key="sample/network")
    return [Step("All", (network, Replica(key="sample/replica", region=ABROAD, network=network)))]


def recorded(sample: SampleStack) -> list[str]:
    regions: list[str] = json.loads(sample.cloud.parameters["/deploy/shop/prod/stack"][-1])["regions"]
    return regions


def test_it_is_made_where_it_was_declared_and_found_again(sample: SampleStack, replica: list[Step]) -> None:
    sample.up(replica)
    assert {thing.kind: thing.region for thing in sample.cloud.things.values()} == {
        "Network": REGION,
        "Replica": ABROAD,
    }
    assert sample.plan(replica).quiet
    assert recorded(sample) == [REGION, ABROAD]


def test_a_region_that_comes_later_is_added_to_the_record(sample: SampleStack, replica: list[Step]) -> None:
    sample.up([Step("All", replica[0].resources[:1])])
    assert recorded(sample) == [REGION]
    sample.up(replica)
    assert recorded(sample) == [REGION, ABROAD]


@pytest.mark.parametrize("remembered", [True, False])
def test_what_is_no_longer_declared_abroad_goes(sample: SampleStack, replica: list[Step], remembered: bool) -> None:
    sample.up(replica)
    if not remembered:
        sample.path.unlink()
    sample.up([Step("All", replica[0].resources[:1])])
    assert sample.things() == ["sample/network"]


def test_a_destroy_without_state_or_declaration_knows_where_to_look(sample: SampleStack, replica: list[Step]) -> None:
    sample.up(replica)
    sample.path.unlink()
    sample.destroy()
    assert sample.cloud.things == {}


def test_a_crash_right_after_it_was_made_abroad_leaves_nothing_behind(sample: SampleStack, replica: list[Step]) -> None:
    sample.cloud.fails("CreateThing", kind="Replica", how="die")
    with pytest.raises(Crash):
        sample.up(replica)
    sample.cloud.outlive()
    sample.destroy()
    assert sample.cloud.things == {}


def test_what_would_be_made_again_goes_after_what_makes_it(sample: SampleStack) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class LogGroup(CloudResource):
        """The server writes to it until it is deleted, and would create it again."""

        idempotency = Idempotency.NAME
        deletion = Deletion(recreated_by={"Server"})

    steps = sample.declare()
    sample.up([*steps, Step("Logs", (LogGroup(key="sample/log-group"),))])
    assert (
        actions(sample.plan([*steps, Step("Logs", (LogGroup(key="sample/log-group"),))]))["sample/log-group"] == "none"
    )
    sample.destroy()
    deleted = sample.writes("DeleteThing")
    assert deleted.index(f"DeleteThing {Server.__name__}") < deleted.index("DeleteThing LogGroup")
