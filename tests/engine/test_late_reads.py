"""Late reads: every write is sent once, and what AWS shows late is no drift."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from .cloud import EVERYTHING, SampleStack, Server, actions


@pytest.fixture
def late_sample(sample: SampleStack) -> SampleStack:
    """A stack that has been told of nothing for a while, whose lists are old from now on."""
    sample.up()
    sample.cloud.history.clear()
    sample.cloud.late, sample.settle = 0.1, 1.0
    return sample


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_change_that_is_shown_late_or_in_turn_with_the_old_value_is_sent_once(
    late_sample: SampleStack, in_turn: bool
) -> None:
    late_sample.cloud.in_turn = in_turn
    late_sample.up(late_sample.declare(server_size="3", alarm_threshold="90"))
    assert sorted(late_sample.writes()) == ["ModifyThing Alarm", "ModifyThing Server"]
    assert late_sample.cloud.of(Server)[0].settings["size"] == "3"


def test_a_change_that_aws_takes_its_time_to_answer_is_sent_once(
    late_sample: SampleStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_sample.settle = 0.3
    answer = late_sample.cloud.answer

    def slowly(method: str, parameters: dict[str, Any], region: str) -> dict[str, Any]:
        if method == "modify_thing":
            threading.Event().wait(1.5 * late_sample.settle)
        return answer(method, parameters, region)

    monkeypatch.setattr(late_sample.cloud, "answer", slowly)
    late_sample.up(late_sample.declare(server_size="3"))
    assert late_sample.writes() == ["ModifyThing Server"]


@pytest.mark.parametrize("in_turn", [False, True])
def test_what_was_changed_a_moment_ago_is_no_drift_for_the_next_command(
    late_sample: SampleStack, in_turn: bool
) -> None:
    late_sample.cloud.in_turn = True  # so that the run converges before all lists are new
    steps = late_sample.declare(server_size="3")
    late_sample.up(steps)
    late_sample.cloud.in_turn, late_sample.cloud.late = in_turn, 0.3
    assert late_sample.plan(steps).quiet


def test_what_somebody_else_changed_is_drift_at_once(late_sample: SampleStack) -> None:
    late_sample.cloud.late = 0.0
    late_sample.cloud.of(Server)[0].settings["size"] = "17"
    assert actions(late_sample.plan())["sample/server"] == "change"


def test_what_is_still_listed_is_asked_once_to_go(late_sample: SampleStack) -> None:
    late_sample.destroy()
    assert sorted(late_sample.writes()) == sorted(f"DeleteThing {key.split('/')[1].title()}" for key in EVERYTHING)
    assert late_sample.things() == []


def test_all_is_made_once_though_lists_are_old(sample: SampleStack) -> None:
    sample.cloud.late = 0.1
    sample.up()
    assert sample.things() == EVERYTHING
    assert len(sample.writes("CreateThing")) == len(EVERYTHING)
    assert sample.plan().quiet


def test_what_is_newly_declared_is_a_change_however_soon_it_follows_another(sample: SampleStack) -> None:
    sample.up()
    sample.settle = 60.0
    begun = time.monotonic()
    for size in ("3", "4"):
        sample.up(sample.declare(server_size=size))
    assert sample.cloud.of(Server)[0].settings["size"] == "4"
    assert time.monotonic() - begun < 30
