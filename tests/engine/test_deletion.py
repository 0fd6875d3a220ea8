"""Pauses between calls that delete the same object."""

from __future__ import annotations

import itertools

import pytest

from awsdeploy.aws.waiting import Polling
from awsdeploy.engine import deletion
from awsdeploy.engine.deletion import Asked
from awsdeploy.engine.resource import Observed
from awsdeploy.resources.database.instance import Database

SETTLE = 60.0


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deletion, "time", clock)
    return clock


def database(status: str = "available", **raw: object) -> Observed:
    return Observed(Database, "database/mysql", "shop", "1", status, raw)


def calls(asked: Asked, clock: Clock, observed: Observed, refused: bool, seconds: int) -> list[int]:
    """Seconds at which AWS is asked, if it is looked at each second and shows the same."""
    begun, made = clock.now, []
    for second in range(seconds):
        clock.now = begun + second
        if asked.is_due(observed, clock.now):
            asked.of(observed, "still in use" if refused else "")
            made.append(second)
    return made


def test_an_accepted_call_is_not_repeated_while_the_list_may_be_old(clock: Clock) -> None:
    assert calls(Asked(SETTLE, Polling(0.5, 30)), clock, database(), refused=False, seconds=150) == [0, 60, 120]


def test_a_refused_call_waits_longer_the_longer_it_is_refused(clock: Clock) -> None:
    made = calls(Asked(SETTLE, Polling(0.5, 30)), clock, database(), refused=True, seconds=300)
    assert made[:3] == [0, 1, 2]
    assert len(made) <= 16
    assert max(after - before for before, after in itertools.pairwise(made)) == 30


def test_what_aws_shows_anew_is_tried_at_once(clock: Clock) -> None:
    asked = Asked(SETTLE, Polling(0.5, 30))
    calls(asked, clock, database("modifying"), refused=True, seconds=100)
    assert not asked.is_due(database("modifying"), clock.now)
    assert asked.is_due(database("available"), clock.now)


def test_a_time_that_aws_moves_by_itself_is_nothing_new(clock: Clock) -> None:
    asked = Asked(SETTLE, Polling(0.5, 30))
    assert asked.of(database(LatestRestorableTime=1))
    assert not asked.of(database(LatestRestorableTime=2))
    assert not asked.is_due(database(LatestRestorableTime=3), clock.now + 1)
    assert asked.is_due(database(DeletionProtection=False), clock.now + 1)
