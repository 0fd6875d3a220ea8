"""Entries of a log, made of its lines: a stack trace stays with the line it belongs to.

Lines of one stream follow each other, those of several streams come mixed. Knows no AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

CONTINUES = re.compile(r"\s|$|at |Caused by|[}\])]+[,;]?$")
"""Start of a line that belongs to the one before: traces of Node.js and Java, and printed objects."""


@dataclass(frozen=True)
class LogEvent:
    """A line as a log keeps it. `at` is milliseconds since 1970; `id` is unique within the log."""

    source: str
    stream: str
    at: int
    text: str
    id: str = ""


@dataclass
class LogEntry:
    """A line and those that continue it."""

    first: LogEvent
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def holds(self, words: str) -> bool:
        """Search for these words in the entry, ignoring case."""
        return words.casefold() in self.text.casefold()


class Assembly:
    """Puts entries together. The last of a stream stays open, since what comes next may belong to it."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], LogEntry] = {}

    def take(self, events: Iterable[LogEvent]) -> list[LogEntry]:
        """Entries that are complete after these events, by the time of the first line.

        An entry that was open before and is not continued here is complete too.
        """
        waiting, done = set(self._open), []
        for event in sorted(events, key=lambda one: one.at):
            place = (event.source, event.stream)
            before = self._open.get(place)
            text = event.text.rstrip("\r\n")
            if before is not None and CONTINUES.match(text):
                before.lines.append(text)
                waiting.discard(place)
                continue
            if before is not None:
                done.append(before)
            self._open[place] = LogEntry(event, [text])
            waiting.discard(place)
        done += [self._open.pop(place) for place in waiting]
        return _sorted(done)

    def rest(self) -> list[LogEntry]:
        """Entries that are still open at the end."""
        entries = _sorted(self._open.values())
        self._open.clear()
        return entries


def entries(events: Iterable[LogEvent]) -> Iterator[LogEntry]:
    """All entries of a log that is at its end."""
    assembly = Assembly()
    yield from _sorted([*assembly.take(events), *assembly.rest()])


def _sorted(entries: Iterable[LogEntry]) -> list[LogEntry]:
    return sorted(entries, key=lambda one: one.first.at)
