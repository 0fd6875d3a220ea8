"""What a stack costs a month, line by line, from its settings and the dated price table. Pure: asks nobody.

Traffic, storage that grows with use, and AWS's free allowances are not in it; they are named as unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from awsdeploy.config import Settings
from awsdeploy.prices import BY_REGION, HOURS, VCPUS


@dataclass(frozen=True)
class Line:
    """One line of the bill. `monthly` is US dollars before tax, None where the price is unknown."""

    what: str
    monthly: float | None
    note: str = ""


EXTENDED = "Extended Support of MySQL 8.0"

BY_USE = (
    "traffic to the internet and between zones",
    "load balancer capacity units",
    "S3 storage and requests",
    "CloudWatch logs, metrics and alarms",
    "machine images and database snapshots",
)
"""What depends on use: no estimate can know it."""


def lines(settings: Settings) -> list[Line]:
    """Every line whose size follows from the settings."""
    return list(_Bill(settings).lines())


def total(bill: list[Line]) -> float:
    """US dollars a month of what is known."""
    return sum(line.monthly or 0.0 for line in bill)


def extended_support(settings: Settings) -> float | None:
    """US dollars a month that MySQL 8.0 costs beyond itself; 0 for a version in standard support, None if unknown."""
    return next((line.monthly for line in lines(settings) if line.what == EXTENDED), 0.0)


class _Bill:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.prices = BY_REGION.get(settings.region, {})

    def _line(self, what: str, price: str, quantity: float, note: str = "") -> Line:
        each = self.prices.get(price)
        return Line(what, None if each is None else each * quantity, note)

    def lines(self) -> Iterator[Line]:
        yield from self._machines()
        yield from self._database()
        yield from self._network()
        if self.settings.names:
            if self.settings.dns.mode == "route53":
                yield self._line("hosted zone", "hosted zone", 1)
            if self.settings.monitoring.health_check:
                yield self._line("health check", "health check", 1)

    def _machines(self) -> Iterator[Line]:
        for service in self.settings.services.values():
            count = service.instances
            what = f"{count} × {service.instance_type} ({service.name})"
            yield self._line(what, service.instance_type, count * HOURS)
        disks = sum(one.instances * one.volume_gb for one in self.settings.services.values())
        yield self._line(f"{disks} GB of disks", "disk", disks)

    def _database(self) -> Iterator[Line]:
        database = self.settings.database
        standby = " with standby" if database.multi_az else ""
        yield self._line(f"{database.instance_class}{standby}", f"{database.instance_class}{standby}", HOURS)
        yield self._line(f"{database.storage_gb} GB of database{standby}", f"RDS storage{standby}", database.storage_gb)
        if database.engine_version == "8.0":
            cores = VCPUS.get(database.instance_class)
            machines = 2 if database.multi_az else 1
            note = 'since 2026-07-31; platform = "supported" avoids it'
            if cores is None:
                yield Line(EXTENDED, None, note)
            else:
                yield self._line(EXTENDED, "RDS Extended Support", cores * machines * HOURS, note)

    def _network(self) -> Iterator[Line]:
        network = self.settings.network
        addresses = sum(one.instances for one in self.settings.services.values())
        if self.settings.web_services:
            yield self._line("load balancer", "load balancer", HOURS)
            addresses += len(network.public)
        if network.nat:
            yield self._line("NAT gateway", "NAT gateway", HOURS, "serves nothing of the documented architecture")
            addresses += 1
        yield self._line(
            f"{addresses} public address{'es' if addresses > 1 else ''}", "public address", addresses * HOURS
        )
