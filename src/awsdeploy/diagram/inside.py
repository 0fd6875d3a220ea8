"""Boxes in the VPC: gateways, load balancer, machines and database, and the arrows between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from awsdeploy.config import Service
from awsdeploy.config.services import ScalingSettings
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.cost.estimate import BilledDatabase, BilledMachines, Parts
from awsdeploy.diagram import console, existing
from awsdeploy.diagram.model import INTERNET, Area, Arrow, Box, Group, Health
from awsdeploy.diagram.scene import Scene
from awsdeploy.engine.plan import Item
from awsdeploy.engine.resource import Observed
from awsdeploy.resources.compute.auto_scaling import in_service
from awsdeploy.resources.compute.instance import Instance, disks
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.database.instance import Database

BALANCER, GATEWAY, NAT = "web/alb", "network/internet-gateway", "network/nat"
DATABASE, STANDBY = "database/mysql", "database/standby"
LISTED = 3
"""Machines that a box lists one by one; the others are counted."""
TARGET_STATES = {"unhealthy": Health.UNHEALTHY, "unavailable": Health.UNHEALTHY, "unused": Health.UNHEALTHY}
TARGET_STATES |= {"initial": Health.CHANGING, "draining": Health.CHANGING}


def groups(scene: Scene) -> Iterator[Group]:
    """The frames of the VPC and its subnets."""
    reading, network = scene.reading, scene.settings.network
    if network.vpc:
        yield from existing.frames(scene)
        return
    for key, name, area, column in (
        ("network/vpc", f"VPC {network.cidr}", Area.VPC, 0),
        *(
            (f"network/{kind}-{letter}", f"{scene.t(title)} {letter} {cidr}", area, column)
            for kind, title, area, ranges in (
                ("public", "Public subnet", Area.PUBLIC, network.public),
                ("private", "Private subnet", Area.PRIVATE, network.private),
            )
            for column, (letter, cidr) in enumerate(zip(network.zones, ranges, strict=True))
        ),
    ):
        items = reading.take(key)
        page = console.page(reading.observed(key), scene.region)
        yield Group(key, name, area, reading.state(items), reading.id(key), column, page)


def gateways(scene: Scene) -> Iterator[Box]:
    """The internet gateway, and the NAT gateway if there is one."""
    yield scene.box(
        GATEWAY, scene.t("Internet gateway"), Area.VPC, scene.reading.take(GATEWAY, "network/public-routes")
    )


def nat(scene: Scene) -> Iterator[Box]:
    """The NAT gateway with its address, in the first public subnet."""
    items = scene.reading.take(NAT, "network/nat-address", "network/private-routes")
    if scene.settings.network.nat:
        yield scene.box(
            NAT,
            scene.t("NAT gateway"),
            Area.PUBLIC,
            items,
            lines=(scene.zones[0],),
            columns=(0,),
            planned=Parts(scene.region, nats=1, addresses=1),
        )


def balancer(scene: Scene) -> Iterator[Box]:
    """The load balancer with its listeners and rules; none if all services are workers."""
    items = scene.reading.take(BALANCER, "web/http", "web/https", "security/alb")
    if not items or not scene.settings.web_services:
        return
    https = "web/https" in scene.reading.items
    ports = f"443; {scene.t('80 redirects to 443')}" if https else "80"
    observed = scene.reading.observed(BALANCER)
    name = str(observed.raw.get("DNSName", "")) if observed else ""
    columns = tuple(range(len(scene.zones)))
    planned = Parts(scene.region, balancers=1, addresses=len(columns))
    lines = (ports, name) if name else (ports,)
    yield scene.box(BALANCER, scene.t("Load balancer"), Area.VPC, items, lines=lines, columns=columns, planned=planned)


def services(scene: Scene) -> Iterator[Box]:
    """The machines of each service: a box for each zone that it stands in, or one for its Auto Scaling group."""
    for name, service in scene.settings.services.items():
        shared = _shared_items(scene, name)
        if service.scaling:
            yield _group(scene, service, service.scaling, shared)
        else:
            yield from _machines(scene, service, shared)


def _shared_items(scene: Scene, name: str) -> list[Item]:
    """Items that all machines of a service depend on. Single machines are left to their own boxes."""
    longer = [other for other in scene.settings.services if other.startswith(f"{name}-")]
    own = [f"machines/{name}-", f"machines/{name}/"]
    keys = [
        key
        for key, item in scene.reading.items.items()
        if key.startswith(tuple(own))
        and not key.startswith(tuple(f"machines/{other}{end}" for other in longer for end in "-/"))
        and not isinstance(item.resource, Instance)
    ]
    return scene.reading.take(*keys, f"web/{name}", f"web/{name}-healthy", f"security/{name}")


def _machines(scene: Scene, service: Service, shared: Sequence[Item]) -> Iterator[Box]:
    """A box for each zone: the one that AWS shows, or the declared one of a machine that does not exist."""
    by_zone: dict[tuple[str, int], list[Item]] = {}
    for item in scene.reading.items.values():
        if isinstance(item.resource, Instance) and item.resource.service == service.name:
            scene.reading.take(item.resource.key)
            declared = item.resource.subnet.zone
            observed = scene.reading.observed(item.resource.key)
            zone = str(observed.raw.get("Placement", {}).get("AvailabilityZone", declared)) if observed else declared
            by_zone.setdefault((zone, scene.column(zone, scene.column(declared))), []).append(item)
    health = _health(scene, service.name)
    gates = {f"web/{service.name}-healthy", f"machines/{service.name}-bootstrapped"}
    for (zone, column), items in by_zone.items():
        observations = [one for item in items if (one := scene.reading.observed(item.resource.key))]
        states = [TARGET_STATES.get(health.get(one.id, ("", ""))[0], Health.HEALTHY) for one in observations]
        # The gates speak for all machines of the service; each box says what is so of its own.
        rest = [item for item in shared if item.resource.key not in gates or not observations]
        state = Health.worst([scene.reading.state([*items, *rest]), *([] if scene.new else states)])
        yield Box(
            f"machines/{service.name}@{zone}",
            service.name if len(items) == 1 else f"{service.name} × {len(items)}",
            Area.PUBLIC,
            state,
            (_sizes(observations, service), zone, _paths(scene, service), *_listed(scene, observations)),
            scene.notes([*items, *rest], _target_notes(observations, health)),
            (column,),
            scene.reading.monthly(
                Parts(
                    scene.region,
                    (BilledMachines(service.name, service.instance_type, len(items)),),
                    disks=len(items) * service.volume_gb,
                    addresses=len(items),
                ),
                _with_disks(scene, observations),
            ),
            console.page(observations[0] if observations else None, scene.region),
        )


def _sizes(machines: Sequence[Observed], service: Service) -> str:
    """Instance types that AWS shows; the declared one where there is no machine."""
    found = dict.fromkeys(str(one.raw["InstanceType"]) for one in machines if one.raw)
    return ", ".join(found or [service.instance_type])


def _group(scene: Scene, service: Service, scaling: ScalingSettings, shared: Sequence[Item]) -> Box:
    key = f"machines/{service.name}-group"
    group = scene.reading.observed(key)
    members = [one for one in scene.reading.plan.observations if one.kind is Member and _serves(one, service.name)]
    members = [one for one in members if not one.state.leaving]
    count = f"{scene.t('{} to {} machines').format(scaling.min, scaling.max)}"
    if group:
        count += f", {scene.t('{} in service').format(len(in_service(group)))}"
    each = Parts(
        scene.region,
        (BilledMachines(service.name, service.instance_type, scaling.min),),
        disks=scaling.min * service.volume_gb,
        addresses=scaling.min,
    )
    return Box(
        key,
        f"{service.name} (Auto Scaling)",
        Area.PUBLIC,
        scene.reading.state(shared),
        (f"{_sizes(members, service)}, {count}", _paths(scene, service), *_listed(scene, members)),
        scene.notes(shared),
        tuple(range(len(scene.zones))),
        scene.reading.monthly(each, _with_disks(scene, members)),
        console.page(group, scene.region),
    )


def _serves(machine: Observed, service: str) -> bool:
    return tags_to_dict(machine.raw.get("Tags")).get("awsdeploy:service") == service


def _with_disks(scene: Scene, machines: Sequence[Observed]) -> list[Observed]:
    return [*machines, *scene.reading.disks({id for one in machines for id in disks(one)})]


def _paths(scene: Scene, service: Service) -> str:
    if service.port is None:
        return scene.t("worker, no port")
    return " ".join(service.paths)


def _listed(scene: Scene, machines: Sequence[Observed]) -> tuple[str, ...]:
    """A line for each of the first machines, and one that counts the others."""
    lines = [f"{one.id} {one.status}" for one in machines[:LISTED]]
    if len(machines) > LISTED:
        lines.append(scene.t("{} more").format(len(machines) - LISTED))
    return tuple(lines)


def _health(scene: Scene, service: str) -> dict[str, tuple[str, str]]:
    """Health and reason of each target of a service, by the id of the machine."""
    group = scene.reading.observed(f"web/{service}")
    found = group.raw.get("Health", ()) if group else ()
    health = ((one["Target"]["Id"], one["TargetHealth"]) for one in found)
    return {id: (str(one["State"]), str(one.get("Reason", ""))) for id, one in health}


def _target_notes(machines: Sequence[Observed], health: dict[str, tuple[str, str]]) -> Iterator[str]:
    for one in machines:
        state, reason = health.get(one.id, ("", ""))
        if state in TARGET_STATES:
            yield f"{state}: {reason}" if reason else state


def database(scene: Scene) -> Iterator[Box]:
    """The database, and its standby in another zone."""
    wanted = scene.settings.database
    if wanted.instance:
        yield existing.database(scene, DATABASE)
        return
    items = [*scene.reading.below("database/"), *scene.reading.take("security/rds")]
    observed = scene.reading.observed(DATABASE)
    raw = observed.raw if observed else {}
    multi_az = bool(raw.get("MultiAZ", wanted.multi_az))
    # AWS chooses the zones of a Multi-AZ database: before it exists, nobody knows them.
    unknown = scene.t("AWS chooses the zone")
    primary = str(raw.get("AvailabilityZone", "")) or (unknown if multi_az else scene.zones[0])
    secondary = str(raw.get("SecondaryAvailabilityZone", "")) or unknown
    first = scene.column(primary)
    second = scene.column(secondary, 1 - first if first < 2 else 0)
    size = str(raw.get("DBInstanceClass", wanted.instance_class))
    gb = int(raw.get("AllocatedStorage", wanted.storage_gb))
    billed = BilledDatabase(wanted.instance_class, wanted.multi_az, wanted.storage_gb, wanted.engine_version)
    version = str(raw.get("EngineVersion", wanted.engine_version))
    yield scene.box(
        DATABASE,
        scene.t("Database"),
        Area.PRIVATE,
        items,
        lines=(f"MySQL {version}, {gb} GB", size, primary),
        columns=(first,),
        planned=Parts(scene.region, databases=(billed,)),
    )
    if multi_az:
        mysql = [item for item in items if isinstance(item.resource, Database)]
        yield Box(
            STANDBY,
            scene.t("Standby"),
            Area.PRIVATE,
            scene.reading.state(mysql),
            (size, secondary),
            columns=(second,),
            console=console.page(observed, scene.region),
        )


def arrows(scene: Scene, boxes: Sequence[Box]) -> Iterator[Arrow]:
    """Ports from the internet to the load balancer, to the services, and to the database."""
    reading, states = scene.reading, {box.key: box.state for box in boxes}
    if BALANCER in states:
        ports = [80, 443] if "web/https" in reading.items else [80]
        closed = [port for port in ports if reading.closed("security/alb", port)]
        state = Health.ABSENT if closed else reading.arrow("security/alb", 80, "", Health.HEALTHY)
        yield Arrow(INTERNET, BALANCER, _label(scene, ports, closed), state, "security/alb", GATEWAY)
    for name, service in scene.settings.services.items():
        for box in boxes:
            if box.key != f"machines/{name}-group" and not box.key.startswith(f"machines/{name}@"):
                continue
            if service.port is not None:
                closed = [service.port] if reading.closed(f"security/{name}", service.port, "security/alb") else []
                state = reading.arrow(f"security/{name}", service.port, "security/alb", _ends(box.state))
                yield Arrow(BALANCER, box.key, _label(scene, [service.port], closed), state, f"security/{name}")
            if name in scene.settings.database_users:
                closed = [3306] if reading.closed("security/rds", 3306, f"security/{name}") else []
                state = reading.arrow("security/rds", 3306, f"security/{name}", _ends(box.state))
                yield Arrow(box.key, DATABASE, _label(scene, [3306], closed), state, "security/rds")


def _ends(state: Health) -> Health:
    """A connection is as its rule is; only where an end is planned, it is too."""
    return state if state in (Health.PLANNED, Health.ABSENT) else Health.HEALTHY


def _label(scene: Scene, ports: Sequence[int], closed: Sequence[int]) -> str:
    said = (scene.t("{} is closed").format(port) if port in closed else str(port) for port in ports)
    return ", ".join(said)
