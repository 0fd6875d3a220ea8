"""Actual cost: what AWS has billed for a stack, asked of Cost Explorer by the stack's tag."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from awsdeploy.aws.session import AwsSession
from awsdeploy.engine.resource import TAG_STACK, Stack
from awsdeploy.resources.monitoring.budget import TAG_COUNTS

PRICE = 0.01
"""US dollars. AWS: of every request to Cost Explorer, and of each further page of its answer."""

REGION = "us-east-1"
"""AWS: Cost Explorer answers there, for all regions."""

SILENT = (
    "AWS reports costs by tag only after the tag is activated as a cost allocation tag, and only from then on: "
    f"{TAG_COUNTS} (in an organization: with the management account's credentials). Costs appear up to 24 h later. A "
    "new tag can be activated up to 24 h after its first use."
)


@dataclass(frozen=True)
class Billed:
    """US dollars (`unit`) by AWS service. `since` and `until` are days, the last one not included; `share` is how much
    of the month they are."""

    since: str
    until: str
    unit: str
    services: dict[str, float]
    share: float

    @property
    def total(self) -> float:
        return sum(self.services.values())


def this_month(session: AwsSession, stack: Stack, now: datetime | None = None) -> Billed:
    """Cost of this month so far, by service. Each page of the answer costs `PRICE`.

    Raises `AwsRefusal` where Cost Explorer is not turned on or not allowed.
    """
    today = (now or datetime.now(UTC)).date()
    first, until = today.replace(day=1), today + timedelta(days=1)  # AWS: the end is not included
    asked: dict[str, Any] = {
        "TimePeriod": {"Start": first.isoformat(), "End": until.isoformat()},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        "Filter": {"Tags": {"Key": TAG_STACK, "Values": [stack.tag], "MatchOptions": ["EQUALS"]}},
    }
    client, unit = session.client("ce", REGION), "USD"
    more: dict[str, str] = {}
    services: dict[str, float] = {}
    while True:
        answer = client.get_cost_and_usage(**asked, **more)
        for period in answer.get("ResultsByTime", ()):
            for group in period.get("Groups", ()):
                cost = group["Metrics"]["UnblendedCost"]
                unit = cost.get("Unit", unit)
                services[group["Keys"][0]] = services.get(group["Keys"][0], 0.0) + float(cost["Amount"])
        if not answer.get("NextPageToken"):
            break
        more = {"NextPageToken": answer["NextPageToken"]}
    days = calendar.monthrange(today.year, today.month)[1]
    largest = dict(sorted(services.items(), key=lambda one: -one[1]))
    return Billed(first.isoformat(), until.isoformat(), unit, largest, today.day / days)
