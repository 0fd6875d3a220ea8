"""A recording: the summary of a rehearsal's rows, as one sorted JSON document that can be attached to a report.

Times are seconds on the computer that recorded. `clock` says how many AWS seconds passed in one of them: 1 on real AWS.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from awsdeploy import __version__
from awsdeploy.errors import UsageError, next_command
from awsdeploy.rehearsal import shape

FORMAT = "awsdeploy rehearsal"
VERSION = 1
GONE = "gone"
DEFAULT = "available"
"""Status of resources of a kind that has no status in AWS."""


@dataclass(frozen=True)
class Header:
    """Conditions of a recording: `endpoint` is "aws" or "other", `clock` AWS seconds per second, `day` ISO 8601."""

    endpoint: str
    region: str
    clock: float
    domain: bool
    day: str


@dataclass(frozen=True)
class RecordedCommand:
    """One command of a rehearsal: `exit` is negative for a signal; it was killed after the operation `killed_after`."""

    name: str
    exit: int
    seconds: float
    killed_after: str = ""
    rows: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


def document(header: Header, commands: Iterable[RecordedCommand]) -> dict[str, Any]:
    """Return the recording of these commands, in their order."""
    commands = list(commands)
    rows = sorted((row for command in commands for row in command.rows), key=lambda row: float(row["at"]))
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_with": {"awsdeploy": __version__, "botocore": version("botocore")},
        "endpoint": header.endpoint,
        "region": header.region,
        "clock": header.clock,
        "domain": header.domain,
        "day": header.day,
        "acts": [
            {
                "act": command.name,
                "exit": command.exit,
                "seconds": round(command.seconds, 1),
                "calls": sum("call" in row for row in command.rows),
                **({"killed_after": command.killed_after} if command.killed_after else {}),
            }
            for command in commands
        ],
        "calls": _calls(row for row in rows if "call" in row),
        "statuses": _statuses(row for row in rows if "kind" in row),
    }


def text(recorded: Mapping[str, Any]) -> str:
    """Return the content of the recording's file."""
    return json.dumps(recorded, indent=1, sort_keys=True) + "\n"


def read(path: Path) -> dict[str, Any]:
    """Read a recording from a file. Raises `UsageError` if the file is not a recording."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not JSON"
        raise UsageError(f"{path} cannot be read: {reason}.", _how_to_record()) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{path} is not a recording.", _how_to_record())
    if found.get("version") != VERSION:
        raise UsageError(
            f"{path} is a recording of version {found.get('version')!r}; this awsdeploy reads version {VERSION}.",
            "Compare it with the awsdeploy that recorded it, or record it again.",
        )
    return found


def _how_to_record() -> str:
    return f"To record one without an account: {next_command('rehearsal', 'run', '--sandbox')}"


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, without an incomplete last line of a killed process."""
    if path.exists():
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)


def _calls(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_name[row["call"]].append(row)
    return {
        name: {
            "count": len(several),
            "errors": dict(Counter(row["outcome"] for row in several if row["outcome"] != "ok")),
            "seconds": {
                "median": round(median(row["seconds"] for row in several), 3),
                "most": round(max(row["seconds"] for row in several), 3),
            },
            "answer": shape.merged(row["shape"] for row in several if "shape" in row),
        }
        for name, several in by_name.items()
    }


@dataclass
class _LastSeen:
    """An object as last seen. Epoch seconds: `first` of its first row, `since` of its first row with this status."""

    status: str
    first: float
    since: float


@dataclass
class _StatusSummary:
    """One status of a kind over all its objects: seconds from creation to it, seconds in it, and the next statuses."""

    objects: int = 0
    after: list[float] = field(default_factory=list)
    lasted: list[float] = field(default_factory=list)
    then: set[str] = field(default_factory=set)


def _statuses(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Statuses of each kind: when, for how long, and what came next; kinds without statuses are left out."""
    found: dict[str, dict[str, _StatusSummary]] = defaultdict(lambda: defaultdict(_StatusSummary))
    existing: dict[tuple[str, str], dict[str, _LastSeen]] = defaultdict(dict)
    ready: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        kind, at, there = row["kind"], float(row["at"]), existing[row["kind"], row["region"]]
        ready[kind] |= set(row["ready"])
        gone = {id: GONE for id in there if row["whole"] and id not in row["states"]}
        for id, status in {**gone, **row["states"]}.items():
            before = there.get(id)
            if before is not None and before.status == status:
                continue
            if before is not None:
                seen = found[kind][before.status]
                seen.lasted.append(at - before.since)
                seen.then.add(status)
            if status == GONE:
                del there[id]
                continue
            there[id] = _LastSeen(status, at if before is None else before.first, at)
            found[kind][status].objects += 1
            found[kind][status].after.append(at - there[id].first)
    return {
        kind: {status: _as_json(seen, status in ready[kind]) for status, seen in by_status.items()}
        for kind, by_status in found.items()
        if set(by_status) != {DEFAULT}
    }


def _as_json(seen: _StatusSummary, settled: bool) -> dict[str, Any]:
    """Return the summary as JSON data. A settled status has no duration: it ends with the next command."""
    lasted = {} if settled or not seen.lasted else {"lasted": round(median(seen.lasted), 2)}
    return {"objects": seen.objects, "after": round(median(seen.after), 2), **lasted, "then": sorted(seen.then)}
