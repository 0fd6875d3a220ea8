"""Readiness for HTTPS: whether public DNS leads to what the stack declares, so that HTTPS can be part of an `up`.

AWS: a certificate is issued when public DNS answers its validation records, which a zone can only do once the parent
names its servers (ACM, "DNS validation").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import Client
from awsdeploy.config import Settings
from awsdeploy.dns import resolver
from awsdeploy.dns.public_records import NOT_ASKED, PublicDns, PublicRecord
from awsdeploy.engine.plan import counter_of
from awsdeploy.engine.resource import Observed
from awsdeploy.engine.run import Run
from awsdeploy.resources.dns.certificate import Certificate, validation_records
from awsdeploy.resources.dns.hosted_zone import HostedZone, account_zones, reference_of
from awsdeploy.resources.dns.zone_choice import chosen, host, leads_to, servers_of, short
from awsdeploy.resources.web.listener import Listener

ADDRESSES = ("A", "AAAA", "CNAME")
LABELS = (
    *"www mail smtp imap pop pop3 webmail mx autodiscover autoconfig ftp m blog shop api admin dev test".split(),
    *"_dmarc _mta-sts mta-sts _smtp._tls".split(),
    *(f"{one}._domainkey" for one in "default google selector selector1 selector2 k1 s1 s2 mail dkim".split()),
)
"""Names that are common for mail and near web sites. DNS cannot list all names of a zone."""


@dataclass(frozen=True)
class HttpsReadiness:
    """State of HTTPS before the plan: whether the certificate can be issued, and the DNS queries without an answer."""

    https: bool
    unasked: str = ""
    public: PublicDns = NOT_ASKED
    """Records in the domain's current DNS, if its zone is not delegated yet."""


def readiness(run: Run, settings: Settings) -> HttpsReadiness:
    """Check whether HTTPS is possible. Asks public DNS only without issued certificate and HTTPS listener."""
    if not settings.names or not settings.web_services:
        return HttpsReadiness(False)
    run.look_at((Certificate, Listener, HostedZone))
    certificates = [one for one in run.all(Certificate) if _names(one) == set(settings.names)]
    listening = any(one.key == "web/https" for one in run.all(Listener))
    if listening or any(one.status == "ISSUED" for one in certificates):
        return HttpsReadiness(True)
    zone: Zone | None = None
    try:
        if settings.dns.mode == "external":
            return HttpsReadiness(any(_proved(one) for one in certificates))
        aws = run.view(HostedZone, run.region)
        zone = zone_of(aws.route53, account_zones(aws), settings)
        if zone is not None and leads_to(resolver.ask(zone.name, "NS"), zone.servers):
            return HttpsReadiness(True)
    except resolver.Unasked as unasked:
        return HttpsReadiness(zone is not None, str(unasked))
    return HttpsReadiness(False, public=public_dns(zone.name if zone else settings.domain or "", settings.names))


@dataclass(frozen=True)
class Zone:
    """An existing hosted zone: its name and name servers, without the dots at their ends."""

    id: str
    name: str
    servers: tuple[str, ...]


def zone_of(route53: Client, zones: Iterable[dict[str, Any]], settings: Settings) -> Zone | None:
    """The zone that the stack's records go to, if it is among the account's. Raises `Refused` where it is in doubt."""
    if settings.create_zone:
        ours = [one for one in zones if reference_of(one, settings.stack) and host(one["Name"]) == settings.domain]
        best = max(ours, key=lambda one: counter_of(reference_of(one, settings.stack)[3]), default=None)
    else:
        best = chosen(route53, zones, settings.names, settings.dns.zone)
    if best is None:
        return None
    return Zone(short(best["Id"]), host(best["Name"]), servers_of(route53, best["Id"]))


def public_dns(domain: str, ours: Collection[str]) -> PublicDns:
    """Guess a domain's records, without the addresses of `ours`."""
    wild = [(f"*.{domain}", kind) for kind in ADDRESSES]
    below = [(f"{label}.{domain}", kind) for label in LABELS for kind in (*ADDRESSES, "MX", "TXT")]
    questions = [*((domain, kind) for kind in ("MX", "TXT", "CAA", "DS")), *wild, *below]
    try:
        found = resolver.ask_all(questions)
    except resolver.Unasked:
        found = {}
    # A wildcard answers for every name, and an alias for what it points to: without their answer no other is sure.
    for name, kind in list(found):
        if (name != domain and (name, "CNAME") not in found) or (kind in ADDRESSES and (wild[0][0], kind) not in found):
            del found[name, kind]
    shown = []
    for (name, kind), values in found.items():
        alias = found.get((name, "CNAME"), ())
        made_up = name != wild[0][0] and kind in ADDRESSES and values == found.get((wild[0][0], kind))
        led_here = name in ours and kind in ADDRESSES
        if values and kind != "DS" and not (led_here or made_up or (alias and kind != "CNAME")):
            shown.append(PublicRecord(name, kind, values))
    unanswered = tuple(f"{kind} {name}" for name, kind in questions if (name, kind) not in found)
    return PublicDns(tuple(sorted(shown)), unanswered, len(questions), bool(found.get((domain, "DS"))))


def _names(observed: Observed) -> set[str]:
    return {observed.raw["DomainName"], *observed.raw.get("SubjectAlternativeNames", ())}


def _proved(observed: Observed) -> bool:
    """Check whether public DNS answers every validation record. Raises `Unasked`."""
    proofs = {(host(one["Name"]), host(one["Value"])) for one in validation_records(observed.raw).values()}
    if not proofs or len(validation_records(observed.raw)) < len(_names(observed)):
        return False
    answers = resolver.ask_all([(name, "CNAME") for name, _ in proofs])
    if unanswered := sorted(name for name, _ in proofs if (name, "CNAME") not in answers):
        raise resolver.Unasked(f"no answer for {', '.join(unanswered)}")
    return all(value in answers[name, "CNAME"] for name, value in proofs)
