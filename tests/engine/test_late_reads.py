"""Late reads: every write is sent once, and what AWS shows late is no drift."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from .cloud import EVERYTHING, House, Town, actions


@pytest.fixture
def late(town: Town) -> Town:
    """A town that has been told of nothing for a while, whose lists are old from now on."""
    town.up()
    town.cloud.history.clear()
    town.cloud.late, town.settle = 0.1, 1.0
    return town


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_change_that_is_shown_late_or_in_turn_with_the_old_value_is_sent_once(late: Town, in_turn: bool) -> None:
    late.cloud.in_turn = in_turn
    late.up(late.declare(house_floors="3", lamp_colour="blue"))
    assert sorted(late.writes()) == ["ModifyThing House", "ModifyThing Lamp"]
    assert late.cloud.of(House)[0].settings["floors"] == "3"


def test_a_change_that_aws_takes_its_time_to_answer_is_sent_once(late: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    late.settle = 0.3
    answer = late.cloud.answer

    def slowly(method: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        if method == "modify_thing":
            threading.Event().wait(1.5 * late.settle)
        return answer(method, parameters, region)

    monkeypatch.setattr(late.cloud, "answer", slowly)
    late.up(late.declare(house_floors="3"))
    assert late.writes() == ["ModifyThing House"]


@pytest.mark.parametrize("in_turn", [False, True])
def test_what_was_changed_a_moment_ago_is_no_drift_for_the_next_command(late: Town, in_turn: bool) -> None:
    late.cloud.in_turn = True  # so that the run converges before all lists are new
    steps = late.declare(house_floors="3")
    late.up(steps)
    late.cloud.in_turn, late.cloud.late = in_turn, 0.3
    assert late.plan(steps).quiet


def test_what_somebody_else_changed_is_drift_at_once(late: Town) -> None:
    late.cloud.late = 0.0
    late.cloud.of(House)[0].settings["floors"] = "17"
    assert actions(late.plan())["town/house"] == "change"


def test_what_is_still_listed_is_asked_once_to_go(late: Town) -> None:
    late.destroy()
    assert sorted(late.writes()) == sorted(f"DeleteThing {key.split('/')[1].title()}" for key in EVERYTHING)
    assert late.things() == []


def test_all_is_made_once_though_lists_are_old(town: Town) -> None:
    town.cloud.late = 0.1
    town.up()
    assert town.things() == EVERYTHING
    assert len(town.writes("CreateThing")) == len(EVERYTHING)
    assert town.plan().quiet


def test_what_is_newly_declared_is_a_change_however_soon_it_follows_another(town: Town) -> None:
    town.up()
    town.settle = 60.0
    begun = time.monotonic()
    for floors in ("3", "4"):
        town.up(town.declare(house_floors=floors))
    assert town.cloud.of(House)[0].settings["floors"] == "4"
    assert time.monotonic() - begun < 30
