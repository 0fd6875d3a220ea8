"""Progress of a run: the state of each resource, by step, updated by events. Draws nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.progress.forecast import Forecast

KEY_WIDTH = 36
"""Width of the column of keys, in characters: `monitoring/alarms/backend-unhealthy` and a space."""

FINAL = {"ready": "ready", "gone": "gone", "kept": "kept", "failed": "FAILED", "skipped": "skipped"}
"""The final phases of a resource, and the words that are shown for them."""


@dataclass(frozen=True)
class BoardRow:
    """One line of the board. `usual`: how long it usually takes (seconds of AWS time)."""

    key: str
    what: str
    usual: float = 0.0


@dataclass(frozen=True)
class DisplayClock:
    """Clock for displayed times. In a sandbox AWS time is `speed` times as fast as the time of this computer."""

    speed: float = 1.0
    ours: float = 0.0
    theirs: float = 0.0
    zone: tzinfo = UTC

    @classmethod
    def given(cls, zone: tzinfo = UTC) -> DisplayClock:
        """Clock from `AWSDEPLOY_CLOCK` (speed, our time, their time; epoch seconds); an invalid value is ignored."""
        try:
            speed, ours, theirs = (float(part) for part in os.environ["AWSDEPLOY_CLOCK"].split(":"))
            return cls(speed, ours, theirs, zone) if speed > 0 else cls(zone=zone)
        except (KeyError, ValueError):
            return cls(zone=zone)

    def of(self, seconds: float) -> float:
        """Convert seconds of this computer to seconds of AWS time."""
        return seconds * self.speed

    def now(self) -> datetime:
        shown = self.theirs + (time.time() - self.ours) * self.speed
        return datetime.fromtimestamp(shown, UTC).astimezone(self.zone)


def spell(seconds: float) -> str:
    """A duration in words: 45 s, 4 min 10 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


@dataclass
class Work:
    """State of one row. `begun` and `ended` are monotonic seconds."""

    row: BoardRow
    step: str
    phase: str = ""
    status: str = ""
    detail: str = ""
    begun: float | None = None
    ended: float | None = None

    @property
    def done(self) -> bool:
        return self.phase in FINAL

    @property
    def running(self) -> bool:
        return self.begun is not None and not self.done


class Progress:
    """State of every row, updated by events."""

    def __init__(
        self, steps: Sequence[tuple[str, Sequence[BoardRow]]], clock: DisplayClock, forecast: Forecast | None = None
    ) -> None:
        self.clock, self.forecast = clock, forecast
        self.begun = time.monotonic()
        self.titles = [title for title, _ in steps]
        self.works = {row.key: Work(row, title) for title, rows in steps for row in rows}

    def take(self, event: ResourceEvent) -> Work:
        work = self.works.get(event.key)
        if work is None:  # found during the run, so it is not in `steps`
            work = self.works[event.key] = Work(BoardRow(event.key, ""), "Other")
            if "Other" not in self.titles:
                self.titles.append("Other")
        work.phase, work.status, work.detail = event.phase, event.status, event.detail
        if event.phase in FINAL:
            work.ended = event.at
        elif work.begun is None or work.ended is not None:
            work.begun, work.ended = event.at, None
        return work

    def elapsed_of(self, work: Work) -> float:
        """Seconds of AWS time for which this resource has been running, or was."""
        if work.begun is None:
            return 0.0
        return self.clock.of((work.ended or time.monotonic()) - work.begun)

    @property
    def running(self) -> list[Work]:
        return [work for work in list(self.works.values()) if work.running]

    @property
    def elapsed(self) -> float:
        """Seconds of AWS time since the run started."""
        return self.clock.of(time.monotonic() - self.begun)

    @property
    def left(self) -> float | None:
        """Estimated seconds of AWS time until the end; None without a forecast."""
        if self.forecast is None:
            return None
        works = list(self.works.items())
        done = {key for key, work in works if work.done}
        return self.forecast.left(done, {key: self.elapsed_of(work) for key, work in works if work.running})

    @property
    def footer(self) -> str:
        said = f"{spell(self.elapsed)} so far"
        if self.left:
            said += f", about {spell(self.left)} left"
        return said
