"""Places of a picture's parts as rectangles and lines, in pixels. Knows no file format.

The VPC is a grid: a column for each zone, rows of boxes in its public and private subnets. Beside each column is a lane
in which lines run: from the load balancer down to the services, and from them down to the database. Boxes that stand in
several zones come below all others; lines from zones between the outer ones go round them. So no line crosses a box.
What has no zone stands in a column on the right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from awsdeploy.diagram.model import INTERNET, Area, Arrow, Box, Group, Health, Picture
from awsdeploy.diagram.text import broken, cut, folded, pixels

MARGIN, GAP, PAD = 20, 18, 14
BOX, SMALL_BOX = 236, 130
LANE = 92
"""Width of the lane beside a column. Lines to the database run near its outer edge, those to the services nearer."""
TO_DATABASE, TO_SERVICE = 18, 42
HEAD, LINE, FOOT = 27, 16, 25
TITLE = 24
SIZE, NAME_SIZE = 12, 13


@dataclass(frozen=True)
class Rectangle:
    """Place of a part: its upper left corner, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> float:
        return self.x + self.width / 2

    def overlaps(self, other: Rectangle) -> bool:
        """True if they have more than an edge in common."""
        beside = self.right <= other.x or other.right <= self.x
        return not (beside or self.bottom <= other.y or other.bottom <= self.y)


@dataclass(frozen=True)
class PlacedBox:
    """A box with its place and the texts that fit into it."""

    box: Box
    at: Rectangle
    name: str
    lines: tuple[str, ...]
    note: tuple[str, ...]


@dataclass(frozen=True)
class PlacedGroup:
    """A frame with its place. Boxes may stand across several frames, as a load balancer does.

    Its texts stand between `left` and `right`, where no line runs: in one line, or in three.
    """

    group: Group
    at: Rectangle
    left: float
    right: float
    name: str
    id: str = ""


@dataclass(frozen=True)
class PlacedArrow:
    """An arrow as a line through points, and its label with the place of its left end.

    `data`: it leads to a database.
    """

    arrow: Arrow
    points: tuple[tuple[float, float], ...]
    label: str
    label_at: tuple[float, float]
    data: bool = False


@dataclass
class Layout:
    """A picture with the places of all its parts."""

    picture: Picture
    top: float
    """Height of the title and the notes above the picture."""
    width: float = 0.0
    height: float = 0.0
    boxes: list[PlacedBox] = field(default_factory=list)
    groups: list[PlacedGroup] = field(default_factory=list)
    arrows: list[PlacedArrow] = field(default_factory=list)

    def at(self, key: str) -> Rectangle:
        """The place of a box. Raises `StopIteration` for a key that has none."""
        return next(one.at for one in self.boxes if one.box.key == key)


def of(picture: Picture) -> Layout:
    """Place all parts of a picture."""
    made = Layout(picture, MARGIN + 46 + 18 * len(picture.notes))
    front = _front(made)
    vpc = _vpc(made, front + 46)
    beside = _beside(made, vpc)
    made.arrows = list(_arrows(made))
    made.width = max(vpc.right, *(one.at.right for one in made.boxes)) + MARGIN
    made.height = max(vpc.bottom, beside) + MARGIN
    return made


def _front(made: Layout) -> float:
    """Boxes before the VPC, in a row; returns its bottom."""
    boxes = made.picture.inside(Area.FRONT)
    height = max(_height(box, BOX) for box in boxes)
    x = float(MARGIN)
    for box in boxes:
        width = SMALL_BOX if box.key == INTERNET else BOX
        _place(made, box, Rectangle(x, made.top, width, height))
        x += width + 3 * GAP
    return made.top + height


