"""The plan of a new stack on one screen: the total and the time, a line for each documented step, then the notes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from awsdeploy.progress.steps import spell

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.cost.estimate import Line
    from awsdeploy.engine.plan import Plan, Step
    from awsdeploy.engine.resource import Resource

DECISIONS = ("costs $", "out of support", "out of standard support", "leave the country", "health = ", "no AWS Budget")
"""Words of the notes that need a decision: money, versions without security fixes, and where data is stored."""


def lines(title: str, settings: Settings, plan: Plan, bill: list[Line], seconds: float) -> Iterator[str]:
    """The first screen: what it costs, how long it takes, and what matters in each step."""
    from awsdeploy.cli.text.bill import closing

    yield title
    yield ""
    yield closing(settings, bill)
    yield f"{sum(item.action == 'create' for item in plan.items.values())} to create; usually {spell(seconds)}."
    yield ""
    for step in plan.steps:
        yield _step(step, shutil.get_terminal_size().columns)
    yield ""


def notes(sentences: list[str], more: str) -> Iterator[str]:
    """Notes that need a decision, and the number of the others."""
    decide = [one for one in sentences if any(word in one for word in DECISIONS)]
    if decide:
        yield "To decide:"
        yield from (f"  {one}" for one in decide)
    yield f"{len(sentences) - len(decide)} notes only inform. Every resource, cost and note: {more}"


def _step(step: Step, width: int) -> str:
    """The step in one line: as many resources as fit, and the number of the others."""
    said, named = f"{step.title}: ", 0
    briefs = [brief for brief in map(_brief, step.resources) if brief]
    total = len(step.resources)
    for brief in briefs:
        longer = f"{said}{', ' if named else ''}{brief}"
        if len(longer) + len(f", +{total} more") > width:
            break
        said, named = longer, named + 1
    if not named:
        return f"{said}{total} resources"
    return said + (f", +{total - named} more" if total > named else "")


def _brief(resource: Resource) -> str:
    """A resource that matters in a plan, in a few words; "" if it is only counted."""
    from awsdeploy.resources.compute.instance import Instance
    from awsdeploy.resources.database.instance import Database
    from awsdeploy.resources.network.vpc import Subnet, Vpc

    name = resource.key.partition("/")[2]
    match resource:
        case Instance():
            return f"{resource.service} {resource.size} in {resource.subnet.zone[-1]}"
        case Database():
            standby = " with standby" if resource.multi_az else ""
            return f"MySQL {resource.version} on {resource.size}{standby}, {resource.storage} GB"
        case Vpc():
            return f"VPC {resource.cidr}"
        case Subnet():
            return name
    if type(resource).__name__ in ("NatGateway", "SecurityGroup", "Bucket", "LoadBalancer", "Record", "Certificate"):
        return {"NatGateway": "NAT gateway", "LoadBalancer": "load balancer"}.get(type(resource).__name__, name)
    return ""
