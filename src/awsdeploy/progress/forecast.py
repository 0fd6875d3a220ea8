"""Forecast of how long a run takes: the longest chain of waits that is left. Arithmetic on seconds of AWS time."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Container, Mapping

LATE = 0.1  # of what took longer than usual, this much of the usual time is still expected


class Forecast:
    """`needs`: what each key waits for; `usual`: how long it takes by itself (seconds)."""

    def __init__(self, needs: Mapping[str, Collection[str]], usual: Mapping[str, float]) -> None:
        self._usual = usual
        self._needs = needs
        self._order = list(graphlib.TopologicalSorter(needs).static_order())

    @property
    def longest(self) -> float:
        """Seconds that the whole takes when nothing waits without need."""
        return self.left((), {})

    def left(self, done: Container[str], running: Mapping[str, float]) -> float:
        """Seconds until the end. `running`: how long each key at work has been (seconds)."""
        ends: dict[str, float] = {}
        for key in self._order:
            begins = max((ends[need] for need in self._needs.get(key, ())), default=0.0)
            ends[key] = begins if key in done else begins + self._rest(key, running.get(key))
        return max(ends.values(), default=0.0)

    def _rest(self, key: str, elapsed: float | None) -> float:
        usual = self._usual.get(key, 0.0)
        return usual if elapsed is None else max(usual - elapsed, LATE * usual)
