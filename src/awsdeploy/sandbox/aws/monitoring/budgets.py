"""AWS Budgets, of which moto knows neither changes nor addressees nor tags."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.monitoring import billing
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

MOST_ADDRESSES = 10
LAST_DAY = datetime(2087, 6, 15, tzinfo=UTC)
"""AWS: the end of a budget's time that is created without one (API_TimePeriod)."""
Shape = dict[str, Any]


@dataclass
class StoredBudget:
    """A budget of the account; `notifications` with their addresses."""

    shown: Shape
    notifications: list[tuple[Shape, list[Shape]]]
    tags: dict[str, str]


@dataclass
class Budgets:
    """All budgets of the account."""

    by_name: dict[str, StoredBudget] = field(default_factory=dict)


@before("budgets:CreateBudget")
def create(world: World, call: ApiCall) -> Answer:
    wanted = copy.deepcopy(call.parameters["Budget"])
    name = wanted["BudgetName"]
    if ":" in name or "\\" in name or len(name) > 100:
        raise AwsRefuses("InvalidParameterException", f"Invalid budget name: {name}")
    _checked(wanted)
    wanted.setdefault("TimePeriod", {"Start": _this_month(world), "End": LAST_DAY})
    if name in world.of(Budgets).by_name:
        raise AwsRefuses("DuplicateRecordException", f"Error creating budget: {name} - the budget already exists.")
    notifications: list[tuple[Shape, list[Shape]]] = []
    for one in call.parameters.get("NotificationsWithSubscribers") or ():
        notifications.append((_notification(one["Notification"]), _addressees(one["Subscribers"])))
    tags = {tag["Key"]: tag["Value"] for tag in call.parameters.get("ResourceTags") or ()}
    world.of(Budgets).by_name[name] = StoredBudget(wanted, notifications, tags)
    return {}


def _this_month(world: World) -> datetime:
    return datetime.fromtimestamp(world.now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@before("budgets:UpdateBudget")
def update(world: World, call: ApiCall) -> Answer:
    wanted = copy.deepcopy(call.parameters["NewBudget"])
    _checked(wanted)
    budget = _named(world, wanted["BudgetName"])
    budget.shown = {"TimePeriod": budget.shown["TimePeriod"], **wanted}
    return {}


@before("budgets:DescribeBudget")
def one(world: World, call: ApiCall) -> Answer:
    return {"Budget": _shown(world, _named(world, call.parameters["BudgetName"]))}


@before("budgets:DescribeBudgets")
def many(world: World, _: ApiCall) -> Answer:
    return {"Budgets": [_shown(world, budget) for budget in world.of(Budgets).by_name.values()]}


@before("budgets:DeleteBudget")
def delete(world: World, call: ApiCall) -> Answer:
    _named(world, call.parameters["BudgetName"])
    del world.of(Budgets).by_name[call.parameters["BudgetName"]]
    return {}


@before("budgets:CreateNotification")
def create_notification(world: World, call: ApiCall) -> Answer:
    budget, wanted = _named(world, call.parameters["BudgetName"]), _notification(call.parameters["Notification"])
    if any(known == wanted for known, _ in budget.notifications):
        raise AwsRefuses("DuplicateRecordException", "The notification already exists.")
    budget.notifications.append((wanted, _addressees(call.parameters["Subscribers"])))
    return {}


@before("budgets:DeleteNotification")
def delete_notification(world: World, call: ApiCall) -> Answer:
    budget, wanted = _named(world, call.parameters["BudgetName"]), _notification(call.parameters["Notification"])
    _subscribers(world, call)
    budget.notifications = [(known, whom) for known, whom in budget.notifications if known != wanted]
    return {}


@before("budgets:DescribeNotificationsForBudget")
def notifications(world: World, call: ApiCall) -> Answer:
    return {"Notifications": [known for known, _ in _named(world, call.parameters["BudgetName"]).notifications]}


@before("budgets:DescribeSubscribersForNotification")
def subscribers(world: World, call: ApiCall) -> Answer:
    return {"Subscribers": list(_subscribers(world, call))}


@before("budgets:CreateSubscriber")
def create_subscriber(world: World, call: ApiCall) -> Answer:
    present, one = _subscribers(world, call), dict(call.parameters["Subscriber"])
    if one in present:
        raise AwsRefuses("DuplicateRecordException", "The subscriber already exists.")
    present[:] = _addressees([*present, one])
    return {}


@before("budgets:DeleteSubscriber")
def delete_subscriber(world: World, call: ApiCall) -> Answer:
    present, one = _subscribers(world, call), dict(call.parameters["Subscriber"])
    if one not in present:
        raise AwsRefuses("NotFoundException", "The subscriber doesn't exist.")
    present[:] = _addressees([known for known in present if known != one])
    return {}


@before("budgets:TagResource", "budgets:UntagResource", "budgets:ListTagsForResource")
def tags(world: World, call: ApiCall) -> Answer:
    budget = _named(world, call.parameters["ResourceARN"].rpartition("budget/")[2])
    budget.tags.update({tag["Key"]: tag["Value"] for tag in call.parameters.get("ResourceTags") or ()})
    for key in call.parameters.get("ResourceTagKeys") or ():
        budget.tags.pop(key, None)
    if call.operation != "ListTagsForResource":
        return {}
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in budget.tags.items()]}


