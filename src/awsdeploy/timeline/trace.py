"""A recorded run in Chrome's trace format, for ui.perfetto.dev, speedscope or chrome://tracing.

Format: "Trace Event Format" of the Chromium project, JSON object form; times are microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from awsdeploy.timeline.critical_path import bars, critical_path
from awsdeploy.timeline.history import RecordedRun

MICRO = 1_000_000
PATH = "Critical path"
FIRST = 1
"""Process and thread of the critical path. 0 is the idle process to viewers."""


def trace(run: RecordedRun, stack: str) -> dict[str, Any]:
    """The trace as JSON: a process for each documented step, a thread for each resource, the critical path first."""
    facts = {
        "stack": stack,
        "run": run.number,
        "command": run.command,
        "began": run.began.isoformat(),
        "outcome": run.outcome,
    }
    return {"traceEvents": list(_events(run)), "displayTimeUnit": "ms", "otherData": facts}


def _events(run: RecordedRun) -> Iterator[dict[str, Any]]:
    path = critical_path(run)
    on_path = {leg.bar for leg in path}
    yield from _named("process", FIRST, 0, PATH)
    for leg in path:
        yield _complete(leg.name, PATH, leg.begin, leg.end, FIRST, FIRST)
    processes: dict[str, int] = {}
    threads = count(FIRST + 1)
    seen: dict[str, int] = {}
    for bar in bars(run):
        if not bar.spans:
            continue
        if bar.row.step not in processes:
            processes[bar.row.step] = FIRST + 1 + len(processes)
            yield from _named("process", processes[bar.row.step], 0, bar.row.step)
        process = processes[bar.row.step]
        if bar.name not in seen:
            seen[bar.name] = next(threads)
            yield from _named("thread", process, seen[bar.name], bar.name)
        thread = seen[bar.name]
        more = {"kind": bar.row.what, "result": bar.result, "critical path": bar in on_path}
        yield _complete(bar.name, bar.row.step, bar.begin, bar.end, process, thread, more)
        for span in bar.spans:
            yield _complete(span.name, "status", span.begin, span.end, process, thread)


def _named(what: str, process: int, thread: int, name: str) -> Iterator[dict[str, Any]]:
    """Metadata: the name of a process or thread, and its place in the order."""
    base = {"ph": "M", "pid": process, "tid": thread}
    yield {**base, "name": f"{what}_name", "args": {"name": name}}
    yield {**base, "name": f"{what}_sort_index", "args": {"sort_index": thread or process}}


def _complete(
    name: str, category: str, begin: float, end: float, process: int, thread: int, more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A complete event: something that has a begin and a duration."""
    start = round(begin * MICRO)
    found = {"name": name, "cat": category, "ph": "X", "ts": start, "dur": round(end * MICRO) - start}
    return {**found, "pid": process, "tid": thread, "args": more or {}}
