"""Records as the world's DNS shows them, and how a zone that takes them over remembers which.

Records carry no tags, so the zone does: `awsdeploy:copied` says "@:MX @:TXT mail:A".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TAG = "awsdeploy:copied"
LONGEST = 256  # AWS: characters of a tag's value
TTL = 300  # seconds
SHOWN = 5  # unanswered questions that are named


@dataclass(frozen=True, order=True)
class PublicRecord:
    """The values of one name and type, in a zone file's notation; the name without its last dot."""

    name: str
    kind: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}  {self.kind}  {', '.join(self.values)}"

    def change(self) -> dict[str, Any]:
        """Change that creates the record in a zone, for Route 53; it never overwrites."""
        values = [{"Value": value} for value in self.values]
        record = {"Name": self.name, "Type": self.kind, "TTL": TTL, "ResourceRecords": values}
        return {"Action": "CREATE", "ResourceRecordSet": record}


@dataclass(frozen=True)
class PublicDns:
    """Answers of public DNS about a domain whose hosted zone is not asked yet."""

    records: tuple[PublicRecord, ...] = ()
    unanswered: tuple[str, ...] = ()
    """Questions without an answer, of `asked` ones: "MX example.com". Nothing is known of these."""
    asked: int = 0
    signed: bool = False
    """True if its parent has a DS record: resolvers refuse answers of a zone that is not signed with that key."""

    @property
    def gaps(self) -> str:
        """The unanswered questions, in words."""
        shown = ", ".join(self.unanswered[:SHOWN]) + (", …" if len(self.unanswered) > SHOWN else "")
        count = f"{len(self.unanswered)} of {self.asked} questions"
        return f"Public DNS did not answer {count}; these records are unknown: {shown}"


NOT_ASKED = PublicDns()

Place = tuple[str, str]
"""A name below the zone's ("@": its own) and a type."""


def place(name: str, kind: str, apex: str) -> Place:
    """Name and type of a record, as the tags write them. AWS allows no * in a tag: = replaces it."""
    below = name.rstrip(".").lower().replace("\\052", "*").removesuffix(apex).rstrip(".")
    return below.replace("*", "=") or "@", kind


def written(places: Iterable[Place]) -> list[dict[str, str]]:
    """The tags that name these places, as few as hold them."""
    values = [""]
    for word in (":".join(one) for one in sorted(places)):
        together = f"{values[-1]} {word}".strip()
        values = [*values[:-1], together] if len(together) <= LONGEST else [*values, word]
    return [{"Key": TAG + (f"-{number}" if number else ""), "Value": value} for number, value in enumerate(values)]


def read(tags: Mapping[str, str]) -> Iterator[Place]:
    """The places that a zone's tags name."""
    for key, value in tags.items():
        if key.startswith(TAG):
            for word in value.split():
                name, _, kind = word.rpartition(":")
                yield name, kind
