"""Differences between the stack and the document, and what in the document has aged: shown by every plan of a new
stack.

Pure: settings in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from awsdeploy import architecture
from awsdeploy.architecture.ci import by_name
from awsdeploy.aws.prices import BY_REGION, HOURS_PER_MONTH
from awsdeploy.config import Settings
from awsdeploy.cost import estimate
from awsdeploy.errors import next_command
from awsdeploy.resources.monitoring.alarm import Alarm

_SEOUL = BY_REGION["ap-northeast-2"]
NAT_MONTHLY = round(HOURS_PER_MONTH * (_SEOUL["NAT gateway"] + _SEOUL["public address"]), 2)
"""US dollars: the gateway and its address, in Seoul."""


@dataclass(frozen=True)
class DifferenceFromDocument:
    """One difference or aged part, and what to do about it.

    `decision`: it costs money, has no more security fixes, moves data to another country, or needs a change of the
    application, so that a person should decide before `up`.
    """

    sentence: str
    decision: bool = False


def beside(settings: Settings) -> list[estimate.Line]:
    """Lines that are not in the estimate's total, with the alarms counted: see `estimate.beside`."""
    alarms = sum(isinstance(one, Alarm) for step in architecture.steps(settings) for one in step.resources)
    return estimate.beside(settings, alarms)


def differences(settings: Settings) -> Iterator[DifferenceFromDocument]:
    """Every difference and every aged part."""
    network = settings.network
    if network.vpc:
        yield DifferenceFromDocument(
            f"The stack uses {network.vpc} and its subnets. It creates no gateway and no routes, and changes none."
        )
    elif network.nat:
        yield DifferenceFromDocument(
            f"The NAT gateway costs ${NAT_MONTHLY} a month with its address, and nothing in the document uses it. To "
            "leave it out: network.nat = false.",
            decision=True,
        )
    else:
        yield DifferenceFromDocument(
            f"The document's NAT gateway is left out (${NAT_MONTHLY} a month): network.nat = true adds it."
        )
    if not network.ssh_from:
        yield DifferenceFromDocument(
            "The document's port 22 is closed: Session Manager needs no port; network.ssh_from opens it."
        )
    if settings.database.instance:
        yield DifferenceFromDocument(
            f"The stack uses the database {settings.database.instance} and creates no backups, alarms and logs of it. "
            f"After this run, set its password for {' and '.join(settings.database_users)}, such as: "
            f"{next_command('env', 'set', settings.database_users[0], 'DB_PASSWORD')}",
            decision=True,
        )
    elif settings.database.tls == "required":
        yield DifferenceFromDocument(
            "The database refuses connections without TLS, unlike the document: pass the CA certificates in DB_SSL_CA "
            'to the database driver. database.tls = "optional" also accepts connections without TLS.',
            decision=True,
        )
    yield from _storage(settings)
    scaling = [service.scaling for service in settings.services.values() if service.scaling]
    if any(one.health == "elb" for one in scaling):
        yield DifferenceFromDocument(
            'health = "elb" lets the load balancer\'s health checks replace machines: if the health path queries the '
            "database, a failover makes the group replace every machine.",
            decision=True,
        )
    elif settings.preset == "prod" and not scaling:
        yield DifferenceFromDocument(
            "Auto Scaling, which the document considers for production, is off: [services.NAME.scaling] turns it on."
        )
    if settings.names and settings.dns.mode == "external":
        yield DifferenceFromDocument("Your own DNS provider serves the domain (dns.mode); the document uses Route 53.")
    elif settings.names:
        yield DifferenceFromDocument(
            "The A record is an alias of the load balancer, because a load balancer has no fixed IP address."
        )
    else:
        yield DifferenceFromDocument(
            "Without a domain there is no DNS record and no TLS: use the load balancer's hostname on port 80."
        )
    if settings.names and settings.web.hsts_days:
        yield DifferenceFromDocument(
            f"With HTTPS, browsers use only HTTPS for {settings.web.hsts_days} days after a visit; this "
            "replaces the application's own Strict-Transport-Security header. web.hsts_days = 0 turns it off."
        )
    yield from _budget(settings)
    if warned := by_name(settings.ci):
        yield DifferenceFromDocument(" ".join(warned))
    if settings.platform != "documented":
        yield DifferenceFromDocument(SUPPORTED)
    yield from (DifferenceFromDocument(one, decision=True) for one in aged(settings))


def _budget(settings: Settings) -> Iterator[DifferenceFromDocument]:
    monitoring = settings.monitoring
    if not monitoring.budget:
        return
    if not monitoring.emails:
        yield DifferenceFromDocument(
            "There is no AWS Budget: it needs a recipient in monitoring.emails.", decision=True
        )
        return
    limit, bill = estimate.budget(settings), estimate.lines(settings)
    if limit is None:
        yield DifferenceFromDocument(
            "There is no AWS Budget, because prices in this region are unknown. Set its limit with "
            "monitoring.budget_dollars.",
            decision=True,
        )
    elif not monitoring.budget_dollars and any(line.monthly is None for line in bill):
        yield DifferenceFromDocument(
            f"The budget's limit ${limit} includes only the known prices. Set another limit with "
            "monitoring.budget_dollars."
        )


SUPPORTED = "Amazon Linux 2023, Node.js 24 and MySQL 8.4 replace the document's versions, which are out of support."


def aged(settings: Settings) -> Iterator[str]:
    """One sentence for each part of the documented platform that AWS or its makers no longer support: since when, and
    what it costs."""
    if settings.platform == "documented":
        yield "Amazon Linux 2 is out of support since 2026-06-30: no more security fixes. No extra cost."
        if any(one.node in ("", "18") for one in settings.services.values()):
            yield (
                "Node.js 18 is out of support since 2025-04-30: no more security fixes. No extra cost. For another "
                'version: [services.NAME] node = "24".'
            )
    if settings.database.engine_version == "8.0" and not settings.database.instance:
        yield _mysql(settings)


def _mysql(settings: Settings) -> str:
    price = estimate.extended_support(settings)
    dollars = "at an unknown price" if price is None else f"about +${price:.0f} a month"
    return (
        f"RDS MySQL 8.0 is out of standard support since 2026-07-31: AWS bills Extended Support, {dollars}. platform "
        '= "supported" uses versions that are in support.'
    )


SAME_COUNTRY = (
    ("us-",),
    ("ca-",),
    ("ap-northeast-1", "ap-northeast-3"),
    ("ap-south-1", "ap-south-2"),
    ("ap-southeast-2", "ap-southeast-4"),
)
"""The countries in which AWS has more than one region."""


def _one_country(*regions: str) -> bool:
    return any(all(region.startswith(country) for region in regions) for country in SAME_COUNTRY)


def _storage(settings: Settings) -> Iterator[DifferenceFromDocument]:
    uploads = settings.uploads
    if uploads.replicate:
        leaving = "" if _one_country(settings.region, uploads.replica_region) else " The copies leave the country."
        yield DifferenceFromDocument(
            f"Every upload is copied to {uploads.replica_region}, so storage is billed twice.{leaving} "
            "uploads.replicate = false keeps one bucket.",
            decision=True,
        )
    else:
        yield DifferenceFromDocument(
            "The document's copy of the uploads in another region is left out: uploads.replicate = true adds it."
        )
    if uploads.access == "public" and uploads.tls_only:
        yield DifferenceFromDocument(
            "Uploads are read by https:// only: uploads.tls_only = false lets http:// addresses work as well."
        )
    if uploads.access == "private":
        yield DifferenceFromDocument("Only the application can read the uploads; the document makes them public.")
