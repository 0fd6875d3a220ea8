"""Whether the world's DNS leads to what the stack declares: what decides if HTTPS is part of an `up` yet.

AWS: a certificate is issued when public DNS answers its validation records, which a zone can only do once the parent
names its servers (ACM, "DNS validation").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from awsdeploy import resolver
from awsdeploy.aws import Client
from awsdeploy.config import Settings
from awsdeploy.engine import schedule
from awsdeploy.engine.run import Run
from awsdeploy.resource import Live, Stack
from awsdeploy.resources.certificate import Certificate, validation_records
from awsdeploy.resources.hosted_zone import ZONES, HostedZone, covering, host, reference_of, short
from awsdeploy.resources.listener import Listener


@dataclass(frozen=True)
class Footing:
    """What is known before a plan is made: whether the certificate can be had, and what could not be asked."""

    https: bool
    unasked: str = ""


def footing(run: Run, settings: Settings) -> Footing:
    """Public DNS is asked only while no certificate of these names is issued and no HTTPS listener stands."""
    if not settings.names or not settings.web_services:
        return Footing(False)
    found: dict[Any, Any] = {}

    def look(kind: Any) -> Callable[[], object]:
        return lambda: found.__setitem__(kind, run.world.all(kind, run.region))

    schedule.in_parallel({kind: look(kind) for kind in (Certificate, Listener, HostedZone)}, run.stop)
    certificates = [live for live in found[Certificate] if _names(live) == set(settings.names)]
    if any(live.status == "ISSUED" for live in certificates) or any(one.key == "web/https" for one in found[Listener]):
        return Footing(True)
    try:
        if settings.dns.mode == "external":
            return Footing(any(_proved(live) for live in certificates))
        aws = run.view(HostedZone, run.region)
        zone = zone_of(aws.route53, aws.notes[ZONES], settings, run.stack)
        return Footing(zone is not None and zone.leads_here(resolver.ask(zone.name, "NS")))
    except resolver.Unasked as unasked:
        return Footing(settings.dns.mode == "route53" and zone is not None, str(unasked))


@dataclass(frozen=True)
class Zone:
    """A hosted zone that stands: its name and name servers, without last dots."""

    id: str
    name: str
    servers: tuple[str, ...]

    def leads_here(self, public: Iterable[str]) -> bool:
        """Whether these are its servers: some of another's among them would answer something else."""
        named = set(public)
        return bool(named) and named <= set(self.servers)


def zone_of(route53: Client, zones: Iterable[dict[str, Any]], settings: Settings, stack: Stack) -> Zone | None:
    """The zone that the stack's records go to, if it is among the account's."""
    found = covering(zones, [settings.domain or ""])
    if settings.create_zone:
        found = (one for one in found if reference_of(one, stack) and host(one["Name"]) == settings.domain)
    best = max(found, key=lambda one: len(one["Name"]), default=None)
    if best is None:
        return None
    id = short(best["Id"])
    servers = route53.get_hosted_zone(Id=id)["DelegationSet"]["NameServers"]
    return Zone(id, host(best["Name"]), tuple(sorted(host(one) for one in servers)))


def _names(live: Live) -> set[str]:
    return {live.raw["DomainName"], *live.raw.get("SubjectAlternativeNames", ())}


def _proved(live: Live) -> bool:
    """Whether public DNS answers every validation record. Raises `Unasked`."""
    proofs = {(host(one["Name"]), host(one["Value"])) for one in validation_records(live.raw).values()}
    if not proofs or len(validation_records(live.raw)) < len(_names(live)):
        return False
    answers = resolver.ask_all([(name, "CNAME") for name, _ in proofs])
    return all(value in answers[name, "CNAME"] for name, value in proofs)