def _vpc(made: Layout, y: float) -> Rectangle:
    """The VPC with everything in it."""
    picture, column = made.picture, LANE + BOX + PAD
    left, inner = MARGIN + PAD, picture.columns * column + (picture.columns - 1) * GAP
    group = next(one for one in picture.groups if one.area is Area.VPC)
    place = len(made.groups)
    top = y
    y += TITLE + PAD / 2
    for box in picture.inside(Area.VPC):
        height = _height(box, inner)
        _place(made, box, Rectangle(left, y, inner, height))
        y += height + GAP + 8
    for area in (Area.PUBLIC, Area.PRIVATE):
        y = _subnets(made, area, left, y, column) + 2 * GAP + 8
    whole = Rectangle(MARGIN, top, inner + 2 * PAD, y - 2 * GAP - 8 + PAD - top)
    name, start = f"{group.name}  {group.id}".strip(), MARGIN + SMALL_BOX / 2 + PAD  # beside the line to the gateway
    made.groups.insert(place, PlacedGroup(group, whole, start, whole.right - PAD, cut(name, inner - 220, SIZE)))
    return whole


def _subnets(made: Layout, area: Area, left: float, y: float, column: float) -> float:
    """A row of subnets, one for each zone, with their boxes; returns its bottom."""
    top, picture = y, made.picture
    ids = any(group.id for group in picture.groups if group.area is area)
    y += TITLE + LINE * (2 if ids else 1) + PAD / 2
    # What stands in one zone first: then no lane of a zone is crossed by a group that stands in all.
    rows = sorted(picture.rows(area), key=lambda row: max(len(box.columns) for box in row))
    for row in rows or [[]]:
        height = max((_height(box, BOX) for box in row), default=HEAD + FOOT)
        for box in row:
            first, last = (
                _box_x(left, column, number, picture.columns) for number in (box.columns[0], box.columns[-1])
            )
            _place(made, box, Rectangle(first, y, last + BOX - first, height))
        y += height + GAP
    bottom = y - GAP + PAD
    for group in (one for one in picture.groups if one.area is area):
        at = Rectangle(left + group.column * (column + GAP), top, column, bottom - top)
        start = _box_x(left, column, group.column, picture.columns)
        name, id = cut(group.name, BOX, SIZE), cut(group.id, BOX, SIZE)
        made.groups.append(PlacedGroup(group, at, start, start + BOX, name, id))
    return bottom


def _box_x(left: float, column: float, number: int, columns: int) -> float:
    """Left edge of the boxes of a zone: the first zone has its lane on the left, the others on the right."""
    return left + number * (column + GAP) + (LANE if number == 0 and columns > 1 else PAD)


def _beside(made: Layout, vpc: Rectangle) -> float:
    """The column of boxes outside the VPC; returns its bottom."""
    x, y = vpc.right + 2 * GAP, vpc.y
    for box in made.picture.inside(Area.BESIDE, Area.ELSEWHERE):
        height = _height(box, BOX)
        _place(made, box, Rectangle(x, y, BOX, height))
        y += height + GAP + 6
    return y


def _place(made: Layout, box: Box, at: Rectangle) -> None:
    room = at.width - 20
    name, lines, note = cut(box.name, room, NAME_SIZE), tuple(_lines(box, room)), tuple(broken(box.note, room, SIZE))
    made.boxes.append(PlacedBox(box, at, name, lines, note))


def _lines(box: Box, room: float) -> Iterator[str]:
    for line in box.lines:
        yield from folded(line, room, SIZE)


def _height(box: Box, width: float) -> float:
    room = width - 20
    return HEAD + LINE * (len(list(_lines(box, room))) + len(list(broken(box.note, room, SIZE)))) + FOOT


def _arrows(made: Layout) -> Iterator[PlacedArrow]:
    places = {one.box.key: one for one in made.boxes}
    for arrow in made.picture.arrows:
        source, target = places[arrow.source], places[arrow.target]
        if arrow.via:
            yield from _entrance(arrow, source.at, places[arrow.via].at, target.at)
        elif source.box.area is Area.VPC:
            yield _served(arrow, source.at, target, made.picture.columns)
        elif target.box.area is Area.PRIVATE:
            yield _to_database(arrow, source, target, made)
        elif source.at.x == target.at.x:
            x, start = source.at.centre, source.at.bottom
            yield PlacedArrow(
                arrow, ((x, start), (x, target.at.y)), arrow.label, (x + 8, (start + target.at.y) / 2 + 4)
            )
        else:
            y, start = source.at.y + source.at.height / 2, source.at.right
            yield PlacedArrow(arrow, ((start, y), (target.at.x, y)), arrow.label, (start + 6, y - 6))


