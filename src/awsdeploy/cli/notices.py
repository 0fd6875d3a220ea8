"""Notices of what a person still has to do before a stack serves its purpose: one place, for every command that
shows them.

A notice is neither drift nor ill health: nothing that awsdeploy does would mend it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from awsdeploy.cli.session import Session

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Resource


def notices(at: Session, resources: Iterable[Resource]) -> list[str]:
    """Each once, in the order of the resources that have them."""
    said: dict[str, None] = {}
    for resource in resources:
        live = at.run.lives.get(resource)
        if live is not None and live.raw:
            said[resource.advisory(at.run.view(type(resource), at.run.of(resource)), live)] = None
    return [advisory for advisory in said if advisory]


def lines(at: Session, resources: Iterable[Resource]) -> list[str]:
    """The notices as a paragraph of its own, or nothing."""
    found = [line for advisory in notices(at, resources) for line in f"Note: {advisory}.".split("\n")]
    return ["", *found] if found else []
