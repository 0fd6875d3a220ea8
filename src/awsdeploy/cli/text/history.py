"""Runs and stacks as text and JSON, for `history` and `list`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from awsdeploy.cli.session import table
from awsdeploy.progress.steps import spell

if TYPE_CHECKING:
    from awsdeploy.operations.history import HistoryEntry, ListedStack
    from awsdeploy.state.run_record import RunSummary

WORDS = ("created", "changed", "deleted", "released")


def runs(found: Sequence[HistoryEntry], zone: tzinfo) -> Iterator[str]:
    """A line for each run, newest first."""
    rows = [("RUN", "ENDED", "BY", "COMMAND", "RESULT", "TOOK", "CHANGES")]
    for one in found:
        run = one.summary
        took = spell(run.seconds)
        rows.append((str(run.number), moment(one.ended, zone), by(one), run.command, run.outcome, took, counted(run)))
        if run.interrupted:
            rows.append(("", "", "", f"before this run, one never ended: {run.interrupted}", "", "", ""))
    yield from columns(rows)


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with aligned columns. One with a single text that is too long for its column is not aligned."""
    whole = [row for row in rows if row[0]]
    widths = [max(len(row[number]) for row in whole) for number in range(len(rows[0]))]
    for row in rows:
        if row[0]:
            yield ("  " + "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True))).rstrip()
        else:
            yield f"       {''.join(row)}"


def run_in_full(one: HistoryEntry, zone: tzinfo) -> Iterator[str]:
    """Everything that is recorded of a run."""
    run = one.summary
    facts = {
        "ended": f"{moment(one.ended, zone)}, after {spell(run.seconds)}",
        "by": f"{by(one)}, on {run.where}" if run.where else by(one),
        "AWS identity": one.identity,
        "command": f"{run.command}, with awsdeploy {run.version}",
        "result": run.outcome,
        "changes": counted(run),
        "run before": f"never ended: {run.interrupted}" if run.interrupted else "",
    }
    yield f"Run {run.number}"
    yield from table({name: value for name, value in facts.items() if value})
    for word in WORDS:
        keys = getattr(run, word)
        if keys:
            yield ""
            yield word.capitalize()
            yield from (f"  {key}" for key in keys)
            if (more := run.counts.get(word, 0) - len(keys)) > 0:
                yield f"  … and {more} more: the record has no room for all"


def run_document(one: HistoryEntry) -> dict[str, Any]:
    run = one.summary
    return {
        "run": run.number,
        "command": run.command,
        "outcome": run.outcome,
        "ended": one.ended.isoformat(),
        "seconds": run.seconds,
        "who": run.who,
        "where": run.where,
        "identity": one.identity,
        "awsdeploy": run.version,
        "counts": dict(run.counts),
        **{word: list(getattr(run, word)) for word in WORDS},
        "interrupted": run.interrupted,
    }


def stacks(found: Sequence[ListedStack], zone: tzinfo) -> Iterator[str]:
    """A line for each stack."""
    rows = [("STACK", "HEALTH", "COST A MONTH", "LAST RUN")]
    for one in found:
        cost = "unknown" if one.monthly is None else f"${one.monthly:.2f}"
        run = one.run
        last = f"{run.command} {run.outcome}, {moment(one.ended, zone)} by {run.who}" if run else "not recorded"
        rows.append((str(one.stack), one.health, cost, last))
    yield from columns(rows)


def stack_document(one: ListedStack) -> dict[str, Any]:
    run = one.run
    last = (
        {"command": run.command, "outcome": run.outcome, "ended": one.ended.isoformat(), "who": run.who}
        if run
        else None
    )
    return {
        "stack": str(one.stack),
        "name": one.stack.name,
        "environment": one.stack.environment,
        "health": one.health,
        "alarms": None if one.ringing is None else list(one.ringing),
        "working": one.working,
        "monthly": one.monthly,
        "since": one.since,
        "last_run": last,
    }


def by(one: HistoryEntry) -> str:
    """The person, as the computer or AWS calls them."""
    return one.summary.who or one.identity


def counted(run: RunSummary) -> str:
    """Numbers of what a run did; of a release its name."""
    if run.released:
        return ", ".join(run.released)
    return ", ".join(f"{run.counts[word]} {word}" for word in WORDS if run.counts.get(word)) or "nothing"


def moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M%z}"
