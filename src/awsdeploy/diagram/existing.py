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
        found = _subnets(scene, kind) or _of_database(scene) or [(zone, "", "") for zone in scene.zones]
        for column, zone in enumerate(scene.zones):
            for _, id, cidr in [one for one in found if one[0] == zone][:1]:
                items = [one for one in reading.matching(f"network/{kind}-") if _zone(one) == zone]
                reading.take(*(one.resource.key for one in items))
                name = f"{scene.t(title)} {zone[-1:]} {cidr}".rstrip()
                page = console.page(items[0].observed, scene.region) if items else ""
                yield Group(f"network/{kind}-{zone[-1:]}", name, area, _state(scene, items), id, column, page)


def _subnets(scene: Scene, kind: str) -> list[tuple[str, str, str]]:
    """Zone, id and addresses of the existing subnets of a kind."""
    found = [one.observed for one in scene.reading.matching(f"network/{kind}-") if one.observed and one.observed.raw]
    return [(one.raw["AvailabilityZone"], one.id, one.raw["CidrBlock"]) for one in found]


def _of_database(scene: Scene) -> list[tuple[str, str, str]]:
    """Zone and id of the subnets of an existing database, which the config does not name."""
    observed = scene.reading.observed(DATABASE)
    group = observed.raw.get("DBSubnetGroup", {}) if observed else {}
    return [
        (str(one["SubnetAvailabilityZone"]["Name"]), str(one["SubnetIdentifier"]), "")
        for one in group.get("Subnets", ())
        if one["SubnetAvailabilityZone"]["Name"] in scene.zones
    ]


def _zone(item: Item) -> str:
    return str(item.observed.raw.get("AvailabilityZone", "")) if item.observed else ""


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
