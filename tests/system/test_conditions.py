"""Accounts that may not yet do what the stack needs: `up` ends with the real remedy, and the same `up` finishes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from tests.account import leftovers
from tests.sampling import sampled
from tests.simulated import World, writes

CONFIG = """\
name = "fresh"
environment = "dev"
platform = "supported"

[network]
nat = true
"""
QUOTA = (
    "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 8 "
    "--region ap-northeast-2"
)


@dataclass(frozen=True)
class Condition:
    """Refusal of AWS in a certain kind of account, in its own words, and the words of the remedy."""

    operation: str
    code: str
    message: str
    remedy: tuple[str, ...]


RUN = "ec2:RunInstances"
CONDITIONS = {
    "free plan, database": Condition(
        "rds:CreateDBInstance",
        "FreeTierRestrictionError",
        "The specified backup retention period exceeds the maximum available to free tier customers.",
        ("Free plan", "upgrade-account-plan", "database.backup_days = 1"),
    ),
    "free plan, machines": Condition(
        RUN,
        "InvalidParameterCombination",
        "The specified instance type is not eligible for Free Tier.",
        ("Free plan", "upgrade-account-plan", "instance_type", "t3.micro", "--region ap-northeast-2"),
    ),
    "load balancers forbidden": Condition(
        "elbv2:CreateLoadBalancer",
        "OperationNotPermitted",
        "This AWS account currently does not support creating load balancers. For more information, contact Support.",
        ("support case",),
    ),
    "verification pending": Condition(
        RUN,
        "PendingVerification",
        "Your request for accessing resources in this region is being validated, and you will not be able to launch "
        "additional resources in this region until the validation is complete.",
        ("verifying", "4 hours"),
    ),
    "not signed up": Condition(
        RUN, "OptInRequired", "You are not subscribed to this service.", ("signing up", "https://portal.aws")
    ),
    "blocked": Condition(RUN, "Blocked", "This account is currently blocked.", ("support case",)),
    "too few vCPUs": Condition(
        RUN,
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of 1 allows for the instance bucket that "
        "the specified instance type belongs to.",
        (QUOTA,),
    ),
}


REFUSED_ALIKE = [name for name, condition in CONDITIONS.items() if condition.operation == RUN]


@pytest.mark.slow
@pytest.mark.parametrize("name", sampled(CONDITIONS))
def test_an_account_that_may_not_yet_is_told_what_helps_and_the_same_up_finishes(world: World, name: str) -> None:
    """One refusal; `make torture` finishes after every one."""
    settings, condition = world.settings(CONFIG), CONDITIONS[name]
    refuse(world, condition)
    told(world, condition)
    before = {one.id for one in world.everything(settings)}

    world.control("DELETE", "fault")
    again = world.awsdeploy("up", "--yes")
    assert again.returncode == 0, again.stderr
    observations = world.everything(settings)
    assert before <= {one.id for one in observations}, "made twice"
    assert max(Counter((one.kind, one.key) for one in observations).values()) == 1
    assert writes(world.up(settings)) == {}
    world.destroy(settings)
    assert leftovers(world) == []


@pytest.fixture(scope="module")
def stack_without_machines(module_world: World) -> World:
    """All stands but what `up` has been refused."""
    module_world.settings(CONFIG)
    refuse(module_world, CONDITIONS[REFUSED_ALIKE[0]])
    assert module_world.awsdeploy("up", "--yes").returncode == 4
    module_world.control("DELETE", "fault")
    return module_world


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED_ALIKE)
def test_each_reason_why_no_machine_is_started_is_told_with_its_remedy(
    stack_without_machines: World, name: str
) -> None:
    refuse(stack_without_machines, CONDITIONS[name])
    told(stack_without_machines, CONDITIONS[name])
    stack_without_machines.control("DELETE", "fault")


def told(world: World, condition: Condition) -> None:
    """Output of an `up` with this refusal."""
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 4, done.stderr
    assert condition.code in done.stderr
    assert "Traceback" not in done.stderr
    for words in condition.remedy:
        assert words in done.stderr, words
    assert "it continues from here" in done.stderr
    billed = next(line for line in done.stderr.splitlines() if line.startswith("Already billed: "))
    assert "NAT gateway $0.059/h" in billed
    assert ("load balancer $" in billed) is (condition.operation != "elbv2:CreateLoadBalancer")
    assert ("× t3.micro" in billed) is (condition.operation != RUN)


@pytest.mark.slow
def test_what_an_up_that_was_refused_has_made_is_removed_by_destroy(stack_without_machines: World) -> None:
    stack_without_machines.destroy(stack_without_machines.settings(CONFIG))
    assert leftovers(stack_without_machines) == []


@pytest.mark.slow
def test_two_refusals_are_told_with_both_their_remedies(world: World) -> None:
    world.settings(CONFIG)
    for name in ("load balancers forbidden", "verification pending"):
        refuse(world, CONDITIONS[name])
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 4
    assert "support case" in done.stderr
    assert "at most 4 hours" in done.stderr


def refuse(world: World, condition: Condition) -> None:
    row = {"operation": condition.operation, "code": condition.code, "message": condition.message, "times": 1000}
    world.control("POST", "refuse", row)
