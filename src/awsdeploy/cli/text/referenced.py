"""Existing objects that a stack uses and does not own, as text: no command changes or deletes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from awsdeploy.progress.steps import KEY_WIDTH

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.engine.plan import Plan


def of_plan(plan: Plan) -> Iterator[str]:
    """A title and a line for each existing object that the plan refers to."""
    used = [item.observed for item in plan.items.values() if item.resource.existing and item.observed]
    if used:
        yield "Used, not created or changed"
    yield from (f"  =   {one.key:<{KEY_WIDTH}} {one.kind.noun()} {one.id}" for one in used)


def of_settings(settings: Settings) -> Iterator[str]:
    """A title and a line for each existing object that the config names."""
    vpc, database = settings.network.vpc, settings.database.instance
    if vpc or database:
        yield "Used by the stack, not deleted:"
    if vpc:
        yield f"  VPC {vpc} with its subnets and routes"
    if database:
        yield f"  database {database} with its data and backups"
