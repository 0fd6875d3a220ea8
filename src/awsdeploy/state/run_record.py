"""Summary of a run that wrote to AWS, as the stack's record in Parameter Store keeps it.

Each run overwrites the record once, and Parameter Store keeps the versions before: they are the history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

LARGEST = 4096
"""Bytes. AWS: a standard parameter holds no more."""
OUTCOMES = ("done", "failed", "stopped")


@dataclass(frozen=True)
class RunSummary:
    """One run. `who` and `where` are the user and the computer, `seconds` is how long it took, on AWS's clock.

    The lists hold keys of resources; `counts` holds how many there were, also of those that found no room. `released`
    names services with their releases. `interrupted` is the run before this one, if it never ended: its command, user
    and time. `id` is that of its lock.
    """

    number: int
    command: str
    outcome: str
    seconds: float
    who: str = ""
    where: str = ""
    version: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    created: Sequence[str] = ()
    changed: Sequence[str] = ()
    deleted: Sequence[str] = ()
    released: Sequence[str] = ()
    interrupted: str = ""
    id: str = ""

    @classmethod
    def read(cls, record: Mapping[str, Any] | None) -> RunSummary | None:
        """The last run in a record; None where there is none that can be read."""
        found = (record or {}).get("run")
        try:
            made = cls(**found) if isinstance(found, dict) else None
            return made if made and isinstance(made.number, int) and isinstance(made.counts, dict) else None
        except TypeError:
            return None


def recorded(record: Mapping[str, Any], run: RunSummary) -> dict[str, Any]:
    """The record with this run as its last. Keys are left out until it is small enough."""
    value = {name: found for name, found in asdict(run).items() if found not in ("", (), [], {})}
    lists = ("created", "changed", "deleted", "released")
    while len(json.dumps({**record, "run": value})) > LARGEST:  # ASCII: a character is a byte
        longest = max(lists, key=lambda name: len(value.get(name, ())))
        if not value.get(longest):
            value.pop("interrupted", None)
            break
        value[longest] = list(value[longest])[: len(value[longest]) * 3 // 4]
    return {**record, "run": value}
