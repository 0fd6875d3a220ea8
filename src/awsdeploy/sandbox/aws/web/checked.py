"""Results of the router's health checks, for the machines on which something really runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.server.world import World

RELEASE = "awsdeploy:release"
"""The tag a machine carries on which a release was put."""


@dataclass
class Checked:
    """State, reason and words of each target that is checked for real, by group and machine; who finishes requests."""

    verdicts: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    draining: set[tuple[str, str]] = field(default_factory=set)


def real(world: World, id: str) -> bool:
    """Check whether anything was ever run on the machine."""
    return id in world.of(hosts.Hosts).running


def released(world: World, instance: Any) -> bool:
    """Check whether a release was really installed on the machine: a tag alone runs nothing."""
    return real(world, instance.id) and any(tag["key"] == RELEASE for tag in instance.get_tags())
