"""Estimate of what a stack costs a month, line by line, from the dated price table. Makes no AWS call.

Traffic, storage that grows with use, and AWS's free allowances are not in the sum; they are named beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from awsdeploy.aws.prices import HOURS_PER_MONTH, VCPUS, unit_price
from awsdeploy.config import Settings

EXTENDED = "Extended Support of MySQL 8.0"
EXTENDED_NOTE = 'since 2026-07-31; platform = "supported" avoids it'
UNUSED = "not used by the documented architecture"
AGENT_METRICS = 3
"""Metrics that the CloudWatch agent sends for each machine: memory, swap, disk."""

BY_USE = (
    "traffic to the internet and between zones",
    "load balancer capacity units",
    "S3 storage and requests",
    "storage that has grown beyond the configured size",
    "CloudWatch logs",
    "database snapshots beyond its own size",
)
"""Costs that depend on use alone and are not estimated."""


@dataclass(frozen=True)
class Line:
    """One line of the bill. `monthly` is US dollars before tax, None where the price is unknown."""

    what: str
    monthly: float | None
    note: str = ""


@dataclass(frozen=True)
class BilledMachines:
    """Machines of one service and type."""

    service: str
    size: str
    count: int


@dataclass(frozen=True)
class BilledDatabase:
    """A database; `storage` in GB. Of a stopped one only the storage is billed."""

    size: str
    standby: bool
    storage: int
    version: str
    stopped: bool = False


@dataclass(frozen=True)
class Parts:
    """Billed quantities, from the settings or from the observed resources. `disks` in GB."""

    region: str
    machines: tuple[BilledMachines, ...] = ()
    disks: int = 0
    databases: tuple[BilledDatabase, ...] = ()
    balancers: int = 0
    nats: int = 0
    addresses: int = 0
    zones: int = 0
    health_checks: int = 0


def declared(settings: Settings) -> Parts:
    """The parts of what the settings declare; an Auto Scaling group counts as its fewest machines."""
    services, database, network = settings.services.values(), settings.database, settings.network
    balancer = bool(settings.web_services)
    mysql = BilledDatabase(database.instance_class, database.multi_az, database.storage_gb, database.engine_version)
    return Parts(
        settings.region,
        tuple(BilledMachines(one.name, one.instance_type, one.fewest) for one in services),
        sum(one.fewest * one.volume_gb for one in services),
        () if database.instance else (mysql,),
        balancers=int(balancer),
        nats=int(network.nat),
        addresses=sum(one.fewest for one in services) + network.public_count * balancer + network.nat,
        zones=int(bool(settings.names) and settings.dns.mode == "route53"),
        health_checks=int(bool(settings.names) and settings.monitoring.health_check),
    )


def lines(settings: Settings) -> list[Line]:
    """Every line whose size follows from the settings."""
    return of_parts(declared(settings))


def of_parts(parts: Parts) -> list[Line]:
    """Every line of these parts."""
    return list(_Bill(parts).lines())


def total(bill: list[Line]) -> float:
    """US dollars a month of what is known."""
    return sum(line.monthly or 0.0 for line in bill)


def extended_support(settings: Settings) -> float | None:
    """US dollars a month that MySQL 8.0 costs beyond itself; 0 for a version in standard support, None if unknown."""
    return next((line.monthly for line in lines(settings) if line.what == EXTENDED), 0.0)


BUDGET_FACTOR = 1.3
"""Factor on the estimate: room for VAT, traffic and what depends on use."""


def budget(settings: Settings) -> int | None:
    """The limit of the stack's budget in US dollars a month; None where it is to have none, or nothing to go by."""
    monitoring = settings.monitoring
    if not monitoring.budget or not monitoring.emails:
        return None
    return monitoring.budget_dollars or math.ceil(BUDGET_FACTOR * total(lines(settings))) or None


def beside(settings: Settings, alarms: int) -> list[Line]:
    """Lines outside the total: `monthly` is the maximum, None where use or price is unknown.

    `alarms`: the number of the stack's alarms.
    """
    machines = sum(one.fewest for one in settings.services.values())
    metrics, free = AGENT_METRICS * machines, "at most; the first 10 of an account are free"
    found = [
        _priced(settings.region, f"{metrics} metrics of the machines' agents", "metric", metrics, free),
        _priced(settings.region, f"{alarms} alarms", "alarm", alarms, free),
    ]
    if settings.monitoring.request_metrics:
        found.append(Line("S3 request metrics", None, "by kind of request, as CloudWatch metrics"))
    if settings.backup.images:
        kept = f"{settings.backup.keep_images} of each machine; each stores the changes since the previous one"
        found.append(Line("machine images", None, kept))
    if settings.uploads.replicate:
        found.append(Line("storage for the copy of the uploads", None, f"in {settings.uploads.replica_region}, by use"))
    return found


def _priced(region: str, what: str, price: str, quantity: float, note: str = "") -> Line:
    one = unit_price(region, price)
    return Line(what, None if one is None else one * quantity, note)


class _Bill:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def _line(self, what: str, price: str, quantity: float, note: str = "") -> Line:
        return _priced(self.parts.region, what, price, quantity, note)

    def lines(self) -> Iterator[Line]:
        parts = self.parts
        for one in parts.machines:
            yield self._line(f"{one.count} × {one.size} ({one.service})", one.size, one.count * HOURS_PER_MONTH)
        if parts.disks:
            yield self._line(f"{parts.disks} GB of disks", "disk", parts.disks)
        yield from self._databases(parts.databases)
        for what, count, hours, note in (
            ("load balancer", parts.balancers, HOURS_PER_MONTH, ""),
            ("NAT gateway", parts.nats, HOURS_PER_MONTH, UNUSED),
            ("public address", parts.addresses, HOURS_PER_MONTH, ""),
            ("hosted zone", parts.zones, 1, ""),
            ("health check", parts.health_checks, 1, ""),
        ):
            if count:
                yield self._line(_counted(what, count), what, count * hours, note)

    def _databases(self, databases: tuple[BilledDatabase, ...]) -> Iterator[Line]:
        """Databases by size; while one is replaced there are two."""
        at_work = [one for one in databases if not one.stopped]
        for name, count in Counter(f"{one.size}{_standby(one)}" for one in at_work).items():
            yield self._line(f"{count} × {name}" if count > 1 else name, name, count * HOURS_PER_MONTH)
        for standby in sorted({_standby(one) for one in databases}):
            storage = sum(one.storage for one in databases if _standby(one) == standby)
            yield self._line(f"{storage} GB of database{standby}", f"RDS storage{standby}", storage)
        cores = [
            VCPUS[one.size] * (2 if one.standby else 1) if one.size in VCPUS else None
            for one in at_work
            if one.version == "8.0"
        ]
        if None in cores:
            yield Line(EXTENDED, None, EXTENDED_NOTE)
        elif cores:
            yield self._line(
                EXTENDED, "RDS Extended Support", sum(filter(None, cores)) * HOURS_PER_MONTH, EXTENDED_NOTE
            )


def _standby(database: BilledDatabase) -> str:
    return " with standby" if database.standby else ""


def _counted(what: str, count: int) -> str:
    """`4 public addresses`; one of what a stack has one of is called by its name alone."""
    if count == 1:
        return f"1 {what}" if what == "public address" else what
    return f"{count} {what}{'es' if what.endswith('s') else 's'}"
