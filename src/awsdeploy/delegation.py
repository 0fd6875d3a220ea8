"""Whether the world's DNS leads to what the stack declares: what decides if HTTPS is part of an `up` yet.

AWS: a certificate is issued when public DNS answers its validation records, which a zone can only do once the parent
names its servers (ACM, "DNS validation").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
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
from awsdeploy.resources.public_record import PublicRecord

ADDRESSES = ("A", "AAAA", "CNAME")
LABELS = (
    *"www mail smtp imap pop pop3 webmail mx autodiscover autoconfig ftp m blog shop api admin dev test".split(),
    *"_dmarc _mta-sts mta-sts _smtp._tls".split(),
    *(f"{one}._domainkey" for one in "default google selector selector1 selector2 k1 s1 s2 mail dkim".split()),
)
"""The names that mail, and what is usually beside a web site, have. DNS tells nobody all names of a zone."""


@dataclass(frozen=True)
class Footing:
    """What is known before a plan is made: whether the certificate can be had, and what could not be asked."""

    https: bool
    unasked: str = ""
    public: tuple[PublicRecord, ...] = ()
    """What the domain's DNS says, where its zone is not asked yet."""


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
        if zone is not None and zone.leads_here(resolver.ask(zone.name, "NS")):
            return Footing(True)
    except resolver.Unasked as unasked:
        return Footing(settings.dns.mode == "route53" and zone is not None, str(unasked))
    try:
        return Footing(False, public=public_records(zone.name if zone else settings.domain or "", settings.names))
    except resolver.Unasked as unasked:
        return Footing(False, str(unasked))


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


def public_records(domain: str, ours: Collection[str]) -> tuple[PublicRecord, ...]:
    """What can be guessed of a domain's records, without the addresses of `ours`. Raises `Unasked`."""
    wild = [(f"*.{domain}", kind) for kind in ADDRESSES]
    below = [(f"{label}.{domain}", kind) for label in LABELS for kind in (*ADDRESSES, "MX", "TXT")]
    found = resolver.ask_all([*((domain, kind) for kind in ("MX", "TXT", "CAA")), *wild, *below])
    shown = []
    for (name, kind), values in found.items():
        alias = found.get((name, "CNAME"), ())
        # A wildcard answers for every name, and an alias for what it points to.
        made_up = name != wild[0][0] and kind in ADDRESSES and values == found.get((wild[0][0], kind))
        led_here = name in ours and kind in ADDRESSES
        if values and not (led_here or made_up or (alias and kind != "CNAME")):
            shown.append(PublicRecord(name, kind, values))
    return tuple(sorted(shown))


def _names(live: Live) -> set[str]:
    return {live.raw["DomainName"], *live.raw.get("SubjectAlternativeNames", ())}


def _proved(live: Live) -> bool:
    """Whether public DNS answers every validation record. Raises `Unasked`."""
    proofs = {(host(one["Name"]), host(one["Value"])) for one in validation_records(live.raw).values()}
    if not proofs or len(validation_records(live.raw)) < len(_names(live)):
        return False
    answers = resolver.ask_all([(name, "CNAME") for name, _ in proofs])
    return all(value in answers[name, "CNAME"] for name, value in proofs)
