"""Changes of a plan as text: the dangerous ones first, the others by the documented steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from awsdeploy.cli.planning import trouble
from awsdeploy.progress.steps import KEY_WIDTH, spell

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Change, Danger, Observed
    from awsdeploy.engine.plan import Item, Plan

SIGNS = {"create": "+", "change": "~", "replace": "-/+", "wait": "…"}
TITLES = {
    "DATA_LOSS": "Data loss: what is deleted cannot be created again",
    "OUTAGE": "Outage: requests can fail",
    "REPLACEMENT": "Replacement: another one is created, the present one is deleted",
}
"""Titles of the dangers."""
FEW = 3  # are named one by one in the warning


@dataclass(frozen=True)
class Part:
    """Change of one resource, as lines below a title."""

    danger: Danger
    title: str
    key: str
    lines: tuple[str, ...]


def sections(plan: Plan) -> Iterator[list[str]]:
    """A title and its changes for each danger, the worst first; then for each documented step, and for removals.

    Within a section the order is the documented one. No change is in two sections.
    """
    parts = sorted(_parts(plan), key=lambda part: -part.danger)
    for title, some in itertools.groupby(parts, key=lambda part: part.title):
        yield [title, *(line for part in some for line in part.lines)]


def warning(plan: Plan) -> Iterator[str]:
    """A line about what loses data or interrupts requests: a long plan has scrolled it away."""
    for name in ("DATA_LOSS", "OUTAGE"):
        keys = list(dict.fromkeys(part.key for part in _parts(plan) if part.danger.name == name))
        if keys:
            more = [f"+{len(keys) - FEW} more"] if len(keys) > FEW else []
            yield f"{TITLES[name].partition(':')[0]}: {', '.join([*keys[:FEW], *more])}"


def _parts(plan: Plan) -> Iterator[Part]:
    from awsdeploy.engine import danger

    for item in plan.items.values():
        if item.action != "none":
            level = danger.of_item(plan, item)
            yield Part(level, TITLES.get(level.name, item.step), item.resource.key, tuple(_item(item)))
    for title, removals in (
        ("Replaced, will be deleted last", plan.replaced),
        ("No longer in config.toml, will be deleted", plan.undeclared),
    ):
        for one in removals:
            level = danger.of_removal(plan, one)
            yield Part(level, TITLES.get(level.name, title), one.key, (_removal(one),))


def _item(item: Item) -> Iterator[str]:
    resource = item.resource
    more = f" (is {item.observed.status})" if item.action == "wait" and item.observed else ""
    yield f"  {SIGNS[item.action]:<3} {resource.key:<{KEY_WIDTH}} {resource.noun()}{more}"
    yield from (f"        {line}" for line in trouble(item))
    yield from (
        f"        {words}" for words in dict.fromkeys(resource.replacing(one)[0] for one in item.replaced) if words
    )
    for change in sorted(item.changes, key=lambda change: -change.danger):
        impact = f"    {said_of_impact(change)}" if change.impact else ""
        yield f"        {change.field}: {said(change.old)} → {said(change.new)}{impact}"


def said_of_impact(change: Change) -> str:
    """Impact of a change, with the usual length of its outage."""
    return f"{change.impact}, about {spell(change.outage)}" if change.outage else change.impact


def _removal(observed: Observed) -> str:
    held = " (holds data)" if observed.kind.data else ""
    return f"  -   {observed.key:<{KEY_WIDTH}} {observed.kind.noun()}{held} {observed.id}"


def said(value: object) -> str:
    """A value of a change, as people write it: `InstanceId=i-1` for AWS's lists of names and values."""
    if value is None or value in ([], {}, ()):
        return "nothing"
    match value:
        case {"Name": name, "Value": inner, **rest} | {"Key": name, "Value": inner, **rest} if not rest:
            return f"{name}={said(inner)}"
        case dict():
            return ", ".join(f"{name}={said(inner)}" for name, inner in value.items())
        case list() | tuple():
            return ", ".join(map(said, value))
    return str(value)
