"""Bars of a recorded run, and its critical path: the chain of waits that made the run as long as it was. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from awsdeploy.progress.steps import FINAL
from awsdeploy.timeline.history import Moment, RecordedRun, RunRow

UNFINISHED = "unfinished"
"""Result of a bar whose resource was at work when the run was stopped or killed."""
OTHER = "Other"
START, END, NO_RESOURCE = "start of the run", "end of the run", "no resource"
"""Names of legs: before the first resource, after the last one, and of a run without any."""
ROUNDING = 0.002
"""Seconds by which two moments of the file may differ although they are one."""


@dataclass(frozen=True)
class Span:
    """A part of a bar in which AWS showed one status; `name` is the status, or the phase."""

    name: str
    begin: float
    end: float


@dataclass(frozen=True)
class Bar:
    """A resource at work, in seconds from the run's begin. `result` is ready, gone, kept, failed or `UNFINISHED`.

    One that was ready before the run has a bar without length and spans: it leads from its needs to its users.
    """

    name: str
    row: RunRow
    begin: float
    end: float
    result: str
    spans: tuple[Span, ...] = ()
    deletes: bool = False

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Leg:
    """A part of the critical path. A leg ends where the next begins; without a `bar` it is work between resources."""

    name: str
    begin: float
    end: float
    bar: Bar | None = None

    @property
    def seconds(self) -> float:
        return self.end - self.begin


def bars(run: RecordedRun) -> list[Bar]:
    """The bars in the documented order; of one resource in the order of time."""
    by_key: dict[str, list[Moment]] = defaultdict(list)
    for moment in sorted(run.moments, key=lambda one: one.at):
        by_key[moment.key].append(moment)
    rows = {(row.key, row.deletes): row for row in run.rows}
    found = [bar for key, moments in by_key.items() for bar in _of_key(key, moments, rows, run)]
    place = {row: number for number, row in enumerate(run.rows)}
    return sorted(found, key=lambda bar: (place.get(bar.row, len(place)), bar.begin))


def _of_key(
    key: str, moments: Sequence[Moment], rows: Mapping[tuple[str, bool], RunRow], run: RecordedRun
) -> Iterator[Bar]:
    begun: list[Moment] = []

    def bar(end: float, result: str) -> Bar:
        deletes = result == "gone" or any(one.phase == "deleting" for one in begun)
        row = rows.get((key, deletes)) or rows.get((key, not deletes)) or RunRow(key, "", OTHER)
        name = f"{key} (old)" if deletes and run.command == "up" else key
        return Bar(name, row, begun[0].at if begun else end, end, result, tuple(_spans(begun, end)), deletes)

    for moment in moments:
        if moment.phase in FINAL:
            if moment.phase != "skipped":
                yield bar(moment.at, moment.phase)
            begun = []
        else:
            begun.append(moment)
    if begun:
        yield bar(max(run.seconds, begun[-1].at), UNFINISHED)


def _spans(begun: Sequence[Moment], end: float) -> Iterator[Span]:
    """The statuses one after the other; the phase where AWS shows no status."""
    ends = [one.at for one in begun[1:]] + [end]
    named = [(one.status or one.phase, one.at, until) for one, until in zip(begun, ends, strict=False)]
    for name, same in itertools.groupby(named, key=lambda one: one[0]):
        parts = list(same)
        if parts[-1][2] > parts[0][1]:
            yield Span(name, parts[0][1], parts[-1][2])


def critical_path(run: RecordedRun) -> list[Leg]:
    """The legs from the begin of the run to its end: together they are exactly as long as the run.

    Backwards from what ended last: each resource began when the last of its needs had ended. So a leg lasts from the
    end of the leg before until the resource has ended.
    """
    left = bars(run)
    current = max(left, key=lambda bar: bar.end, default=None)
    if current is None:
        return [Leg(NO_RESOURCE, 0.0, run.seconds)]
    legs = [Leg(END, current.end, run.seconds)]
    while current is not None:
        left.remove(current)
        before = max(_waited_for(current, left), key=lambda bar: bar.end, default=None)
        legs.append(Leg(current.name, before.end if before else current.begin, current.end, current))
        current = before
    legs.append(Leg(START, 0.0, legs[-1].begin))
    return [leg for leg in reversed(legs) if leg.seconds > 0]


def share(seconds: float, run: RecordedRun) -> str:
    """A part of a run in per cent."""
    return f"{100 * seconds / run.seconds if run.seconds else 0:.0f} %"


def times(run: RecordedRun) -> dict[str, float]:
    """Seconds that each resource took."""
    found: dict[str, float] = defaultdict(float)
    for bar in bars(run):
        if bar.spans:
            found[bar.name] += bar.seconds
    return dict(found)


def _waited_for(bar: Bar, others: Sequence[Bar]) -> list[Bar]:
    """The bars that had to end before this one began. What a run replaces is deleted when all else is ready."""
    row = bar.row
    if row.deletes and not row.needs:
        found = [one for one in others if not one.row.deletes]
    else:
        needed = {(key, row.deletes) for key in row.needs} | {(row.key, True), (row.key, False)}
        found = [one for one in others if (one.row.key, one.row.deletes) in needed]
    return [one for one in found if one.end <= bar.begin + ROUNDING]
