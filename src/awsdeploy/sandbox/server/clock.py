"""Clock of the sandbox: AWS seconds, which pass `speed` times as fast as real ones, and the scheduled events."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable


class SandboxClock:
    """Continuous when the speed changes; `advance` moves it by hand. Seconds since the epoch."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._real = time.monotonic()
        self._simulated = time.time()

    @property
    def speed(self) -> float:
        return self._speed

    def read(self) -> float:
        return self._simulated + (time.monotonic() - self._real) * self._speed

    def change_speed(self, speed: float) -> None:
        self._simulated, self._real, self._speed = self.read(), time.monotonic(), speed

    def advance(self, seconds: float) -> None:
        self._simulated += seconds


class Agenda:
    """Scheduled events, in order of time.

    Between calls time does not pass for the world: `now` is the moment of the call, or of the event
    that is being carried out, so that a chain of events is exact however late anyone looks.
    """

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self.now = clock.read()

    def after(self, seconds: float, event: Callable[[], object]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), event))

    def catch_up(self) -> None:
        target = self._clock.read()
        while self._due and self._due[0][0] <= target:
            self.now, _, event = heapq.heappop(self._due)
            event()
        self.now = target
