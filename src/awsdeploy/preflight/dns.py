"""Checks of the domain in public DNS and in the account's hosted zones.

An existing DNS record with another value is not checked here: the plan reports it as a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture import https_readiness
from awsdeploy.architecture.https_readiness import Zone
from awsdeploy.dns import resolver
from awsdeploy.errors import Refused, next_command
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.resources.dns.zone_choice import leads_to

AMAZON = frozenset({"amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"})
"""AWS: one of these must be allowed wherever CAA records are (ACM, "Configure a CAA record")."""


def hosted_zone(question: Question) -> Iterator[Finding]:
    """The account has the zone that the records go to, and the parent names its servers: else HTTPS comes later."""
    settings = question.settings
    if not settings.names or settings.dns.mode != "route53":
        return
    try:
        zone = _zone(question)
    except Refused as refused:
        yield Finding(f"hosted zone of {settings.domain}", refused.message, refused.hint)
        return
    if zone is None:
        if not settings.create_zone:
            yield Finding(
                f"hosted zone of {settings.domain}",
                "this account has no public hosted zone for this name",
                'Set create_zone = true, or mode = "external" in [dns] to keep DNS elsewhere, or use the zone\'s '
                "account.",
            )
        return
    try:
        public = resolver.ask(zone.name, "NS")
    except resolver.Unasked:
        return
    if not leads_to(public, zone.servers):
        yield Finding(
            f"delegation of {zone.name}",
            f"public DNS has the name servers {' '.join(public) or '(none)'}, but its hosted zone has "
            f"{' '.join(zone.servers)}",
            'To keep DNS where it is: mode = "external" in [dns]. To move it: put its records into the zone '
            "(docs/dns.md), then enter the zone's name servers at your registrar. Until then use the load "
            "balancer's hostname on port 80. Afterwards, for HTTPS:"
            f" {next_command('up')}",
            fatal=False,
        )


def caa_records(question: Question) -> Iterator[Finding]:
    """Check that CAA records allow Amazon to issue the certificate. The closest record decides (RFC 8659)."""
    asked = {name: list(_upwards(name)) for name in question.settings.names}
    try:
        found = resolver.ask_all((above, "CAA") for names in asked.values() for above in names)
    except resolver.Unasked:
        return
    deciding: dict[str, str] = {}
    for name, names in asked.items():
        for above in names:
            if (above, "CAA") not in found:
                yield _unanswered(above, "CAA", f"AWS issues the certificate of {name} only if it allows amazon.com.")
            elif not found[above, "CAA"]:
                continue
            else:
                deciding[above] = name
            break
    for where, name in deciding.items():
        allowed = _issuers(found[where, "CAA"])
        if allowed and not allowed & AMAZON:
            yield Finding(
                f"CAA record of {where}",
                " and ".join(found[where, "CAA"]),
                f'Add the CAA record 0 issue "amazon.com" at {where}. Without it AWS does not issue for {name}.',
            )


def ds_record(question: Question) -> Iterator[Finding]:
    """Check that the parent zone has no DS record: with one, resolvers refuse every name of an unsigned zone.

    Skipped if the zone is already delegated. Fatal only if awsdeploy is to create the zone.
    """
    settings = question.settings
    if not settings.names or settings.dns.mode != "route53":
        return
    try:
        zone = _zone(question)
    except Refused:
        return  # told with the hosted zone
    domain = zone.name if zone else settings.domain or ""
    if zone is None and not settings.create_zone:
        return
    try:
        found = resolver.ask_all([(domain, "DS"), (domain, "NS")])
    except resolver.Unasked:
        return
    if zone and leads_to(found.get((domain, "NS"), ()), zone.servers):
        return
    if (domain, "DS") not in found:
        yield _unanswered(
            domain, "DS", "With a DS record, the domain cannot be resolved after a move to an unsigned zone."
        )
    elif found[domain, "DS"]:
        yield Finding(
            f"DS record of {domain} at its parent",
            " and ".join(found[domain, "DS"]),
            "Turn DNSSEC off at your registrar and wait until the record's TTL has passed (often a day). The hosted "
            "zone is not signed with that key, so the domain could not be resolved. Or keep DNS where it is: mode = "
            '"external" in [dns].',
            fatal=settings.create_zone,
        )


def _unanswered(name: str, kind: str, why: str) -> Finding:
    seen = "unknown: public DNS did not answer"
    return Finding(f"{kind} record of {name}", seen, f"{why} Check it yourself: dig {kind} {name}", fatal=False)


def public_dns(question: Question) -> Iterator[Finding]:
    """Public DNS answers at all."""
    if question.settings.names:
        try:
            resolver.ask(question.settings.names[0], "NS")
        except resolver.Unasked as unasked:
            yield Finding(
                f"public DNS of {question.settings.domain}",
                f"cannot be queried from here: {unasked}",
                f"Fix this computer's DNS resolver, or set {resolver.VARIABLE} (host:port). `up` continues without "
                "this check.",
                fatal=False,
            )


def _zone(question: Question) -> Zone | None:
    settings, route53 = question.settings, question.client("route53")
    return https_readiness.zone_of(route53, route53.pages("list_hosted_zones", "HostedZones"), settings)


def _upwards(name: str) -> Iterator[str]:
    """The name and those above it, without the top level."""
    labels = name.split(".")
    yield from (".".join(labels[start:]) for start in range(len(labels) - 1))


def _issuers(records: tuple[str, ...]) -> set[str]:
    """Certificate authorities that may issue; if one is named, no others can. "" allows none."""
    parts = (record.split(None, 2) for record in records)
    return {
        value.strip('"').partition(";")[0].strip().lower()
        for _, tag, value in parts
        if tag.strip('"').lower() == "issue"
    }
