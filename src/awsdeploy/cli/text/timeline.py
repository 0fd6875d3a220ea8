"""Timelines as text and JSON: the critical path, and a bar for each resource beside its time in the run before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from awsdeploy.cli.session import styled
from awsdeploy.progress.steps import KEY_WIDTH, spell
from awsdeploy.timeline.critical_path import UNFINISHED, Bar, bars, critical_path, share, times
from awsdeploy.timeline.history import NEVER_ENDED, History, RecordedRun

DURATION = 11  # characters: `10 min 28 s`
NARROW = 30  # characters of a name on a terminal of 80 columns
LEGS = 6  # of the critical path are shown without `--full`, the longest
OTHERS = 6  # resources beside it are shown without `--full`, the longest
EARLIER = 5  # runs that the last line names
ENDS = {
    "done": "done in",
    "failed": "failed after",
    "stopped": "stopped after",
    NEVER_ENDED: "killed, last event after",
}


def title(run: RecordedRun) -> str:
    """`run 3, up, 2026-11-28 02:53, done in 15 min 13 s`."""
    return f"run {run.number}, {run.command}, {run.began:%Y-%m-%d %H:%M}, {_ended(run)}"


def _ended(run: RecordedRun) -> str:
    return f"{ENDS[run.outcome]} {spell(run.seconds)}"


def lines(stack: str, history: History, run: RecordedRun, full: bool, width: int) -> Iterator[str]:
    """The timeline of a run in `width` columns. Without `full` only the resources that took long are named."""
    before = history.before(run)
    yield f"{stack}: {title(run)}"
    if before:
        yield f"Beside it: {title(before)}"
    yield ""
    yield from _path(run, full)
    yield ""
    yield from _Chart(run, before, full, width).lines()
    if earlier := [one for one in history.runs if one.number != run.number]:
        said = ", ".join(f"{one.number} {one.command} ({_ended(one)})" for one in reversed(earlier[-EARLIER:]))
        yield f"Other runs, with --run N: {said}"


def _path(run: RecordedRun, full: bool) -> Iterator[str]:
    """The critical path: its longest leg in a sentence, then the legs, the short ones together."""
    legs = critical_path(run)
    longest = max(legs, key=lambda leg: leg.seconds)
    yield f"Critical path: {longest.name} {spell(longest.seconds)}, {share(longest.seconds, run)} of the run"
    shown = legs if full else sorted(legs, key=lambda leg: -leg.seconds)[:LEGS]
    rest = [leg for leg in legs if leg not in shown]
    for leg in legs:
        if leg in shown:
            yield _leg(leg.name, leg.seconds, run)
    if rest:
        yield _leg(f"{len(rest)} shorter ones", sum(leg.seconds for leg in rest), run)


def _leg(name: str, seconds: float, run: RecordedRun) -> str:
    return f"  {spell(seconds):>{DURATION}}  {share(seconds, run):>5}  {name}"


@dataclass
class _Chart:
    """The bars of a run, step by step, in columns: name, bar, time, time in the run before."""

    run: RecordedRun
    before: RecordedRun | None
    full: bool
    width: int

    def lines(self) -> Iterator[str]:
        self.on_path = {leg.bar for leg in critical_path(self.run)}
        self.earlier = times(self.before) if self.before else {}
        every = [bar for bar in bars(self.run) if bar.spans]
        self.named = set(every) if self.full else self._that_matter(every)
        self.names = min(KEY_WIDTH, NARROW if self.width < 100 else self.width) + 2
        self.room = max(10, self.width - self.names - DURATION - 2 - (DURATION + 3 if self.before else 0))
        yield self._columns("", self._axis(), "", "before" if self.before else "")
        for step in dict.fromkeys(bar.row.step for bar in every):
            yield from self._step(step, [bar for bar in every if bar.row.step == step])
        yield ""
        yield "◆ █ on the critical path   ▒ other   ✗ failed or not finished"

    def _axis(self) -> str:
        end = spell(self.run.seconds)
        return f"0{end:>{self.room - 1}}" if len(end) < self.room else ""

    def _step(self, title: str, some: Sequence[Bar]) -> Iterator[str]:
        named = [bar for bar in some if bar in self.named]
        bold = styled("bold")
        begin, end = min(bar.begin for bar in some), max(bar.end for bar in some)
        rest = f" ({len(some)})" if len(some) > len(named) else ""
        yield bold(self._columns(title + rest, self._drawn(begin, end, "─"), spell(end - begin), ""))
        yield from (self._bar(bar) for bar in named)

    def _that_matter(self, every: Sequence[Bar]) -> set[Bar]:
        """Failed bars, the long legs of the critical path, and the longest of the others."""
        legs = sorted(critical_path(self.run), key=lambda leg: -leg.seconds)[:LEGS]
        named = {leg.bar for leg in legs if leg.bar is not None and leg.bar.spans}
        named |= {bar for bar in every if bar.result in ("failed", UNFINISHED)}
        others = sorted((bar for bar in every if bar not in named), key=lambda bar: -bar.seconds)
        return named | set(others[:OTHERS])

    def _bar(self, bar: Bar) -> str:
        failed, critical = bar.result in ("failed", UNFINISHED), bar in self.on_path
        mark = "✗" if failed else "◆" if critical else " "
        style = styled("red") if failed else styled("yellow") if critical else str
        known = self.earlier.get(bar.name)
        earlier = "" if known is None else f"({spell(known)})"
        drawn = self._drawn(bar.begin, bar.end, "█" if critical else "▒")
        return style(self._columns(f"{mark} {bar.name}", drawn, spell(bar.seconds), earlier))

    def _drawn(self, begin: float, end: float, sign: str) -> str:
        scale = self.room / self.run.seconds if self.run.seconds else 0.0
        first = min(self.room - 1, math.floor(begin * scale))
        last = min(self.room, max(first + 1, round(end * scale)))
        return f"{' ' * first}{sign * (last - first)}".ljust(self.room)

    def _columns(self, name: str, drawn: str, time: str, earlier: str) -> str:
        if len(name) > self.names:
            name = f"{name[:2]}…{name[3 - self.names :]}"
        said = f"{name:<{self.names}} {drawn:<{self.room}} {time:>{DURATION}}"
        return f"{said} {earlier:>{DURATION + 2}}".rstrip() if self.before else said.rstrip()


def document(history: History, run: RecordedRun) -> dict[str, Any]:
    """The timeline as JSON."""
    path = critical_path(run)
    before = history.before(run)
    return {
        "run": described(run),
        "before": described(before) if before else None,
        "critical_path": [_placed(leg) for leg in path],
        "bars": [
            {
                **_placed(bar),
                "kind": bar.row.what,
                "step": bar.row.step,
                "result": bar.result,
                "statuses": [_placed(span) for span in bar.spans],
            }
            for bar in bars(run)
            if bar.spans
        ],
        "seconds_before": {name: round(took, 1) for name, took in (times(before) if before else {}).items()},
        "runs": [described(one) for one in history.runs],
    }


def _placed(one: Any) -> dict[str, Any]:
    """Name, begin and end of a bar, leg or span: seconds from the run's begin."""
    return {"name": one.name, "begin": round(one.begin, 1), "end": round(one.end, 1)}


def described(run: RecordedRun) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "number": run.number,
        "command": run.command,
        "began": run.began.isoformat(),
        "outcome": run.outcome,
        "seconds": round(run.seconds, 1),
        "took": spell(run.seconds),
    }
