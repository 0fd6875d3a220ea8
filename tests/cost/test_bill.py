"""The bill of a stack that stands: what a change makes of it, what AWS has billed, and the budget that watches it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.config import from_mapping
from awsdeploy.cost import estimate
from tests.account import account
from tests.conftest import Stacks
from tests.permissions.stages import copied
from tests.simulated import World, writes

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
CONFIG = """\
name = "bill"
environment = "dev"
platform = "supported"
domain = "example.com"

[monitoring]
emails = ["ops@example.com"]
"""
WITH_NAT = CONFIG + "[network]\nnat = true\n"
LIMIT = 101  # 1.3 × 77.25


def budgets(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
    return found


def addressees(world: World) -> dict[tuple[str, float], list[str]]:
    """Subscribers of each notification."""
    client, (budget,) = world.client("budgets"), budgets(world)
    about = {"AccountId": ACCOUNT, "BudgetName": budget["BudgetName"]}
    found = {}
    for one in client.describe_notifications_for_budget(**about)["Notifications"]:
        listed = client.describe_subscribers_for_notification(**about, Notification=one)["Subscribers"]
        found[one["NotificationType"], one["Threshold"]] = [mail["Address"] for mail in listed]
    return found


@pytest.fixture(scope="module")
def stack_copy(stacks: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with stacks.copy(CONFIG, tmp_path_factory.mktemp("world")) as world:
        yield world


def test_a_new_stacks_plan_shows_every_line_and_what_is_beside_it(world: World) -> None:
    world.settings(WITH_NAT.replace('"supported"', '"documented"'))
    said = world.awsdeploy("plan").stdout
    for expected in (
        "1 × t3.micro (frontend)",
        "NAT gateway",
        "not used by the documented architecture",
        "Extended Support of MySQL 8.0",
        "175.20",
        "$299.17 a month before VAT and traffic",
        "6 metrics of the machines' agents",
        "the first 10 of an account are free",
        "Amazon Linux 2 is out of support since 2026-06-30",
        "Node.js 18 is out of support since 2025-04-30",
        "MySQL 8.0 is out of standard support since 2026-07-31",
    ):
        assert expected in said, expected
    row = next(line for line in said.splitlines() if "machine images" in line)
    assert "unknown" in row


def test_a_change_says_what_it_makes_of_the_bill(stack_copy: World) -> None:
    stack_copy.settings(WITH_NAT)
    said = stack_copy.awsdeploy("plan").stdout
    assert "This changes the bill by +$46.72 a month; currently $77.25:" in said
    assert "  + NAT gateway: $43.07" in said
    assert "  - 4 public addresses: $14.60" in said
    assert "  + 5 public addresses: $18.25" in said
    told = json.loads(stack_copy.awsdeploy("plan", "--json").stdout)
    assert (told["monthly"], told["difference"]) == (123.97, 46.72)
    stack_copy.settings(CONFIG)
    assert "a month" not in stack_copy.awsdeploy("plan").stdout


def test_storage_that_has_grown_is_priced_and_never_offered_as_a_saving(stack_copy: World, tmp_path: Path) -> None:
    with copied(stack_copy, tmp_path / "copy") as world:
        rds, ec2 = world.client("rds"), world.client("ec2")
        (database,) = rds.describe_db_instances()["DBInstances"]
        # As RDS's storage autoscaling and a person do.
        name = database["DBInstanceIdentifier"]
        grown = {"AllocatedStorage": 120, "MaxAllocatedStorage": 200}
        rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **grown)
        volume = ec2.describe_volumes()["Volumes"][0]
        ec2.modify_volume(VolumeId=volume["VolumeId"], Size=volume["Size"] + 10)
        world.pass_time(900)
        said = world.awsdeploy("plan").stdout
        assert "No changes" in said
        assert "database.max_storage_gb = 100 is too low for the 120 GB" in said
        assert "at least 132" in said
        assert json.loads(world.awsdeploy("plan", "--json").stdout)["difference"] == 0
        world.settings(WITH_NAT)
        said = world.awsdeploy("plan").stdout
        assert "This changes the bill by +$46.72 a month" in said
        assert "GB of" not in said
        told = json.loads(world.awsdeploy("plan", "--json").stdout)
        assert "120 GB of database" in [line["what"] for line in told["bill"]]
        assert world.awsdeploy("up", "--yes").returncode == 0
        assert rds.describe_db_instances()["DBInstances"][0]["MaxAllocatedStorage"] == 200


def test_the_budget_is_the_estimate_with_room_and_writes_to_who_hears_of_alarms(stack_copy: World) -> None:
    (budget,) = budgets(stack_copy)
    assert float(budget["BudgetLimit"]["Amount"]) == LIMIT
    assert budget["CostFilters"] == {"TagKeyValue": ["user:awsdeploy:stack$bill/dev"]}
    assert budget["BudgetName"].startswith("bill-dev-budget-")
    assert addressees(stack_copy) == {("ACTUAL", 80.0): ["ops@example.com"], ("FORECASTED", 100.0): ["ops@example.com"]}
    calls = stack_copy.up(stack_copy.settings(CONFIG))
    assert writes(calls) == {}
    assert sum(count for name, count in calls.items() if name.startswith("budgets:")) == 3


def test_a_stack_without_a_budget_asks_once_for_one(world: World) -> None:
    settings = world.settings(CONFIG.replace('["ops@example.com"]', "[]"))
    world.up(settings)
    assert budgets(world) == []
    calls = world.up(settings)
    assert {name: count for name, count in calls.items() if "budgets" in name} == {"budgets:DescribeBudget": 1}


def test_billed_is_shown_beside_the_estimate_once_the_tag_counts(stack_copy: World) -> None:
    stack_copy.settings(CONFIG)
    stack_copy.control("DELETE", "calls")
    assert stack_copy.awsdeploy("cost").returncode == 0
    assert stack_copy.control("GET", "calls")["calls"] == []
    silent = stack_copy.awsdeploy("cost", "--actual")
    assert "costs $0.01" in silent.stderr
    assert "update-cost-allocation-tags-status" in silent.stdout
    assert "24 h" in silent.stdout
    assert [one["call"] for one in stack_copy.control("GET", "calls")["calls"]] == ["ce:GetCostAndUsage"]
    status = [{"TagKey": "awsdeploy:stack", "Status": "Active"}]
    stack_copy.client("ce", "us-east-1").update_cost_allocation_tags_status(CostAllocationTagsStatus=status)
    assert "the budget has no data yet" in stack_copy.awsdeploy("status").stdout
    stack_copy.pass_time(2 * 86400)
    said = stack_copy.awsdeploy("cost", "--actual").stdout
    assert "77.25" in said
    row = next(line for line in said.splitlines() if "Relational Database" in line)
    assert 0.104 * 24 <= float(row.split()[-1]) + 0.01 < 0.104 * 24 * 2  # a day, and what has passed since
    told = json.loads(stack_copy.awsdeploy("cost", "--actual", "--json").stdout)
    assert told["billed"]["total"] == pytest.approx(sum(told["billed"]["services"].values()), abs=0.02)
    assert told["monthly"] == 77.25
    assert "the budget has no data yet" not in stack_copy.awsdeploy("status").stdout


def test_the_budget_follows_the_config_and_goes_with_the_stack(stack_copy: World) -> None:
    more = CONFIG.replace('["ops@example.com"]', '["dev@example.com", "cfo@example.com"]\nbudget_dollars = 250')
    stack_copy.up(stack_copy.settings(more))
    assert float(budgets(stack_copy)[0]["BudgetLimit"]["Amount"]) == 250
    assert set(addressees(stack_copy)["ACTUAL", 80.0]) == {"dev@example.com", "cfo@example.com"}
    stack_copy.up(stack_copy.settings(CONFIG + "budget = false\n"))
    assert budgets(stack_copy) == []
    stack_copy.up(stack_copy.settings(CONFIG))
    assert len(budgets(stack_copy)) == 1
    stack_copy.destroy(stack_copy.settings(CONFIG))
    assert account(stack_copy)["budget"] == []


DENIED = {
    "operation": "budgets:DescribeBudget",
    "code": "AccessDeniedException",
    "message": "not authorized to perform: budgets:ViewBudget",
}


def test_who_may_not_see_budgets_is_told_by_a_destroy_that_it_did_not_look_for_one(
    brought_up: Callable[[str], World],
) -> None:
    world = brought_up(CONFIG)
    world.control("POST", "refuse", {**DENIED, "times": 2})  # one look before, one in the sweep
    done = world.awsdeploy("destroy", "--confirm", "bill-dev")
    assert done.returncode == 0, done.stderr
    (budget,) = budgets(world)
    (said,) = [line for line in done.stdout.splitlines() if "Not checked" in line]
    assert budget["BudgetName"] in said
    assert "budgets:ViewBudget" in said
    again = world.awsdeploy("destroy", "--confirm", "bill-dev", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["not_seen"] == []
    assert budgets(world) == []


def test_who_may_not_see_budgets_is_told_before_anything_is_made(world: World) -> None:
    world.settings(CONFIG)
    world.control("POST", "refuse", {**DENIED, "times": 100})
    done = world.awsdeploy("up", "--yes")
    assert done.returncode == 3, done.stderr
    assert "budgets:ViewBudget" in done.stderr
    assert "monitoring.budget = false" in done.stderr
    assert [one["call"] for one in world.control("GET", "calls")["calls"] if one["write"]] == []
    world.settings(CONFIG + "budget = false\n")
    assert world.awsdeploy("plan").returncode == 0


def limit(**written: Any) -> int | None:
    return estimate.budget(from_mapping({"name": "bill", "environment": "dev", "platform": "supported", **written}))


def test_the_limit_of_a_budget() -> None:
    someone = {"emails": ["ops@example.com"]}
    assert limit(domain="example.com", monitoring=someone) == LIMIT
    assert limit(domain="example.com", monitoring={**someone, "budget_dollars": 50}) == 50
    assert limit(monitoring={**someone, "budget": False}) is None
    assert limit(monitoring={}) is None
    assert limit(region="eu-west-1", monitoring=someone) is None
