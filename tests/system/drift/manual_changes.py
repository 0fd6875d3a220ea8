"""Changes by hand, and what nobody can change: the tables that each area fills in."""

from __future__ import annotations

from collections.abc import Callable

from awsdeploy.engine.resource import Observed
from tests.simulated import World

Hand = Callable[[World, dict[str, Observed]], None]
HANDS: dict[str, tuple[str, Hand]] = {}
"""Change → the resource whose plan must show it, and how it is changed."""
COVERS: dict[str, str] = {}
"""A parameter awsdeploy sends → the row of `HANDS` that proves it is read."""
SETTLED: dict[str, str] = {}
"""A parameter that nobody can change afterwards, or whose change means nothing, and why."""

NAME = "names the object"
EDGE = "AWS has no call to move it"


def by_hand(name: str, key: str, *covers: str) -> Callable[[Hand], Hand]:
    def enter(hand: Hand) -> Hand:
        HANDS[name] = (key, hand)
        COVERS.update(dict.fromkeys(covers, name))
        return hand

    return enter
