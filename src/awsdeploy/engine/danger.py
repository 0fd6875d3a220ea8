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
        worst = max((item.resource.replacing(one)[1] for one in item.replaced), default=Danger.REPLACEMENT)
        return Danger.DATA_LOSS if lost else worst
    return max((change.danger for change in item.changes), default=Danger.NONE)


def outage_of(item: Item) -> float:
    """Usual seconds of the outage that its changes cause, which are made together; 0 without one, or if unknown."""
    return max((change.outage for change in item.changes if change.danger == Danger.OUTAGE), default=0)


def of_removal(plan: Plan, observed: Observed) -> Danger:
    """Danger of one deletion. No request misses an object that another replaces, or beside which others serve."""
    found: Danger = observed.kind.deletion_danger(observed)
    if found != Danger.OUTAGE:
        return found
    replaced = any(one is observed for one in plan.replaced)
    return Danger.NONE if replaced or any(one.stands_in(observed) for one in plan.items) else found
