"""Danger of each part of a plan: what a person reads first. Knows no kind by its name."""

from __future__ import annotations

from awsdeploy.engine.plan import Item, Plan
from awsdeploy.engine.resource import Danger, Observed


def of_item(plan: Plan, item: Item) -> Danger:
    """Danger of what is done with one declared resource: the worst of its changes.

    A replacement loses data if the object in its place holds any.
    """
    if item.action == "replace":
        lost = any((one.kind, one.key) == (type(item.resource), item.resource.key) for one in plan.lost_data)
        return Danger.DATA_LOSS if lost else Danger.REPLACEMENT
    return max((change.danger for change in item.changes), default=Danger.NONE)


def of_removal(plan: Plan, observed: Observed) -> Danger:
    """Danger of one deletion. No request misses an object in whose place is another one."""
    found: Danger = observed.kind.deletion_danger(observed)
    replaced = any(one is observed for one in plan.replaced)
    return Danger.NONE if replaced and found == Danger.OUTAGE else found
