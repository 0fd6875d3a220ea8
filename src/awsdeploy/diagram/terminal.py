"""A picture in box drawing characters, at most 79 columns wide. Korean characters take two columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len

from awsdeploy.diagram.model import INTERNET, Area, Arrow, Box, Health, Picture
from awsdeploy.diagram.text import fitted, money, wrapped
from awsdeploy.diagram.words import Words

WIDTH = 79
NARROWEST = 32
"""Columns that the drawing needs at least; a narrower terminal wraps its lines."""
TWO_ABREAST = 60
"""Columns from which on two boxes stand side by side."""
GAP = 1
PLAIN = str.maketrans({"→": ">", "←": "<", "…": "."})
"""Signs of the same width, for an encoding that has none of them: edges stay straight."""
Paint = Callable[[Health, str], str]
"""Colours a text by a state; it must not change its width."""


def lines(
    picture: Picture, t: Words, paint: Paint = lambda _, text: text, links: bool = False, columns: int = WIDTH + 1
) -> Iterator[str]:
    """The picture line by line, for a terminal of so many columns. With `links` the console's address of each box
    follows.
    """
    drawing = _Drawing(picture, t, paint, max(NARROWEST, min(WIDTH, columns - 1)))
    account = f", {picture.account}" if picture.account else ""
    cost = f"  {t('{} a month').format(money(picture.monthly))}" if picture.monthly is not None else ""
    yield f"{picture.stack} ({picture.region}{account}): {drawing.state(picture.state)}{cost}"
    for note in picture.notes:
        yield from wrapped(note, drawing.width)
    yield ""
    front = picture.inside(Area.FRONT)
    yield f"  {front[0].name}"
    yield from drawing.pairs(front[1:])
    yield from drawing.entrance()
    yield from drawing.vpc()
    for area in (Area.BESIDE, Area.ELSEWHERE):
        yield from drawing.pairs(picture.inside(area))
    if links:
        yield ""
        yield from (f"{box.name}: {box.console}" for box in picture.boxes if box.console)


class _Drawing:
    def __init__(self, picture: Picture, t: Words, paint: Paint, width: int) -> None:
        self.picture, self.t, self.paint, self.width = picture, t, paint, width
        self.abreast = 2 if width >= TWO_ABREAST else 1

    def state(self, state: Health) -> str:
        return self.paint(state, f"{state.sign} {self.t(state.value)}")

    def pairs(self, boxes: Sequence[Box]) -> Iterator[str]:
        """Boxes that stand for themselves, two in a row where there is room."""
        for start in range(0, len(boxes), self.abreast):
            yield from self.row(boxes[start : start + self.abreast], self.width)

    def entrance(self) -> Iterator[str]:
        """Ports by which the internet reaches the VPC."""
        arrow = next((one for one in self.picture.arrows if one.source == INTERNET), None)
        if arrow:
            yield f"     ▼ {self._ports(arrow)}"

    def _ports(self, arrow: Arrow) -> str:
        return arrow.label if arrow.state is not Health.ABSENT else self.paint(arrow.state, f"✗ {arrow.label}")

    def vpc(self) -> Iterator[str]:
        """The VPC with what is in it."""
        vpc = next(one for one in self.picture.groups if one.area is Area.VPC)
        inner = self.width - 4
        title = f"{vpc.name} {vpc.id}".strip()
        yield self._top(title, vpc.state, self.width)
        for line, width in self._inside(inner):
            yield f"│ {line}{' ' * (inner - width)} │"
        yield f"└{'─' * (self.width - 2)}┘"

    def _inside(self, width: int) -> Iterator[tuple[str, int]]:
        """Lines with their widths, since colours are no part of a width."""
        for box in self.picture.inside(Area.VPC):
            for line in self.row([box], width):
                yield line, width
        for area in (Area.PUBLIC, Area.PRIVATE):
            subnets = [one for one in self.picture.groups if one.area is area]
            yield fitted("", width), width
            for subnet in subnets:
                room = width - 2 - cell_len(f"{subnet.state.sign} {self.t(subnet.state.value)}")
                words = fitted(f"{subnet.name} {subnet.id}".strip(), room)
                yield f"{words}  {self.state(subnet.state)}", width
            for boxes in self._rows(area):
                for line in self.row(boxes, width):
                    yield line, width

    def _rows(self, area: Area) -> Iterator[list[Box | None]]:
        """Two boxes a row where there is room; with two zones, each below its zone."""
        if self.picture.columns != 2 or self.abreast == 1:
            boxes: list[Box | None] = list(self.picture.inside(area))
            yield from (boxes[start : start + self.abreast] for start in range(0, len(boxes), self.abreast))
            return
        for row in self.picture.rows(area):
            if len(row) == 1 and len(row[0].columns) == 2:
                yield [row[0]]
            else:
                yield [next((box for box in row if column in box.columns), None) for column in range(2)]

    def row(self, boxes: Sequence[Box | None], width: int) -> list[str]:
        """Boxes side by side, as wide as `width` together."""
        if not boxes:
            return []
        each, spare = divmod(width - GAP * (len(boxes) - 1), len(boxes))
        widths = [each + (place < spare) for place in range(len(boxes))]
        drawn = [list(self._box(box, one)) if box else [] for box, one in zip(boxes, widths, strict=True)]
        tallest = max(len(one) for one in drawn)
        for one, box, wide in zip(drawn, boxes, widths, strict=True):
            filler = " " * wide if box is None else f"│{' ' * (wide - 2)}│"
            place = len(one) - 1 if one else 0
            one[place:place] = [filler] * (tallest - len(one))
        return [(" " * GAP).join(parts) for parts in zip_longest(*drawn, fillvalue="")]

    def _box(self, box: Box, width: int) -> Iterator[str]:
        yield self._top(box.name, box.state, width)
        cost = money(box.monthly) if box.monthly is not None else ""
        lines = [*box.lines]
        if cost:
            first = lines[0] if lines else ""
            lines[:1] = [f"{fitted(first, width - 5 - len(cost))} {cost}"]
        for line in lines:
            yield f"│ {fitted(line, width - 4)} │"
        for part in wrapped(box.note, width - 4):
            yield f"│ {self.paint(box.state, fitted(part, width - 4))} │"
        for arrow in self._of(box):
            yield self._arrow(arrow, box, width)
        yield f"└{'─' * (width - 2)}┘"

    def _of(self, box: Box) -> Iterator[Arrow]:
        """Arrows that a box shows in its own lines: not the load balancer's and the database's, which have many."""
        many = (Area.FRONT, Area.VPC)
        for arrow in self.picture.arrows:
            leaves = arrow.source == box.key and box.area not in many
            if leaves or (arrow.target == box.key and box.area not in (*many, Area.PRIVATE)):
                yield arrow

    def _arrow(self, arrow: Arrow, box: Box, width: int) -> str:
        out = arrow.source == box.key
        other = self.picture.box(arrow.target if out else arrow.source)
        way = f"{'→' if out else '←'} {other.name if other else ''}"
        if arrow.state is not Health.ABSENT:
            return f"│ {fitted(f'{way} {arrow.label}', width - 4)} │"
        return f"│ {self.paint(arrow.state, fitted(f'✗ {arrow.label} {way}', width - 4))} │"

    def _top(self, name: str, state: Health, width: int) -> str:
        room = width - 5 - cell_len(f"{state.sign} {self.t(state.value)}")
        title = fitted(name, room) if cell_len(name) > room else name
        spare = room - cell_len(title)
        line = "─" * (spare - 1) + " " if spare else ""
        return f"┌ {title} {line}{self.state(state)} ┐"