def _entrance(arrow: Arrow, internet: Rectangle, gateway: Rectangle, balancer: Rectangle) -> Iterator[PlacedArrow]:
    """Lines from the internet through the gateway to the load balancer."""
    x = internet.centre
    label = f"✗ {arrow.label}" if arrow.state is Health.ABSENT else arrow.label
    yield PlacedArrow(arrow, ((x, internet.bottom), (x, gateway.y)), label, (x + 8, internet.bottom + 20))
    yield PlacedArrow(arrow, ((x, gateway.bottom), (x, balancer.y)), "", (x, gateway.bottom))


def _side(placed: PlacedBox, columns: int) -> tuple[float, float]:
    """The edge at which lines meet a box, and the direction of its lane: -1 left, 1 right."""
    left = placed.box.columns[0] == 0 and columns > 1
    return (placed.at.x, -1) if left else (placed.at.right, 1)


def _served(arrow: Arrow, balancer: Rectangle, target: PlacedBox, columns: int) -> PlacedArrow:
    edge, way = _side(target, columns)
    x, y = edge + way * (LANE - TO_SERVICE), target.at.y + HEAD
    return PlacedArrow(
        arrow, ((x, balancer.bottom), (x, y), (edge, y)), _port(arrow), _beside_edge(arrow, edge, way, y - 5)
    )


def _to_database(arrow: Arrow, source: PlacedBox, database: PlacedBox, made: Layout) -> PlacedArrow:
    """Down the lane of the source, between the subnets, and down the lane of the database."""
    (edge, way), (end, side) = _side(source, made.picture.columns), _side(database, made.picture.columns)
    x, y = edge + way * (LANE - TO_DATABASE), source.at.bottom - FOOT
    lane, height = end + side * (LANE - TO_SERVICE), database.at.y + database.at.height / 2
    between = min(one.at.y for one in made.groups if one.group.area is Area.PRIVATE) - GAP - 4
    start = [(edge, y), (x, y), *_round_groups(source, x, made)]
    points = (*start, (start[-1][0], between), (lane, between), (lane, height), (end, height))
    return PlacedArrow(arrow, points, _port(arrow), _beside_edge(arrow, edge, way, y - 5), data=True)


def _round_groups(source: PlacedBox, x: float, made: Layout) -> list[tuple[float, float]]:
    """The way from a lane between zones to the outermost lane, above what stands across both; else nothing."""
    across = [one.at for one in made.boxes if one.box.area is source.box.area and one.at.x < x < one.at.right]
    below = [at for at in across if at.y >= source.at.bottom]
    if not below:
        return []
    y = min(at.y for at in below) - GAP / 2
    outer = max(at.right for at in below) + LANE - TO_DATABASE
    return [(x, y), (outer, y)]


def _beside_edge(arrow: Arrow, edge: float, way: float, y: float) -> tuple[float, float]:
    return (edge - 4 - pixels(_port(arrow), SIZE), y) if way < 0 else (edge + 8, y)


def _port(arrow: Arrow) -> str:
    """The port alone: there is no room for more beside a box. A closed one has a sign."""
    port = arrow.label.split()[0]
    return f"✗{port}" if arrow.state is Health.ABSENT else port


def overlapping(rectangles: Sequence[Rectangle]) -> list[tuple[Rectangle, Rectangle]]:
    """Pairs of rectangles that overlap."""
    return [(one, other) for place, one in enumerate(rectangles) for other in rectangles[:place] if one.overlaps(other)]
