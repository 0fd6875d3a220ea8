"""The deployer's policy against what is called in the whole life of a stack that has everything, both ways; and what
somebody is told who lacks one action of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy import config, permissions
from awsdeploy.aws.refusals import AwsRefusal
from tests.permissions.stages import EVERYTHING, Life, copied, lived, needed, typed
from tests.sampling import sampled
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]


SETTINGS = config.from_mapping(tomllib.loads(EVERYTHING))
ACTIONS = sorted({action for row in permissions.statements(SETTINGS) for action in row["Action"]})
FOREGONE = {
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeRegions",
    "freetier:GetAccountPlanState",
    "rds:DescribeOrderableDBInstanceOptions",
    "s3:GetAccountPublicAccessBlock",
    "servicequotas:GetServiceQuota",
    "sns:ListSubscriptions",
}
"""Calls of preflight alone: without permission a run says what was not checked, and continues (tests/preflight)."""
TAKEN_AWAY = [one for one in ACTIONS if one not in permissions.UNRECORDED and one not in FOREGONE]
SAMPLE = {"acm:RequestCertificate", "iam:PassRole"}
"""An action that is its operation's name, and one without an operation of that name, which other calls need.

`make torture` takes away each of the others, too.
"""

BY_CHANCE = {"ec2:DescribeNetworkInterfaces"}
"""Called only if the load balancer still has its interfaces when its security group is to be deleted."""


@pytest.fixture(scope="module")
def life(module_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    with lived(module_world, tmp_path_factory.mktemp("stages")) as found:
        yield found


def test_every_call_of_a_stacks_life_is_allowed(life: Life) -> None:
    wanted = {action for calls in life.calls.values() for action in needed(calls)}
    assert wanted - set(ACTIONS) == set()


def test_nothing_is_allowed_that_is_neither_called_nor_explained(life: Life) -> None:
    wanted = {action for calls in life.calls.values() for action in needed(calls)}
    assert set(ACTIONS) - wanted - BY_CHANCE == set(permissions.UNRECORDED) - BY_CHANCE
    assert all(permissions.UNRECORDED.values())


def test_a_refusal_names_the_action_that_iam_knows_even_where_aws_does_not(life: Life) -> None:
    for call in (one for calls in life.calls.values() for one in calls):
        if call["actions"]:
            assert AwsRefusal(call["call"], "AccessDenied", "Access Denied").action in call["actions"], call


@pytest.mark.parametrize("action", sampled(TAKEN_AWAY, SAMPLE))
def test_who_may_not_do_one_thing_is_told_which(life: Life, action: str, tmp_path: Path) -> None:
    stage = life.stage_of(action)
    with copied(life.before[stage], tmp_path / "copy") as world:
        world.control("POST", "deny", {"actions": [action]})
        for words in typed(stage):
            done = world.awsdeploy(*words.split(), timeout=300)
            if done.returncode:
                break
    assert done.returncode == 3, f"{words}: {done.returncode} {done.stderr[-2000:]}"
    assert f'"Action": "{action}"' in done.stderr
    assert "awsdeploy policy" in done.stderr
    assert "Traceback" not in done.stderr
