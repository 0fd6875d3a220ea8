"""What the router has found out about real machines, and when a world needs a router at all.

A machine is real once something runs on it: a command was sent there, or it carries the tag of a release.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.call import Call
from awsdeploy.sandbox.corrections import Answer, after
from awsdeploy.sandbox.world import World

RELEASE = "awsdeploy:release"
"""The tag a machine carries on which a release was put."""


@dataclass
class Checked:
    """State, reason and words of each target that is checked for real, by group and machine; who finishes requests."""

    verdicts: dict[tuple[str, str], tuple[str, str, str]] = field(default_factory=dict)
    draining: set[tuple[str, str]] = field(default_factory=set)
    wanted: bool = False


def released(instance: Any) -> bool:
    return any(tag["key"] == RELEASE for tag in instance.get_tags())


@after("ec2:CreateTags")
def tagged(world: World, call: Call, _: Answer) -> None:
    if any(tag.get("Key") == RELEASE for tag in call.parameters.get("Tags") or ()):
        world.of(Checked).wanted = True


@after("ssm:SendCommand")
def commanded(world: World, call: Call, _: Answer) -> None:
    world.of(Checked).wanted = True
