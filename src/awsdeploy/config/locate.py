"""Line numbers of the keys in a TOML text, for messages that an editor can jump to.

The standard parser does not tell. This scanner reads only text that parser has accepted, so it never
judges: whatever it does not understand simply has no line. Knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
from contextlib import suppress

Path = tuple[str | int, ...]
"""A place in a document: keys, and positions in arrays."""

DEEPEST = 50
"""Looking ends at a key of more parts: nothing of ours is so deep."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_ESCAPES = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(["\\bfnrte]))')
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "e": "\x1b"}


def lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table, key and array element of a valid TOML `text`."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    with suppress(IndexError, RecursionError):  # line numbers are optional
        scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = (0, 1)
        self.found: dict[Path, int] = {}
        self.arrays: dict[Path, int] = {}

    def line(self) -> int:
        place, number = self.counted
        number += self.text.count("\n", place, self.at)
        self.counted = (self.at, number)
        return number

    def blank(self, newlines: bool = True) -> None:
        """Skip what means nothing: spaces, comments and, if asked, line ends."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in " \t" or (newlines and char == "\n"):
                self.at += 1
            else:
                return

    def document(self) -> None:
        table: Path = ()
        self.blank()
        while self.at < len(self.text):
            if self.text.startswith("[[", self.at):
                self.at += 2
                key = self.resolved(self.key())
                position = self.arrays[key] = self.arrays.get(key, -1) + 1
                self.found.setdefault(key, self.line())
                table = (*key, position)
                self.found[table] = self.line()
                self.at += 2
            elif self.text[self.at] == "[":
                self.at += 1
                table = self.resolved(self.key())
                self.mark(table)
                self.at += 1
            else:
                self.pair(table)
            self.blank()

    def resolved(self, key: Path) -> Path:
        """A header's key with the current positions of the arrays of tables it passes through."""
        whole: Path = ()
        for part in key[:-1]:
            whole = (*whole, part)
            if whole in self.arrays:
                whole = (*whole, self.arrays[whole])
        return (*whole, key[-1])

    def mark(self, path: Path) -> None:
        for length in range(1, len(path)):
            self.found.setdefault(path[:length], self.line())
        self.found[path] = self.line()

    def pair(self, table: Path) -> None:
        path = (*table, *self.key())
        self.mark(path)
        self.at += 1  # the equals sign
        self.blank(newlines=False)
        self.value(path)

    def key(self) -> tuple[str, ...]:
        parts = []
        while True:
            self.blank(newlines=False)
            if self.text[self.at] in "\"'":
                parts.append(self.string())
            else:
                bare = _BARE_KEY.match(self.text, self.at)
                if bare is None:
                    raise IndexError(self.at)
                parts.append(bare.group())
                self.at = bare.end()
            self.blank(newlines=False)
            if self.text[self.at] != ".":
                return tuple(parts)
            if len(parts) == DEEPEST:
                raise IndexError(self.at)
            self.at += 1

    def value(self, path: Path) -> None:
        char = self.text[self.at]
        if char in "\"'":
            self.string()
        elif char == "[":
            self.elements(path)
        elif char == "{":
            self.inline_table(path)
        elif scalar := _SCALAR.match(self.text, self.at):
            self.at = scalar.end()
        else:
            raise IndexError(self.at)

    def elements(self, path: Path) -> None:
        self.at += 1
        position = 0
        self.blank()
        while self.text[self.at] != "]":
            self.found[(*path, position)] = self.line()
            self.value((*path, position))
            position += 1
            self.comma()
        self.at += 1

    def inline_table(self, path: Path) -> None:
        self.at += 1
        self.blank()
        while self.text[self.at] != "}":
            self.pair(path)
            self.comma()
        self.at += 1

    def comma(self) -> None:
        self.blank()
        if self.text[self.at] == ",":
            self.at += 1
            self.blank()

    def string(self) -> str:
        """Read past a string and return it; only keys need the text."""
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        start = end = self.at + len(mark)
        while not self.text.startswith(mark, end):
            if end >= len(self.text):
                raise IndexError(end)
            end += 2 if quote == '"' and self.text[end] == "\\" else 1
        while len(mark) == 3 and self.text.startswith(quote, end + 3):
            end += 1  # up to two quotes may stand right before the closing three
        self.at = end + len(mark)
        body = self.text[start:end]
        return _ESCAPES.sub(_unescaped, body) if quote == '"' else body


def _unescaped(escape: re.Match[str]) -> str:
    short, long, plain = escape.groups()
    if plain:
        return _PLAIN.get(plain, plain)
    return chr(int(short or long, 16))
