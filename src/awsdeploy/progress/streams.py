"""The standard streams. Everything that is printed goes through this module.

Removes control sequences in text from AWS, machines, logs, git and names. Replaces characters that the stream's
encoding does not have. A closed pipe does not stop a run that has begun to change something.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 but tab and newline, DEL, C1, what changes the direction of text, and half a character."""
_LOOKS = re.compile("\x1b\\[[0-9;:]*m|\r+(?=\n)")
"""Colours in logs and line ends of Windows, which are removed."""

_OWN = f"\x1b[{int.from_bytes(os.urandom(8), 'big')};"
"""Start of our own control sequences inside the program. The random number makes it impossible to forge them."""
_OURS = re.compile(re.escape(_OWN) + "([0-9;]*[A-Za-z])")
CLEAR = f"{_OWN}2J{_OWN}1;1H"
"""Empties the screen."""

PLAIN = {
    "…": "...",
    "→": "->",
    "✓": "+",
    "✗": "x",
    "·": ".",
    "–": "-",
    "×": "x",
    "█": "#",
    "▒": "=",
    "─": "-",
    "│": "|",
    "┌": "+",
    "┐": "+",
    "└": "+",
    "┘": "+",
    "▼": "v",
    "←": "<-",
    "−": "-",
    "◆": "*",
    "“": '"',
    "”": '"',
}
"""Our own signs, where an encoding has none of them."""


class Unwritable(OSError):
    """Standard output cannot be written: the pipe is closed (EPIPE), or the disk is full (ENOSPC)."""


def printable(text: str) -> str:
    """`text` without control sequences: each control is shown as in JSON, `\\u001b`, so that JSON stays JSON."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", _LOOKS.sub("", text))


def style(text: str, *codes: int) -> str:
    """`text` in a colour or weight (SGR codes), for a stream of ours."""
    return f"{_OWN}{';'.join(map(str, codes))}m{text}{_OWN}0m"


class Stream(io.TextIOWrapper):
    """Standard output or error. `lost`: why nothing can be written any more. A `patient` one raises no `Unwritable`."""

    def __init__(self, number: int, like: TextIO, patient: bool, cleans: bool = True) -> None:
        raw = open(number, "wb", closefd=False)  # noqa: SIM115 - open as long as the process
        super().__init__(
            raw, encoding=like.encoding, errors=_replaced.__name__, line_buffering=bool(like.line_buffering)
        )
        self.patient, self.cleans = patient, cleans
        self.lost: OSError | None = None

    def write(self, text: str | bytes) -> int:
        """Write text, or the bytes that click's completion writes. Returns the length."""
        if text == b"":  # by this click asks whether the stream is binary, to encode everything itself
            raise TypeError("a text stream")
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        shown = _cleaned(text) if self.cleans else text
        with self._losing():
            super().write(shown)
        return len(text)

    def flush(self) -> None:
        with self._losing():
            super().flush()

    @property
    def buffer(self) -> BinaryIO:
        """None: click would write past us where the encoding is ASCII."""
        raise AttributeError("buffer")

    @contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self.lost is None:
                self.lost = error
                # What is still buffered goes nowhere, instead of failing again when the process ends.
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        if self.lost is not None and not self.patient:
            self.patient = True  # once is enough: Python writes again when the process ends
            raise Unwritable(self.lost.errno, self.lost.strerror) from None


def install() -> None:
    """Put streams of ours in the place of Python's; closed ones lead nowhere. Called once, when the process begins."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    codecs.register_error(_replaced.__name__, _replaced)
    sys.stdout = _taken(sys.stdout, 1, patient=False)
    sys.stderr = _taken(sys.stderr, 2, patient=True)
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[1-9][0-9]{0,3}", os.environ.get(name, "1")):
            del os.environ[name]


def _taken(stream: TextIO | None, number: int, patient: bool) -> TextIO:
    if stream is None:
        stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    try:
        stream.flush()
        return Stream(number, stream, patient) if stream.fileno() == number else stream
    except (OSError, ValueError):  # it is no file, or nothing can be written to it already
        return stream


def go_on() -> None:
    """Mark the start of changes: from now on the run continues even if the output is closed."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.patient = True


def lost() -> OSError | None:
    """Error for which part of standard output could not be written, if any."""
    return sys.stdout.lost if isinstance(sys.stdout, Stream) else None


def shows(signs: str) -> bool:
    """Check whether standard output's encoding has all of these signs."""
    try:
        signs.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def terminal() -> TextIO:
    """Return standard error for the board, which needs control sequences. The caller uses `printable` for its text."""
    return Stream(2, sys.stderr, patient=True, cleans=False) if isinstance(sys.stderr, Stream) else sys.stderr


def _cleaned(text: str) -> str:
    """`printable`, but for our own sequences."""
    parts = _OURS.split(text)
    return "".join(f"\x1b[{part}" if number % 2 else printable(part) for number, part in enumerate(parts))


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: what cannot be encoded is shown in plain signs or as in JSON, `\\uac00`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign) or _escaped(sign) for sign in signs), error.end


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
