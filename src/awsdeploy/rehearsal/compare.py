"""Comparison of two recordings: differences between the sandbox and AWS, the important ones first."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awsdeploy.rehearsal import shape
from awsdeploy.rehearsal.recording import GONE

FACTOR = 2.0
"""Factor from which a duration counts as different."""
STATUS_MIN_DIFFERENCE = 15.0
"""AWS seconds. Statuses are read at this interval, so a smaller difference means nothing."""
CALL_MIN_DIFFERENCE = 2.0
"""Smaller differences between two medians of a call are ignored. Seconds of real time."""


class Matter(enum.Enum):
    """Kinds of differences, the most important first. The value is the heading; `--json` contains the name."""

    ACT = "Commands with different exit codes"
    NOT_ANSWERED = "Operations that succeed only in FIRST"
    STATE = "Statuses missing in SECOND"
    TYPE = "Values of different types"
    ERROR = "Error codes missing in SECOND"
    MISSING = "Keys missing in SECOND"
    DURATION = f"Durations that differ by more than {FACTOR:g}×, in AWS seconds"
    ONLY = "Only in SECOND"


@dataclass(frozen=True)
class RecordingDifference:
    """One difference: where, and what it is."""

    matter: Matter
    where: str
    what: str


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[RecordingDifference]:
    """Every difference, by importance and then by name."""
    found = [
        *_commands(first["acts"], second["acts"]),
        *_calls(first["calls"], second["calls"]),
        *_statuses(first, second),
    ]
    order = list(Matter)
    return sorted(found, key=lambda one: (order.index(one.matter), one.where, one.what))


def _calls(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[RecordingDifference]:
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one is None:
            yield RecordingDifference(Matter.ONLY, name, "operation")
        elif other is None or (other["answer"] is None and one["answer"] is not None):
            said = "never called" if other is None else f"always {_listed(other['errors'])}"
            yield RecordingDifference(Matter.NOT_ANSWERED, name, said)
        else:
            yield from _call(name, one, other)


def _call(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[RecordingDifference]:
    for code in sorted({*one["errors"]} - {*other["errors"]}):
        yield RecordingDifference(Matter.ERROR, name, code)
    for code in sorted({*other["errors"]} - {*one["errors"]}):
        yield RecordingDifference(Matter.ONLY, name, f"error {code}")
    times = one["seconds"]["median"], other["seconds"]["median"]
    if _differ(*times, CALL_MIN_DIFFERENCE):
        yield RecordingDifference(Matter.DURATION, name, _against(*times))
    if one["answer"] is not None and other["answer"] is not None:
        yield from _answers(name, dict(shape.paths(one["answer"])), dict(shape.paths(other["answer"])))


def _answers(name: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[RecordingDifference]:
    if missing := _highest(one, other):
        yield RecordingDifference(Matter.MISSING, name, _listed(missing))
    if only := _highest(other, one):
        yield RecordingDifference(Matter.ONLY, name, f"keys {_listed(only)}")
    for path in sorted({*one} & {*other}):
        ours, theirs = shape.types(one[path]) - {"null"}, shape.types(other[path]) - {"null"}
        if ours and theirs and ours != theirs:
            yield RecordingDifference(Matter.TYPE, name, f"{path}: {_listed(ours)}, not {_listed(theirs)}")
        if never := shape.values(one[path]) - shape.values(other[path]):
            yield RecordingDifference(Matter.STATE, name, f"{path}: {_listed(never)}")
        if only := sorted(shape.values(other[path]) - shape.values(one[path])):
            yield RecordingDifference(Matter.ONLY, name, f"{path}: {_listed(only)}")


def _highest(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The paths that only `one` has, without what is below another, or below a list or map that `other` has empty."""
    alone = {path for path in one if path not in other}
    return sorted(path for path in alone if (above := _above(path)) not in alone and not _empty(above, path, other))


def _above(path: str) -> str:
    return path.removesuffix(shape.LIST) if path.endswith(shape.LIST) else path.rpartition(".")[0]


def _empty(above: str, path: str, other: Mapping[str, str]) -> bool:
    """True if the path lies in a list or map of which `other` has seen no element."""
    return path in (f"{above}{shape.LIST}", f"{above}.{shape.ANY_KEY}") and above in other


def _statuses(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[RecordingDifference]:
    for kind in sorted({*first["statuses"], *second["statuses"]}):
        one, other = first["statuses"].get(kind, {}), second["statuses"].get(kind, {})
        if not other:
            yield RecordingDifference(Matter.STATE, kind, f"none of {_listed(one)}")
            continue
        for status in sorted({*one, *other}):
            if status not in other:
                yield RecordingDifference(
                    Matter.STATE, kind, f"{status} (then {_listed(one[status]['then']) or 'to the end'})"
                )
            elif status not in one:
                yield RecordingDifference(Matter.ONLY, kind, f"status {status}")
            else:
                yield from _status(kind, status, one[status], other[status], first["clock"], second["clock"])


def _status(
    kind: str, status: str, one: Mapping[str, Any], other: Mapping[str, Any], clock: float, other_clock: float
) -> Iterator[RecordingDifference]:
    if never := sorted({*one["then"]} - {*other["then"]} - {GONE}):
        yield RecordingDifference(Matter.STATE, kind, f"{status} → {_listed(never)}")
    if "lasted" in one and "lasted" in other:
        times = one["lasted"] * clock, other["lasted"] * other_clock
        if _differ(*times, STATUS_MIN_DIFFERENCE):
            yield RecordingDifference(Matter.DURATION, kind, f"{status} {_against(*times)}")


def _commands(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> Iterator[RecordingDifference]:
    """Their durations are not compared: most of a `deploy` is building, which no clock makes faster."""
    done = {command["act"]: command["exit"] for command in second}
    for command in first:
        name, code = command["act"], command["exit"]
        if name not in done:
            yield RecordingDifference(Matter.ACT, name, "not reached")
        elif code != done[name]:
            yield RecordingDifference(Matter.ACT, name, f"exit code {code}, not {done[name]}")


def _differ(one: float, other: float, least: float) -> bool:
    return abs(one - other) > least and max(one, other) > FACTOR * min(one, other)


def _against(one: float, other: float) -> str:
    return f"{one:.0f}, not {other:.0f}"


def _listed(words: Any) -> str:
    return ", ".join(sorted(words))
