"""Pauses between looks: how many there are, how late they are, and on a clock of any speed."""

from __future__ import annotations

import itertools

import pytest

from awsdeploy.aws.waiting import Cancellation, Polling
from awsdeploy.engine import pace as pacing
from awsdeploy.engine.pace import Pace, spare_times

NEEDS = {"database": set(), "gateway": set(), "routes": {"gateway"}, "app": {"database", "routes"}}
USUAL = {"database": 600.0, "gateway": 105.0, "routes": 2.0, "app": 20.0}
SPEEDS = [1.0, 10.0, 60.0]


class SleptTime(Cancellation):
    """SleptTime that goes on only while somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def pace(speed: float = 1.0) -> Pace:
    return Pace(Polling(max(0.02, 0.5 / speed), 30.0), NEEDS, USUAL)


def looks(pace: Pace, one: str, seconds: float) -> list[float]:
    """Times of all looks at what is ready after so many seconds; the last one finds it ready."""
    times = [0.0]
    while times[-1] < seconds:
        pace._unready[one] = times[-1]
        times.append(times[-1] + pace.pause(one, times[-1]))
    pace.ready(one)
    return times


def test_spare_time_is_what_the_longest_chain_leaves() -> None:
    spare = spare_times(NEEDS, USUAL)
    assert spare == {"database": 0, "gateway": 493, "routes": 493, "app": 0}


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize("actual", [400.0, 590.0, 610.0, 900.0])
def test_what_decides_the_end_is_seen_soon_however_long_it_takes(speed: float, actual: float) -> None:
    timed = pace(speed)
    looks(timed, "gateway", 105 / speed)  # it is ready long before, and tells how fast the clock is
    times = looks(timed, "database", actual / speed)
    late = times[-1] - actual / speed
    assert late <= max(0.5 / speed, 30 if actual < 480 else 0.04 * times[-1])


@pytest.mark.parametrize(("one", "actual", "most"), [("gateway", 105, 12), ("database", 600, 45)])
def test_few_looks_are_made_in_real_time(one: str, actual: float, most: int) -> None:
    assert len(looks(pace(), one, actual)) <= most


@pytest.mark.parametrize("one", ["database", "gateway"])
def test_a_failure_that_comes_early_is_seen_within_30_seconds(one: str) -> None:
    times = looks(pace(), one, 1000)
    assert max(after - before for before, after in itertools.pairwise(times)) == pytest.approx(30)


@pytest.mark.parametrize("speed", SPEEDS)
def test_nobody_waits_long_for_what_is_ready_at_once(speed: float) -> None:
    times = looks(pace(speed), "gateway", 1 / speed)
    assert times[-1] <= 2 / speed


def test_a_refused_deletion_is_repeated_at_the_same_pace_however_quick_it_is() -> None:
    timed = pace()
    for waited in (5.0, 20.0, 100.0):
        assert timed.pause("routes", waited, blocked=True) == timed.pause("database", waited, blocked=True)


def test_the_time_begins_again_when_aws_begins_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SleptTime()
    monkeypatch.setattr(pacing, "time", clock)
    ticks = Pace(Polling(0.001, 30), NEEDS, USUAL).ticks("database", clock, 60)
    waited = [0.0]
    for tick in ticks:
        waited.append(tick.waited)
        tick.begun = len(waited) == 11
        if len(waited) > 14:
            break
    pauses = [after - before for before, after in itertools.pairwise(waited)]
    assert min(pauses[11:]) < pauses[9] / 3


def test_a_look_of_somebody_else_will_do_if_it_is_younger_than_our_last_pause() -> None:
    ticks = Pace(Polling(0.01, 0.02), NEEDS, USUAL).ticks("gateway", Cancellation(), 0.05)
    (first, *others) = [(tick.waited, tick.age) for tick in ticks]
    assert first == (0.0, 0.0)
    befores = [0.0, *(waited for waited, _ in others)]
    assert all(0 < age < waited - before for (waited, age), before in zip(others, befores, strict=False))


def test_a_slow_wait_counts_for_all_and_one_of_our_own_calls_does_not() -> None:
    timed = pace()
    looks(timed, "routes", 100)
    before = timed.pause("database", 100.0)
    looks(timed, "gateway", 10.5)
    assert timed.pause("database", 100.0) < before, "a tenth of the usual time: it may be ready at any moment"
    looks(timed, "gateway", 105)
    assert timed.pause("database", 100.0) == before
