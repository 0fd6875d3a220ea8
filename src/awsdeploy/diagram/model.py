"""Data of a picture: boxes, groups of boxes, arrows, and their states. Knows no resource and draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

INTERNET = "internet"
"""Key of the box from which all requests come: the only one that is no resource."""


class Health(Enum):
    """Health of a box or an arrow. Values are what `--json` prints; a later one hides the ones before it."""

    PLANNED = "planned"
    HEALTHY = "healthy"
    DIFFERS = "differs"
    CHANGING = "changing"
    UNHEALTHY = "unhealthy"
    ABSENT = "not there"

    @property
    def sign(self) -> str:
        return SIGNS[self]

    @classmethod
    def worst(cls, states: Iterable[Health]) -> Health:
        """The state that matters most; healthy if there are none."""
        return max(states, key=list(cls).index, default=cls.HEALTHY)


SIGNS = {
    Health.PLANNED: "+",
    Health.HEALTHY: "✓",
    Health.DIFFERS: "!",
    Health.CHANGING: "…",
    Health.UNHEALTHY: "✗",
    Health.ABSENT: "−",
}


class Area(Enum):
    """Part of the picture in which a box stands."""

    FRONT = "front"  # between the internet and the VPC
    VPC = "VPC"  # in the VPC, in no subnet of its own
    PUBLIC = "public subnets"
    PRIVATE = "private subnets"
    BESIDE = "beside"  # in the region, outside the VPC
    ELSEWHERE = "another region"


@dataclass(frozen=True)
class Box:
    """One thing of the picture. `lines` are its facts in short lines; `note` says what is wrong, in AWS's words.

    `columns` are the numbers of the zones that it stands in. `monthly` is US dollars, None where unknown or nothing is
    billed. `console` is the address of its page in the AWS console.
    """

    key: str
    name: str
    area: Area
    state: Health
    lines: tuple[str, ...] = ()
    note: str = ""
    columns: tuple[int, ...] = ()
    monthly: float | None = None
    console: str = ""


@dataclass(frozen=True)
class Group:
    """A frame around boxes: the VPC, or a subnet in the zone with the number `column`."""

    key: str
    name: str
    area: Area
    state: Health
    id: str = ""
    column: int = 0
    console: str = ""


@dataclass(frozen=True)
class Arrow:
    """Connection from a box to another. `label` is its ports or what it is for, `about` which rule allows it.

    `via` is the key of a box on its way, "" without one.
    """

    source: str
    target: str
    label: str
    state: Health
    about: str = ""
    via: str = ""


@dataclass(frozen=True)
class Picture:
    """A stack as boxes, groups and arrows. `columns` is the number of zones."""

    stack: str
    region: str
    account: str
    state: Health
    boxes: tuple[Box, ...]
    groups: tuple[Group, ...]
    arrows: tuple[Arrow, ...]
    columns: int
    monthly: float | None
    notes: tuple[str, ...] = ()

    def inside(self, *areas: Area) -> list[Box]:
        """The boxes of these areas, in their order."""
        return [box for box in self.boxes if box.area in areas]

    def box(self, key: str) -> Box | None:
        return next((box for box in self.boxes if box.key == key), None)

    def rows(self, area: Area) -> list[list[Box]]:
        """The boxes of an area in rows: side by side as long as each zone has one of them."""
        rows: list[list[Box]] = []
        taken: set[int] = set()
        for box in self.inside(area):
            columns = set(box.columns)
            if not rows or columns & taken:
                rows.append([])
                taken = set()
            rows[-1].append(box)
            taken |= columns
        return rows

    def document(self) -> dict[str, Any]:
        """The picture as JSON."""
        return {
            "state": self.state.value,
            "monthly": _cents(self.monthly),
            "boxes": [_plain(box) for box in self.boxes],
            "groups": [_plain(group) for group in self.groups],
            "arrows": [_plain(arrow) for arrow in self.arrows],
            "notes": list(self.notes),
        }


def _plain(part: Box | Group | Arrow) -> dict[str, Any]:
    return {name: value for name, value in _fields(part) if value not in ("", None, ())}


def _fields(part: Box | Group | Arrow) -> Iterator[tuple[str, Any]]:
    for name, value in vars(part).items():
        if isinstance(value, Enum):
            yield name, value.value
        elif name == "monthly":
            yield name, _cents(value)
        else:
            yield name, list(value) if isinstance(value, tuple) else value


def _cents(monthly: float | None) -> float | None:
    return None if monthly is None else round(monthly, 2)
