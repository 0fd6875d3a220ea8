"""Budgets and Cost Explorer in the sandbox: names, addressees, and what a tag has cost."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.sample_application import SampleApplication
from tests.simulated import World

ACCOUNT = "123456789012"
NAME = {"AccountId": ACCOUNT, "BudgetName": "b"}
NOTIFICATION = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}


def mail(address: str) -> dict[str, str]:
    return {"SubscriptionType": "EMAIL", "Address": address}


@pytest.fixture
def budgets(world: World) -> Any:
    return world.client("budgets")


def make(budgets: Any, addresses: int = 1) -> None:
    budgets.create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": "b",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "100", "Unit": "USD"},
            "CostFilters": {"TagKeyValue": ["user:team$a"]},
        },
        NotificationsWithSubscribers=[
            {"Notification": NOTIFICATION, "Subscribers": [mail(f"{one}@example.com") for one in range(addresses)]}
        ],
    )


def refused(call: Any, **wanted: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**wanted)
    return str(raised.value.response["Error"]["Code"])


def test_the_name_of_a_budget_is_taken_once(budgets: Any) -> None:
    make(budgets)
    assert refused(lambda: make(budgets)) == "DuplicateRecordException"
    budgets.delete_budget(**NAME)
    assert refused(budgets.describe_budget, **NAME) == "NotFoundException"


def test_a_budget_has_a_time_without_being_given_one(budgets: Any) -> None:
    make(budgets)
    period = budgets.describe_budget(**NAME)["Budget"]["TimePeriod"]
    assert period["Start"].day == 1
    assert f"{period['End'].astimezone(UTC):%Y-%m-%d %H:%M}" == "2087-06-15 00:00"
    wanted = {"BudgetName": "b", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=wanted | {"BudgetLimit": {"Amount": "7", "Unit": "USD"}})
    assert budgets.describe_budget(**NAME)["Budget"]["TimePeriod"] == period


def test_a_notification_has_one_to_ten_addressees_by_mail(budgets: Any) -> None:
    assert refused(lambda: make(budgets, addresses=11)) == "InvalidParameterException"
    make(budgets)
    about = {**NAME, "Notification": NOTIFICATION}
    assert refused(budgets.create_subscriber, **about, Subscriber=mail("0@example.com")) == "DuplicateRecordException"
    assert refused(budgets.delete_subscriber, **about, Subscriber=mail("1@example.com")) == "NotFoundException"
    assert refused(budgets.delete_subscriber, **about, Subscriber=mail("0@example.com")) == "InvalidParameterException"
    budgets.delete_notification(**about)
    assert refused(budgets.describe_subscribers_for_notification, **about) == "NotFoundException"


def test_nothing_is_billed_by_a_tag_until_a_day_after_its_activation(sample: SampleApplication) -> None:
    ce, budgets = sample.client("ce"), sample.client("budgets")
    make(budgets)
    sample.ec2.create_tags(Resources=[sample.machine], Tags=[{"Key": "team", "Value": "a"}])
    asked = {
        "TimePeriod": {"Start": "2020-01-01", "End": "2030-01-01"},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "Filter": {"Tags": {"Key": "team", "Values": ["a"]}},
    }
    sample.pass_time(2 * 86400)
    assert ce.get_cost_and_usage(**asked)["ResultsByTime"][0]["Groups"] == []
    ce.update_cost_allocation_tags_status(CostAllocationTagsStatus=[{"TagKey": "team", "Status": "Active"}])
    sample.pass_time(2 * 86400)
    assert len(ce.get_cost_and_usage(**asked)["ResultsByTime"][0]["Groups"]) == 1
    assert float(budgets.describe_budget(**NAME)["Budget"]["CalculatedSpend"]["ActualSpend"]["Amount"]) > 0
