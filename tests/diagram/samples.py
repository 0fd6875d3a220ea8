"""Stacks to draw: plans of new stacks with few and many services, without AWS."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from awsdeploy import architecture, config
from awsdeploy.config import Settings
from awsdeploy.diagram import picture
from awsdeploy.diagram.model import Health, Picture
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


def drawn(name: str, language: str = "en") -> Picture:
    """The picture of a sample."""
    return picture.of(SAMPLES[name], new_plan(SAMPLES[name]), "123456789012", language)


def in_every_state(made: Picture) -> Picture:
    """The same picture with boxes, frames and arrows in all states, and what is wrong with each."""
    states = itertools.cycle(Health)
    note, console = "unhealthy: Target.Timeout " * 3, "https://ap-northeast-2.console.aws.amazon.com/"
    boxes = [dataclasses.replace(one, state=next(states), note=note, console=console) for one in made.boxes]
    groups = [dataclasses.replace(one, state=next(states), id="subnet-0123456789abcdef0") for one in made.groups]
    arrows = [dataclasses.replace(one, state=next(states)) for one in made.arrows]
    return dataclasses.replace(made, boxes=tuple(boxes), groups=tuple(groups), arrows=tuple(arrows))


SAMPLES = {
    "documented": settings(domain="example.com"),
    "small": settings(**SMALL),
    "four": settings(4, domain="example.com"),
    "eight": settings(8, domain="example.com"),
    "three zones": settings(4, network={"zones": ["a", "b", "c"]}),
    "three zones with groups": settings(
        network={"zones": ["a", "b", "c"]},
        services={
            "frontend": {"scaling": {"min": 3, "max": 9}},
            "backend": {"instances": 3},
            "mails": {"instances": 3},
            "jobs": {"scaling": {"min": 1, "max": 2}},
        },
    ),
    "several machines": settings(services={"frontend": {"instances": 5}, "backend": {"instances": 3}}),
    "workers alone": settings(services={"jobs": {}, "mails": {"instances": 2}}),
}
"""Stacks by what is particular to them."""
