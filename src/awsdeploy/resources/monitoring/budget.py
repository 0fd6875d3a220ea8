"""An AWS Budget: mail when the stack's bill comes near what it should be, and when it is going to pass it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.refusals import FORBIDDEN
from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine.resource import (
    TAG_STACK,
    TIMELESS,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Stack,
)
from awsdeploy.resources import tag_calls

KEY = "monitoring/budget"
"""A stack has one at most."""
LONGEST_NAME = 100
MOST_ADDRESSES = 10
"""AWS: of one notification."""
NOTIFICATIONS: tuple[dict[str, Any], ...] = tuple(
    {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
    for kind, percent in (("ACTUAL", 80.0), ("FORECASTED", 100.0))
)
UNSEEN = "NotFoundException"
TAG_COUNTS = f"aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey={TAG_STACK},Status=Active"
"""AWS: what is billed can be told apart by a tag only once the payer has said so (in an organisation its management
account), and takes up to 24 h."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Budget(Resource):
    """A month's bill of what carries the stack's tag, `limit` in US dollars, and who hears of it.

    Its name says whose it is: a list of budgets shows no tags. Who may not see budgets sees none (an IAM user may not
    in most accounts, until its root user lets IAM users see the bill at all), so that a stack without one needs no
    permission for it; to make one is then refused before anything is made.
    """

    limit: int
    emails: tuple[str, ...]

    tagging = tag_calls.BUDGET
    title = "AWS Budget"
    immediate = True
    deletion = Deletion(immediate=True)
    idempotency = Idempotency.NAME
    is_global = True
    arns = (":budget/",)
    ignorable = {"limit"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        name = named(aws.stack)
        try:
            found = aws.client("budgets").describe_budget(AccountId=aws.account, BudgetName=name)["Budget"]
        except AwsRefusal as refusal:
            if refusal.code in FORBIDDEN:
                aws.context.denied[cls] = refusal.action
            elif refusal.code != UNSEEN:
                raise
            return
        yield Observed(cls, KEY, name, TIMELESS, raw=found, region=aws.region)

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """Constant: every setting can change in place."""
        return TIMELESS

    def conflict(self, aws: Aws) -> str:
        """Raise `AwsRefusal` if budgets cannot be read, which the scan ignores."""
        with tolerate(UNSEEN):
            aws.client("budgets").describe_budget(AccountId=aws.account, BudgetName=named(aws.stack))
        return ""

    def create(self, aws: Aws) -> str:
        name = named(aws.stack)
        with tolerate("DuplicateRecordException"):
            aws.client("budgets").create_budget(
                AccountId=aws.account,
                Budget=self._settings(aws, name),
                NotificationsWithSubscribers=[
                    {"Notification": one, "Subscribers": [_by_mail(email) for email in self.addresses]}
                    for one in NOTIFICATIONS
                ],
                ResourceTags=aws.tags(self),
            )
        return name

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.emails[:MOST_ADDRESSES]

    def _settings(self, aws: Aws, name: str) -> dict[str, Any]:
        """AWS: in a budget's filter a tag of one's own is written user:KEY$VALUE."""
        return {
            "BudgetName": name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": str(self.limit), "Unit": "USD"},
            "CostFilters": {"TagKeyValue": [f"user:{TAG_STACK}${aws.stack.tag}"]},
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        wanted = self._settings(aws, observed.id)
        if aws.ignores(self, "limit"):
            wanted["BudgetLimit"] = observed.raw["BudgetLimit"]
        update = partial(aws.client("budgets").update_budget, AccountId=aws.account, NewBudget=wanted)
        present = float(observed.raw.get("BudgetLimit", {}).get("Amount", 0))
        if present != self.limit:
            yield Change("limit", f"${present:,.0f}", f"${self.limit:,}", update)
        if observed.raw.get("CostFilters") != wanted["CostFilters"]:
            yield Change("filter", observed.raw.get("CostFilters"), wanted["CostFilters"], update)
        if observed.raw.get("TimeUnit") != wanted["TimeUnit"]:
            yield Change("TimeUnit", observed.raw.get("TimeUnit"), wanted["TimeUnit"], update)
        for changes in aws.each(lambda one: list(self._diff_notification(aws, observed, one)), NOTIFICATIONS):
            yield from changes

    def _diff_notification(self, aws: Aws, observed: Observed, notification: dict[str, Any]) -> Iterator[Change]:
        """Correct the subscribers of a notification. AWS requires at least one, so new ones are added first."""
        client = aws.client("budgets")
        about = {"AccountId": aws.account, "BudgetName": observed.id, "Notification": notification}
        what = f"mail at {notification['Threshold']:.0f} % {notification['NotificationType'].lower()}"
        try:
            found = client.describe_subscribers_for_notification(**about)["Subscribers"]
        except AwsRefusal as refusal:
            if refusal.code != UNSEEN:
                raise
            everyone = [_by_mail(email) for email in self.addresses]
            yield Change(what, None, ", ".join(self.addresses), lambda: _told(client, about, everyone))
            return
        present = [one["Address"] for one in found if one["SubscriptionType"] == "EMAIL"]
        for email in self.addresses:
            if email not in present:
                yield Change(what, None, email, _later(client.create_subscriber, about, email))
        for email in present:
            if email not in self.addresses:
                yield Change(what, email, None, _later(client.delete_subscriber, about, email))

    def advisory(self, aws: Aws, observed: Observed) -> str:
        spent = observed.raw.get("CalculatedSpend", {}).get("ActualSpend", {}).get("Amount", 0)
        if float(spent):
            return ""
        return (
            f"the budget has no data yet: AWS counts by tag only after the tag is activated as a cost allocation tag: "
            f"{TAG_COUNTS} (takes up to 24 h)"
        )

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {"limit": f"${self.limit:,} a month"}

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate(UNSEEN):
            aws.client("budgets").delete_budget(AccountId=aws.account, BudgetName=observed.id)


def named(stack: Stack) -> str:
    """Name of a stack's budget."""
    return stack.called(KEY, TIMELESS, LONGEST_NAME)


def _by_mail(email: str) -> dict[str, str]:
    return {"SubscriptionType": "EMAIL", "Address": email}


def _later(call: Any, about: dict[str, Any], email: str) -> Any:
    """AWS: what is there already or gone already is refused, and is what was wanted."""

    def apply() -> None:
        with tolerate("DuplicateRecordException", UNSEEN):
            call(**about, Subscriber=_by_mail(email))

    return apply


def _told(client: Any, about: dict[str, Any], everyone: list[dict[str, str]]) -> None:
    with tolerate("DuplicateRecordException"):
        client.create_notification(**about, Subscribers=everyone)
