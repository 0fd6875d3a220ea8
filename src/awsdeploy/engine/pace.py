"""Pauses between looks at what AWS is at work on: by its usual time, and by how long the rest of the run takes.

What decides when the run ends is looked at closely once its time has come; what has time to spare is looked at seldom.
All pauses are shares of what was waited already, so they fit a clock of any speed. Times are seconds of this computer,
`usual` times are seconds of AWS.
"""

from __future__ import annotations

import graphlib
import threading
import time
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.waiting import Cancellation, Polling

CLOSE = 0.04
"""Pause, as a share of the time waited, from when something may be ready at any moment."""
FAR = 0.8
"""The same before that, and while AWS refuses a call until something else is gone."""
NEAR = 0.8
"""Share of the usual time after which it may be ready at any moment."""
SPARED = 0.25
"""Share of its spare time that a look may be late."""
SHARED = 0.3
"""A look of somebody else will do if it began within this share of the last pause."""
TELLING = 10.0
"""Usual time (seconds) from which on a wait tells how fast AWS is now; shorter ones are mostly our own calls."""


@dataclass
class Tick:
    """Moment for a look, after `waited` seconds. One that began `age` seconds ago will do, if nothing was sent since.

    Set `blocked` if a call was refused until something else is gone: there is nothing to see meanwhile. Set `begun` if
    AWS has just begun to work on it.
    """

    waited: float = 0.0
    age: float = 0.0
    blocked: bool = False
    begun: bool = False


class Pace:
    """Pauses of all waits of one run. `needs`: what each waits for; `usual`: how long it takes by itself."""

    def __init__(self, polling: Polling, needs: Mapping[Any, Collection[Any]], usual: Mapping[Any, float]) -> None:
        self._polling, self._usual = polling, usual
        self._spare = spare_times(needs, usual)
        self._unready: dict[Hashable, float] = {}
        self._share = 0.0
        self._guard = threading.Lock()

    def ticks(self, one: Hashable, stop: Cancellation, deadline: float) -> Iterator[Tick]:
        """Yield at once and after each pause, until `deadline` seconds have passed."""
        start = begun = time.monotonic()
        tick = Tick()
        while True:
            yield tick
            now = time.monotonic()
            if tick.begun:
                begun = now
            self._unready[one] = now - begun
            if now - start >= deadline:
                return
            pause = self.pause(one, now - begun, tick.blocked)
            stop.sleep(pause)
            tick = Tick(time.monotonic() - start, SHARED * pause)

    def ready(self, one: Hashable) -> None:
        """Note the end of a wait: from what is known to take long, all others learn how fast AWS is now."""
        usual = self._usual.get(one, 0.0)
        with self._guard:
            unready = self._unready.pop(one, 0.0)
            if usual >= TELLING and unready:
                self._share = max(self._share, unready / usual)

    def pause(self, one: Hashable, waited: float, blocked: bool = False) -> float:
        """Seconds until the next look."""
        usual = self._usual.get(one, 0.0)
        near = NEAR * self._speed * usual
        growth = CLOSE if waited >= near and not blocked else FAR
        if not blocked:  # what is quick by itself has no share in the time that it waits for others
            growth = max(growth, min(SPARED * self._spare.get(one, 0.0) / max(usual, 1.0), 1.0))
        pause = self._polling.within(growth * waited)
        return min(pause, max(near - waited, self._polling.floor)) if waited < near else pause

    @property
    def _speed(self) -> float:
        """Share of the usual time that AWS takes now, by the slowest wait so far; 1 at most, and at first."""
        with self._guard:
            return min(self._share, 1.0) or 1.0


def spare_times(needs: Mapping[Any, Collection[Any]], usual: Mapping[Any, float]) -> dict[Any, float]:
    """Seconds by which each could take longer without making the whole longer."""
    order = list(graphlib.TopologicalSorter(needs).static_order())
    users: dict[Any, list[Any]] = {}
    ends: dict[Any, float] = {}
    for one in order:
        for need in needs.get(one, ()):
            users.setdefault(need, []).append(one)
        ends[one] = usual.get(one, 0.0) + max((ends[need] for need in needs.get(one, ())), default=0.0)
    whole = max(ends.values(), default=0.0)
    after: dict[Any, float] = {}
    for one in reversed(order):
        after[one] = max((after[user] + usual.get(user, 0.0) for user in users.get(one, ())), default=0.0)
    return {one: whole - ends[one] - after[one] for one in order}
