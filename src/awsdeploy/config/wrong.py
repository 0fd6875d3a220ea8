"""Refusal of a value, and how any value is shown in a message. Knows no key and no rule."""

from __future__ import annotations

import datetime
import json

LONGEST_SHOWN = 60


class Wrong(ValueError):
    """A value that cannot be used: what was `expected`, and a `remedy` if there is one.

    With `hidden` the value may hold a secret, and messages do not repeat it.
    """

    def __init__(self, expected: str, remedy: str = "", hidden: bool = False) -> None:
        super().__init__(expected)
        self.expected = expected
        self.remedy = remedy
        self.hidden = hidden


def shown(value: object) -> str:
    """`value` as TOML would write it, on one line, short, and safe to print on any terminal."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return printable(json.dumps(value[:LONGEST_SHOWN], ensure_ascii=False)) + _length(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        whole = ", ".join("[…]" if isinstance(item, list | tuple) else shown(item) for item in value[:4])
        return f"[{whole}]" if len(value) <= 4 and len(whole) <= LONGEST_SHOWN else f"a list of {len(value)}"
    if isinstance(value, datetime.date | datetime.time):
        return f"the date or time {value}"
    return printable(str(value))


def printable(text: str) -> str:
    """`text` with what a terminal would obey or not show written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _length(text: str) -> str:
    return f"… ({len(text)} characters)" if len(text) > LONGEST_SHOWN else ""
