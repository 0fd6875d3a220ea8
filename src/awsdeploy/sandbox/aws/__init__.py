"""Differences between moto and AWS, one function each, registered for the operations it concerns.

A correction that runs `before` may refuse the call, change its parameters, or answer it in place of moto;
one that runs `after` sees moto's answer and may change it or put later events on the agenda.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

Answer = dict[str, Any]
Before = Callable[[World, ApiCall], "Mapping[str, Any] | None"]
After = Callable[[World, ApiCall, Answer], None]
Beginning = Callable[[World], None]

BEFORE: dict[str, list[Before]] = defaultdict(list)
AFTER: dict[str, list[After]] = defaultdict(list)
BEGINNINGS: list[Beginning] = []
FORKED: list[Beginning] = []
"""Run once in the copy of a world that a fork makes."""
LEAPS: list[Beginning] = []
"""Run before the clock is moved by hand, with the world's lock."""


def before(*operations: str) -> Callable[[Before], Before]:
    """Run in front of moto, in the order of registration, for `service:Operation`s."""

    def register(correction: Before) -> Before:
        for operation in operations:
            BEFORE[operation].append(correction)
        return correction

    return register


def after(*operations: str) -> Callable[[After], After]:
    """Run on moto's answer, unless moto refused the call."""

    def register(correction: After) -> After:
        for operation in operations:
            AFTER[operation].append(correction)
        return correction

    return register


def beginning(correction: Beginning) -> Beginning:
    """Run once in every fresh world."""
    BEGINNINGS.append(correction)
    return correction
