"""Texts and their widths: in columns of a terminal and, estimated, in pixels of a sans-serif font."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.cells import cell_len, set_cell_size

WIDE = "mwMW@%_ABCDEGHKNOQRSUVXYZ0123456789−–"
NARROW = "iljtfrI.,:;'|()[]/ -"


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` columns: filled with spaces, or cut with an ellipsis."""
    if cell_len(text) > width:
        text = f"{set_cell_size(text, width - 1).rstrip()}…"
    return set_cell_size(text, width)


def wrapped(text: str, width: int) -> Iterator[str]:
    """A text in lines of at most `width` columns where it has spaces."""
    yield from _lines(text, lambda line: cell_len(line) <= width)


def pixels(text: str, size: float) -> float:
    """Width of a text at a font size, rather too wide than too narrow: fonts differ."""
    return sum(size * _factor(one) for one in text)


def _factor(one: str) -> float:
    if cell_len(one) > 1:
        return 1.0
    return 0.4 if one in NARROW else 0.68 if one in WIDE else 0.61


def cut(text: str, room: float, size: float) -> str:
    """The text as far as it fits into `room` pixels, with an ellipsis where it is cut."""
    if pixels(text, size) <= room:
        return text
    while text and pixels(f"{text}…", size) > room:
        text = text[:-1]
    return f"{text}…"


def money(dollars: float) -> str:
    """US dollars as people write them."""
    return f"${dollars:,.2f}"


MOST_LINES = 4


def broken(text: str, room: float, size: float) -> Iterator[str]:
    """A text in at most four lines that fit into `room` pixels."""
    lines = list(_lines(text, lambda line: pixels(line, size) <= room))
    for number, line in enumerate(lines[:MOST_LINES]):
        last = number == MOST_LINES - 1 and len(lines) > MOST_LINES
        yield cut(f"{line} {lines[MOST_LINES]}" if last else line, room, size)


def folded(text: str, room: float, size: float) -> Iterator[str]:
    """A text in one line or, such as a long id, in two of at most `room` pixels: broken at a hyphen or space."""
    if pixels(text, size) > room:
        ends = [
            place + 1 for place, sign in enumerate(text) if sign in " -" and pixels(text[: place + 1], size) <= room
        ]
        if ends:
            yield text[: ends[-1]].rstrip()
            text = text[ends[-1] :]
    yield cut(text, room, size)


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
