"""An existing VPC and an existing database in the picture: AWS says their zones and addresses."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.diagram import console
from awsdeploy.diagram.model import Area, Box, Group, Health
from awsdeploy.diagram.scene import Scene
from awsdeploy.engine.plan import Item

DATABASE = "database/existing"


def frames(scene: Scene) -> Iterator[Group]:
    """The frames of an existing VPC and its subnets: one for each zone and kind, as AWS says."""
    reading, key = scene.reading, "network/vpc"
    vpc = reading.observed(key)
    cidr = vpc.raw.get("CidrBlock", "") if vpc else ""
    state, page = _state(scene, reading.take(key)), console.page(vpc, scene.region)
    yield Group(key, f"VPC {cidr}".rstrip(), Area.VPC, state, reading.id(key), 0, page)
    for kind, title, area in (
        ("public", "Public subnet", Area.PUBLIC),
        ("private", "Private subnet", Area.PRIVATE),
    ):
        for column, zone in enumerate(scene.zones):
            there = [
                one
                for one in reading.matching(f"network/{kind}-")
                if one.observed and one.observed.raw.get("AvailabilityZone") == zone
            ]
            if not there or there[0].observed is None:
                continue
            items, first = reading.take(*(one.resource.key for one in there)), there[0].observed
            name = f"{scene.t(title)} {zone[-1:]} {first.raw['CidrBlock']}"
            page = console.page(first, scene.region)
            yield Group(first.key, name, area, _state(scene, items), first.id, column, page)


def database(scene: Scene, key: str) -> Box:
    """An existing database, which the bill leaves out."""
    items = scene.reading.below("database/")
    observed = scene.reading.observed(DATABASE)
    raw = observed.raw if observed else {}
    zone = str(raw.get("AvailabilityZone", ""))
    facts = (f"{raw.get('Engine', '')} {raw.get('EngineVersion', '')}".strip(), raw.get("DBInstanceClass", ""), zone)
    return Box(
        key,
        scene.t("Database"),
        Area.PRIVATE,
        _state(scene, [item for item in items if item.resource.key == DATABASE]),
        (*filter(None, facts), scene.settings.database.instance),
        scene.notes(items),
        (scene.column(zone),),
        console=console.page(observed, scene.region),
    )


def _state(scene: Scene, items: list[Item]) -> Health:
    """State of existing objects, which a new stack does not plan to create."""
    usable = all(item.action == "none" for item in items)
    return Health.HEALTHY if scene.new and usable else scene.reading.state(items)
