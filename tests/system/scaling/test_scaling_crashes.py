"""A kill or a lost answer at any write that scaling adds: the same command goes on, without twins or leaks.

A seeded sample here; `make torture` does every one.
"""

from __future__ import annotations

import random

import pytest

from tests.account import leftovers
from tests.sampling import sampled
from tests.simulated import World, writes
from tests.system.scaling.conftest import SCALED
from tests.system.test_crashes import FAULTS, KILLED, Record, no_twins

FIRST, LARGER, GONE = "first", "larger", "gone"
WRITES = {
    FIRST: ("ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup", "autoscaling:PutScalingPolicy"),
    LARGER: (
        "ec2:CreateLaunchTemplateVersion",
        "ec2:ModifyLaunchTemplate",
        "autoscaling:UpdateAutoScalingGroup",
        "ec2:DeleteLaunchTemplateVersions",
    ),
    GONE: (
        "autoscaling:DeletePolicy",
        "autoscaling:UpdateAutoScalingGroup",
        "autoscaling:DeleteAutoScalingGroup",
        "ec2:DeleteLaunchTemplate",
    ),
}
EVERY_POINT = [(what, name, fault) for what, names in WRITES.items() for name in names for fault in FAULTS]
SAMPLE = random.Random(20261124).sample(EVERY_POINT, 1)
ONE = SCALED.replace("min = 2", "min = 1")
UP = ("up", "--yes")
DESTROY = ("destroy", "--confirm", "shop-dev", "--delete-data", "--delete-zone")


@pytest.mark.slow
@pytest.mark.parametrize(("what", "operation", "fault"), sampled(EVERY_POINT, SAMPLE))
def test_a_crash_is_survived(
    request: pytest.FixtureRequest, what: str, operation: str, fault: str, record_property: Record
) -> None:
    survive(where(request, what), what, operation, fault, record_property)


def where(request: pytest.FixtureRequest, what: str) -> World:
    """An empty world for a first `up`, one with the stack in it otherwise."""
    found: World = request.getfixturevalue("empty_world" if what == FIRST else "world")
    return found


def sized(size: str) -> str:
    """One machine at least, of this type."""
    return ONE.replace("[services.backend]", f'[services.backend]\ninstance_type = "{size}"')


def survive(world: World, what: str, operation: str, fault: str, record: Record) -> None:
    if what == LARGER:  # the third version: there is one before the last to delete
        world.up(world.settings(sized("t3.small")))
    text = {FIRST: ONE, LARGER: sized("t3.medium"), GONE: SCALED}[what]
    settings = world.settings(text)
    words = DESTROY if what == GONE else UP
    world.control("POST", "fault", {"kind": fault, "write": 1, "operation": operation})
    first = world.awsdeploy(*words)
    fired = not world.control("GET", "fault")["armed"]
    world.control("DELETE", "fault")
    assert fired, f"no {operation}"
    if fault != "lost-answer":
        assert first.returncode == KILLED, first.stderr
    again = world.awsdeploy(*words, AWSDEPLOY_SETTLE="0.3")
    assert again.returncode in ({6} if what == GONE and first.returncode == 0 else {0}), again.stderr
    assert "Traceback" not in first.stderr + again.stderr
    if what != GONE:
        observations = world.everything(settings)
        no_twins([one for one in observations if not one.key.startswith("machines/backend-template/")], record)
        templates = [one for one in observations if one.kind.__name__ == "LaunchTemplate"]
        assert [len(one.raw["Versions"]) for one in templates] == [2 if what == LARGER else 1]
        assert writes(world.up(settings)) == {}
        world.destroy(settings)
    assert world.everything(settings) == []
    left = leftovers(world)
    record("leaks", len(left))
    assert left == []
