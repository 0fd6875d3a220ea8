"""Cost Explorer: what was billed by a tag, once that is a cost allocation tag. Simulated are machines and databases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

REGION = "ap-northeast-2"
COMPUTE, DATABASE = "Amazon Elastic Compute Cloud - Compute", "Amazon Relational Database Service"
AN_HOUR = {COMPUTE: 0.052, DATABASE: 0.104}
"""US dollars of a machine and of a database, whatever its size."""
SHOWS_AFTER = 86400.0  # seconds from the activation of a tag until something is billed by it; AWS: up to 24 h


@dataclass
class Billing:
    """The cost allocation tags, and since when."""

    active: dict[str, float] = field(default_factory=dict)


def billed(world: World, key: str, value: str) -> dict[str, float]:
    """US dollars by service of what carries a tag now, for the time since the tag shows in the bill."""
    since = world.of(Billing).active.get(key)
    hours = 0.0 if since is None else (world.now - since - SHOWS_AFTER) / 3600
    if hours <= 0:
        return {}
    machines = [
        one
        for one in world.moto("ec2", REGION).all_instances()
        if one.state == "running" and any((tag["key"], tag["value"]) == (key, value) for tag in one.get_tags())
    ]
    databases = [
        one
        for one in world.moto("rds", REGION).databases.values()
        if any((tag["Key"], tag["Value"]) == (key, value) for tag in one.tags)
    ]
    counted = {COMPUTE: len(machines), DATABASE: len(databases)}
    return {service: AN_HOUR[service] * count * hours for service, count in counted.items() if count}


@before("ce:UpdateCostAllocationTagsStatus")
def activate(world: World, call: ApiCall) -> Answer:
    active = world.of(Billing).active
    for one in call.parameters["CostAllocationTagsStatus"]:
        if one["Status"] == "Active":
            active.setdefault(one["TagKey"], world.now)
        else:
            active.pop(one["TagKey"], None)
    return {"Errors": []}


@before("ce:GetCostAndUsage")
def cost_and_usage(world: World, call: ApiCall) -> Answer:
    asked = call.parameters
    period: dict[str, Any] = asked["TimePeriod"]
    begins = datetime.fromisoformat(period["Start"]).replace(tzinfo=UTC).timestamp()
    if period["Start"] >= period["End"]:
        raise AwsRefuses("ValidationException", "Start date (and hour) should be before end date (and hour)")
    if begins > world.now:
        raise AwsRefuses("ValidationException", "start date is past the current date")
    tags = (asked.get("Filter") or {}).get("Tags") or {}
    found: dict[str, float] = {}
    for value in tags.get("Values") or ():
        found |= billed(world, tags["Key"], value)
    groups = [
        {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": str(amount), "Unit": "USD"}}}
        for service, amount in found.items()
    ]
    return {"ResultsByTime": [{"TimePeriod": period, "Total": {}, "Groups": groups, "Estimated": True}]}
