"""Stopping politely: one flag that every wait of a run listens to.

The first Ctrl-C (or SIGTERM) raises the flag: nothing new starts, sleeping waits end at once, calls
in flight finish and are recorded. The second leaves immediately, which is safe because every
intention is on disk before AWS hears of it. Knows nothing of AWS or of what is being waited for.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from awsdeploy.errors import Interrupted, Terminated

SAFE = "Stopped immediately. This is safe: run the same command again and it continues from here."


class Cancellation:
    """Raised by a signal, or by a failure that ends the whole run (`abort`)."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._error: Exception | None = None

    @property
    def stopped(self) -> bool:
        return self._event.is_set()

    def abort(self, error: Exception) -> None:
        """End the run: every wait raises `error` from now on. The first error wins."""
        if self._error is None:
            self._error = error
        self._event.set()

    def check(self) -> None:
        """Raise what stopped the run, if anything did."""
        if self._event.is_set() and self._error is not None:
            raise self._error

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`, or raise as soon as the run is stopped."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turn the first Ctrl-C or SIGTERM into a stop and the second into leaving at once.

        Only the main thread may handle signals; elsewhere (a test's thread) this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _frame: FrameType | None) -> None:
            if self.stopped:
                sys.stderr.write(f"\n{SAFE}\n")
                sys.stderr.flush()
                os._exit(143 if number == signal.SIGTERM else 130)
            kind = Terminated if number == signal.SIGTERM else Interrupted
            self.abort(
                kind(
                    "Stopped on request.",
                    "Everything that exists is recorded. Run the same command again: it continues from here.",
                )
            )

        with handled(handle):
            yield


@contextmanager
def handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM by `handle`, then as before. Only in the main thread."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


PATIENCE = 0.7
"""Pause after a refusal that passes, as a share of the time it has lasted: most pass within ten seconds."""


class Polling:
    """Interval until the next read: about 5 % of the time already waited, within a floor and a ceiling.

    The overshoot is then bounded by those 5 % on any clock, real or accelerated. All in seconds.
    """

    def __init__(self, floor: float = 0.5, ceiling: float = 30.0) -> None:
        self.floor = floor
        self.ceiling = ceiling

    def within(self, seconds: float) -> float:
        """A pause of so many seconds, or the shortest or longest there is."""
        return min(max(seconds, self.floor), self.ceiling)

    def refused(self, lasted: float) -> float:
        """Pause before what AWS has refused for `lasted` seconds is sent again."""
        return self.within(PATIENCE * lasted)

    def after(self, waited: float) -> float:
        return self.within(0.05 * waited)

    def ticks(self, stop: Cancellation, deadline: float) -> Iterator[float]:
        """Yield the seconds waited so far: 0 at once, then after each pause, until `deadline` seconds have passed."""
        start, waited = time.monotonic(), 0.0
        while True:
            yield waited
            if waited >= deadline:
                return
            stop.sleep(self.after(time.monotonic() - start))
            waited = time.monotonic() - start
