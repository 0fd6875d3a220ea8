"""Advisories: what a person still has to do before a stack is complete, such as confirming an e-mail address.

An advisory is neither drift nor a failed health check: awsdeploy cannot correct it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from awsdeploy.cli.session import Session

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Resource


def collect(at: Session, resources: Iterable[Resource]) -> list[str]:
    """Advisories in the order of the resources, each once."""
    said: dict[str, None] = {}
    for resource in resources:
        observed = at.run.observations.get(resource)
        if observed is not None and observed.raw:
            said[resource.advisory(at.run.view_of(resource), observed)] = None
    return [advisory for advisory in said if advisory]


def lines(at: Session, resources: Iterable[Resource]) -> list[str]:
    """The advisories as a paragraph, or nothing."""
    found = [line for advisory in collect(at, resources) for line in f"Note: {advisory}.".split("\n")]
    return ["", *found] if found else []
