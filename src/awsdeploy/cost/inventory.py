"""Inventory of what exists of a stack and is billed, from one look at AWS: the parts of an estimate. Makes no AWS
call.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from awsdeploy.aws.prices import HOURS_PER_MONTH
from awsdeploy.config import Settings
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.cost import estimate
from awsdeploy.cost.estimate import BilledDatabase, BilledMachines, Parts
from awsdeploy.engine.plan import Plan
from awsdeploy.engine.resource import Observed
from awsdeploy.errors import next_command
from awsdeploy.resources.compute.instance import Instance, disks
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.compute.machine import SERVICE
from awsdeploy.resources.compute.volume import Volume
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.dns.hosted_zone import HostedZone
from awsdeploy.resources.monitoring.health_check import HealthCheck
from awsdeploy.resources.network.nat_gateway import ElasticIp, NatGateway
from awsdeploy.resources.web.load_balancer import LoadBalancer

RUNNING = ("pending", "running")
"""AWS: a machine in another state has no public address, and only its disk is billed."""


def parts(observations: Iterable[Observed], region: str) -> Parts:
    """Billed quantities of observed resources of a stack in `region`, without those that are being deleted."""
    there = [one for one in observations if one.raw and not one.state.leaving]
    machines = [one for one in there if one.kind in (Instance, Member) and one.status in RUNNING]
    balancers = [one for one in there if one.kind is LoadBalancer]
    return Parts(
        region,
        _by_service(machines),
        sum(int(one.raw["Size"]) for one in there if one.kind is Volume),
        tuple(_mysql(one) for one in there if one.kind is Database),
        balancers=len(balancers),
        nats=sum(one.kind is NatGateway for one in there),
        addresses=len(machines)
        + sum(one.kind is ElasticIp for one in there)
        + sum(len(one.raw["AvailabilityZones"]) for one in balancers),
        zones=sum(one.kind is HostedZone for one in there),
        health_checks=sum(one.kind is HealthCheck for one in there),
    )


def after(settings: Settings, plan: Plan) -> Parts:
    """Parts of the bill once a plan is carried out: as declared, but grown storage stays. AWS shrinks none."""
    wanted, grown = estimate.declared(settings), 0
    sizes = {one.id: int(one.raw["Size"]) for one in plan.observations if one.kind is Volume and one.raw}
    for resource, item in plan.items.items():
        if item.observed is None or not item.observed.raw or item.action in ("create", "replace"):
            continue
        if isinstance(resource, Instance):
            grown += max(0, sum(sizes.get(id, 0) for id in disks(item.observed)) - resource.disk)
        elif isinstance(resource, Database):
            least = int(item.observed.raw["AllocatedStorage"])
            databases = (dataclasses.replace(one, storage=max(one.storage, least)) for one in wanted.databases)
            wanted = dataclasses.replace(wanted, databases=tuple(databases))
    kept = tuple(_mysql(one) for one in plan.kept if one.kind is Database)
    return dataclasses.replace(wanted, disks=wanted.disks + grown, databases=(*wanted.databases, *kept))


def already_billed(observations: Iterable[Observed], region: str) -> str:
    """Sentence about observed resources that are billed, with US dollars an hour; empty if there are none."""
    bill = estimate.of_parts(parts(observations, region))
    if not bill:
        return ""
    each = [f"{one.what} " + ("at an unknown price" if one.monthly is None else _an_hour(one.monthly)) for one in bill]
    together = _an_hour(estimate.total(bill))
    return f"Already billed: {', '.join(each)}; total {together} before VAT, until you run `{next_command('destroy')}`."


def _an_hour(monthly: float) -> str:
    return f"${monthly / HOURS_PER_MONTH:.3f}/h"


def _by_service(machines: list[Observed]) -> tuple[BilledMachines, ...]:
    counted: Counter[tuple[str, str]] = Counter()
    for one in machines:
        tags = tags_to_dict(one.raw.get("Tags"))
        counted[tags.get(SERVICE, one.key), one.raw["InstanceType"]] += 1
    return tuple(BilledMachines(service, size, count) for (service, size), count in counted.items())


def _mysql(database: Observed) -> BilledDatabase:
    raw = database.raw
    version = ".".join(str(raw["EngineVersion"]).split(".")[:2])
    standby, storage, stopped = bool(raw.get("MultiAZ")), int(raw["AllocatedStorage"]), database.status == "stopped"
    return BilledDatabase(raw["DBInstanceClass"], standby, storage, version, stopped)
