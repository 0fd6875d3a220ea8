"""History of a stack's runs: what `recorder` has written, read again. A damaged line costs its run or itself, no more.

A run begins with an object (its number, command, time and rows), has one list for each change of a resource
(`[run, seconds, key, phase, status]`), and ends with an object. The seconds are of AWS's clock, from the run's begin.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from awsdeploy.state import files

VERSION = 1
KEPT_RUNS = 10
OUTCOMES = ("done", "failed", "stopped")
NEVER_ENDED = "never ended"
"""Outcome of a run whose process was killed: its record stops in the middle."""


@dataclass(frozen=True)
class RunRow:
    """A resource that a run brings about or, with `deletes`, deletes. `needs`: the keys of rows it waits for."""

    key: str
    what: str
    step: str
    needs: tuple[str, ...] = ()
    deletes: bool = False

    @classmethod
    def read(cls, document: dict[str, Any]) -> RunRow:
        """A row as `asdict` wrote it. Raises `TypeError`, `KeyError`."""
        key, what, step, needs = (document[name] for name in ("key", "what", "step", "needs"))
        if not all(isinstance(word, str) for word in (key, what, step, *needs)):
            raise TypeError("not a string")
        return cls(key, what, step, tuple(needs), document["deletes"] is True)


@dataclass(frozen=True)
class Moment:
    """A change of one resource, `at` seconds after the run's begin: see `ResourceEvent`."""

    at: float
    key: str
    phase: str
    status: str = ""


@dataclass
class RecordedRun:
    """One run. `began` is by AWS's clock, `seconds` is how long it took; `lines` is its text in the file."""

    number: int
    command: str
    began: datetime
    rows: tuple[RunRow, ...]
    moments: list[Moment] = field(default_factory=list)
    seconds: float = 0.0
    outcome: str = NEVER_ENDED
    lines: list[str] = field(default_factory=list)


@dataclass
class History:
    """The runs, oldest first. `damaged`: the number of lines that cannot be read. `whole`: more can be appended."""

    runs: list[RecordedRun] = field(default_factory=list)
    damaged: int = 0
    whole: bool = True

    @property
    def next_number(self) -> int:
        return 1 + max((run.number for run in self.runs), default=0)

    def before(self, run: RecordedRun) -> RecordedRun | None:
        """The last run of the same command before this one that came to its end."""
        earlier = (one for one in reversed(self.runs) if one.number < run.number and one.command == run.command)
        return next((one for one in earlier if one.outcome == "done"), None)


def path_of(state: Path) -> Path:
    """The file of the runs of the stack with this state file."""
    return state.with_suffix(".runs.jsonl")


def read(path: Path) -> History:
    """The history in a file; an empty one if there is none. Raises `Refused` for a link, `OSError`."""
    try:
        with open(path, encoding="utf-8", errors="replace", opener=files.unlinked) as file:
            text = file.read()
    except FileNotFoundError:
        return History()
    found = History(whole=text.endswith("\n") or not text)
    lines = text.split("\n")
    torn = lines.pop()  # a process that is killed leaves half a line at most
    for line in lines:
        try:
            _take(found, line)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError):
            found.damaged += 1
    found.whole = not torn and not found.damaged
    return found


def beginning(run: RecordedRun) -> str:
    """First line of a run."""
    rows = [asdict(row) for row in run.rows]
    head = {"run": run.number, "version": VERSION, "command": run.command, "began": run.began.isoformat(), "rows": rows}
    return json.dumps(head)


def passing(run: RecordedRun, moment: Moment) -> str:
    """Line of a moment."""
    return json.dumps([run.number, moment.at, moment.key, moment.phase, moment.status])


def ending(run: RecordedRun) -> str:
    """Last line of a run."""
    return json.dumps({"run": run.number, "ended": run.seconds, "outcome": run.outcome})


def text_of(runs: Iterable[RecordedRun]) -> str:
    """The file with these runs."""
    return "".join(f"{line}\n" for run in runs for line in run.lines)


def _take(history: History, line: str) -> None:
    document = json.loads(line)
    if isinstance(document, dict) and "rows" in document:
        history.runs.append(_begun(document))
        history.runs[-1].lines.append(line)
        return
    run = history.runs[-1]
    if run.outcome != NEVER_ENDED:
        raise ValueError("the run has ended")
    if isinstance(document, dict):
        number, seconds, outcome = document["run"], _seconds(document["ended"]), document["outcome"]
        if number != run.number or outcome not in OUTCOMES:
            raise ValueError("no such end")
        run.seconds, run.outcome = seconds, outcome
    else:
        number, at, *words = document
        if number != run.number or not all(isinstance(word, str) for word in words):
            raise ValueError("no such moment")
        moment = Moment(_seconds(at), *words)
        run.moments.append(moment)
        run.seconds = max(run.seconds, moment.at)
    run.lines.append(line)


def _begun(document: dict[str, Any]) -> RecordedRun:
    number, command = document["run"], document["command"]
    if document["version"] != VERSION or not isinstance(number, int):
        raise ValueError("no such run")
    if not isinstance(command, str):
        raise TypeError("not a string")
    return RecordedRun(
        number, command, datetime.fromisoformat(document["began"]), tuple(RunRow.read(row) for row in document["rows"])
    )


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError("no time")
    return seconds
