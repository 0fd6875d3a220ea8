"""A stack may have something in another region: it is found, recorded, and gone with the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import Idempotency

from .cloud import REGION, Crash, House, InCloud, Land, Outpost, Town, actions

ABROAD = "us-east-1"


@pytest.fixture
def outpost() -> list[Step]:
    land = Land(key="town/land")
    return [Step("All", (land, Outpost(key="town/outpost", region=ABROAD, land=land)))]


def recorded(town: Town) -> list[str]:
    regions: list[str] = json.loads(town.cloud.parameters["/deploy/shop/prod/stack"][-1])["regions"]
    return regions


def test_it_is_made_where_it_was_declared_and_found_again(town: Town, outpost: list[Step]) -> None:
    town.up(outpost)
    assert {thing.kind: thing.region for thing in town.cloud.things.values()} == {"Land": REGION, "Outpost": ABROAD}
    assert town.plan(outpost).quiet
    assert recorded(town) == [REGION, ABROAD]


def test_a_region_that_comes_later_is_added_to_the_record(town: Town, outpost: list[Step]) -> None:
    town.up([Step("All", outpost[0].resources[:1])])
    assert recorded(town) == [REGION]
    town.up(outpost)
    assert recorded(town) == [REGION, ABROAD]


@pytest.mark.parametrize("remembered", [True, False])
def test_what_is_no_longer_declared_abroad_goes(town: Town, outpost: list[Step], remembered: bool) -> None:
    town.up(outpost)
    if not remembered:
        town.path.unlink()
    town.up([Step("All", outpost[0].resources[:1])])
    assert town.things() == ["town/land"]


def test_a_destroy_without_state_or_declaration_knows_where_to_look(town: Town, outpost: list[Step]) -> None:
    town.up(outpost)
    town.path.unlink()
    town.destroy()
    assert town.cloud.things == {}


def test_a_crash_right_after_it_was_made_abroad_leaves_nothing_behind(town: Town, outpost: list[Step]) -> None:
    town.cloud.fails("CreateThing", kind="Outpost", how="die")
    with pytest.raises(Crash):
        town.up(outpost)
    town.cloud.outlive()
    town.destroy()
    assert town.cloud.things == {}


def test_what_would_be_made_again_goes_after_what_makes_it(town: Town) -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Diary(InCloud):
        """People write it as long as their house stands."""

        idempotency = Idempotency.NAME
        recreated_by = {"House"}

    steps = town.declare()
    town.up([*steps, Step("Words", (Diary(key="town/diary"),))])
    assert actions(town.plan([*steps, Step("Words", (Diary(key="town/diary"),))]))["town/diary"] == "none"
    town.destroy()
    deleted = town.writes("DeleteThing")
    assert deleted.index(f"DeleteThing {House.__name__}") < deleted.index("DeleteThing Diary")
