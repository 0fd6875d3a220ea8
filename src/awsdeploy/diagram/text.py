"""Widths of texts: in columns of a terminal and, estimated, in pixels of a sans-serif font."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

WIDE = "mwMW@%_ABCDEGHKNOQRSUVXYZ0123456789−–"
NARROW = "iljtfrI.,:;'|()[]/ -"


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(one) else 1 + _is_wide(one) for one in text)


def _is_wide(one: str) -> bool:
    return unicodedata.east_asian_width(one) in "WF"


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` columns: filled with spaces, or cut with an ellipsis."""
    if cells(text) > width:
        kept = ""
        for one in text:
            if cells(kept + one) > width - 1:
                break
            kept += one
        text = f"{kept}…"
    return text + " " * (width - cells(text))


def wrapped(text: str, width: int) -> Iterator[str]:
    """A text in lines of at most `width` columns where it has spaces."""
    yield from _lines(text, lambda line: cells(line) <= width)


def pixels(text: str, size: float) -> float:
    """Width of a text at a font size, rather too wide than too narrow: fonts differ."""
    return sum(size * _factor(one) for one in text)


def _factor(one: str) -> float:
    if _is_wide(one):
        return 1.0
    return 0.4 if one in NARROW else 0.68 if one in WIDE else 0.61


def cut(text: str, room: float, size: float) -> str:
    """The text as far as it fits into `room` pixels, with an ellipsis where it is cut."""
    if pixels(text, size) <= room:
        return text
    while text and pixels(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text}…"


MOST_LINES = 4


def broken(text: str, room: float, size: float) -> Iterator[str]:
    """A text in at most four lines that fit into `room` pixels."""
    lines = list(_lines(text, lambda line: pixels(line, size) <= room))
    for number, line in enumerate(lines[:MOST_LINES]):
        last = number == MOST_LINES - 1 and len(lines) > MOST_LINES
        yield cut(f"{line} {lines[MOST_LINES]}" if last else line, room, size)


def _lines(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and not fits(f"{line} {word}"):
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line
