"""Stacks to draw: plans of new stacks with few and many services, without AWS."""

from __future__ import annotations

from typing import Any

from awsdeploy import architecture, config
from awsdeploy.config import Settings
from awsdeploy.engine.plan import Item, Plan

SMALL: dict[str, Any] = {"network": {"nat": False}, "database": {"multi_az": False}, "uploads": {"replicate": False}}


def settings(count: int = 2, **more: Any) -> Settings:
    """Settings with this many services: every third of the additional ones is a worker, the fifth is scaled."""
    found: dict[str, Any] = {"frontend": {}, "backend": {}}
    for number in range(count - 2):
        name = f"service{number}"
        found[name] = {} if number % 3 == 2 else {"port": 4000 + number, "paths": [f"/{name}/*"]}
        if number == 2:
            found[name]["scaling"] = {"min": 2, "max": 6}
    given = {"name": "shop", "environment": "prod", "platform": "supported", "services": found}
    return config.from_mapping(given | more)


def new_plan(wanted: Settings) -> Plan:
    """The plan of a stack of which nothing exists."""
    steps = architecture.steps(wanted)
    items = {one: Item(one, step.title, "create") for step in steps for one in step.resources}
    return Plan(steps, items, [], [], True, [])


SAMPLES = {
    "documented": settings(domain="example.com"),
    "small": settings(**SMALL),
    "four": settings(4, domain="example.com"),
    "eight": settings(8, domain="example.com"),
    "three zones": settings(4, network={"zones": ["a", "b", "c"]}),
    "several machines": settings(services={"frontend": {"instances": 5}, "backend": {"instances": 3}}),
    "workers alone": settings(services={"jobs": {}, "mails": {"instances": 2}}),
}
"""Stacks by what is particular to them."""