def _named(world: World, name: str) -> StoredBudget:
    if name not in world.of(Budgets).by_name:
        raise AwsRefuses("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
    return world.of(Budgets).by_name[name]


def _shown(world: World, budget: StoredBudget) -> Shape:
    """AWS: what a tag that is no cost allocation tag has cost is not known, and counts as nothing."""
    spent = 0.0
    for one in (budget.shown.get("CostFilters") or {}).get("TagKeyValue", ()):
        key, _, value = str(one).removeprefix("user:").partition("$")
        spent += sum(billing.billed(world, key, value).values())
    # AWS shows decimals whatever was written.
    limit = {**budget.shown["BudgetLimit"], "Amount": str(float(budget.shown["BudgetLimit"]["Amount"]))}
    spend = {"ActualSpend": {"Amount": f"{spent:.2f}", "Unit": "USD"}}
    return {**copy.deepcopy(budget.shown), "BudgetLimit": limit, "CalculatedSpend": spend}


def _checked(budget: Shape) -> None:
    if float(budget.get("BudgetLimit", {}).get("Amount", 0)) <= 0:
        raise AwsRefuses("InvalidParameterException", "Unable to create/update budget - please provide a Budget Limit")
    for one in (budget.get("CostFilters") or {}).get("TagKeyValue", ()):
        if "$" not in one:
            raise AwsRefuses("InvalidParameterException", f"Invalid tag filter: {one}")


def _notification(wanted: Shape) -> Shape:
    """Identity of a notification."""
    found = {name: wanted[name] for name in ("NotificationType", "ComparisonOperator", "Threshold")}
    return {**found, "Threshold": float(found["Threshold"]), "ThresholdType": wanted.get("ThresholdType", "PERCENTAGE")}


def _addressees(wanted: list[Shape]) -> list[Shape]:
    mails = [one for one in wanted if one["SubscriptionType"] == "EMAIL"]
    if not wanted or len(mails) > MOST_ADDRESSES:
        raise AwsRefuses("InvalidParameterException", "A notification has one addressee at least, and ten by e-mail.")
    return [dict(one) for one in wanted]


def _subscribers(world: World, call: ApiCall) -> list[Shape]:
    budget, wanted = _named(world, call.parameters["BudgetName"]), _notification(call.parameters["Notification"])
    for known, whom in budget.notifications:
        if known == wanted:
            return whom
    raise AwsRefuses("NotFoundException", f"Unable to find the notification of account {ACCOUNT}.")
