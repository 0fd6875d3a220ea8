"""Hosted zones of Route 53, and what a new one takes over from the DNS before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.prices import HOSTED_ZONE
from awsdeploy.aws.session import tolerate
from awsdeploy.dns.public_records import PublicRecord, place, read, written
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Retained,
    Stack,
)
from awsdeploy.errors import Refused
from awsdeploy.resources import tag_calls
from awsdeploy.resources.dns.zone_choice import chosen, covering, host, short


@dataclass(frozen=True, eq=False, kw_only=True)
class HostedZone(Resource):
    """The public zone of the domain: with `existing` the one that this name and `others` lie in, else a new one.

    A zone cannot be tagged in the call that makes it; its caller reference names the stack instead.
    """

    domain: str
    others: tuple[str, ...] = ()
    """Further names that a zone to be found must hold."""
    zone_id: str = ""
    """The zone to find, where several could be meant."""
    copied: tuple[PublicRecord, ...] = ()
    """Public records to copy before the zone is delegated. Created if missing, never changed."""

    replaces = {"domain"}
    idempotency = Idempotency.TOKEN
    is_global = True
    deletion = Deletion(keep_if_undeclared=True)
    arns = (":hostedzone/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for zone in aws.once(_listed, again=True):
            words = reference_of(zone, aws.stack)
            if words:
                raw = aws.route53.get_hosted_zone(Id=zone["Id"])
                yield Observed(cls, words[2], short(zone["Id"]), words[3], raw={**zone, **raw}, region=aws.region)

    def adopt(self, aws: Aws) -> Observed:
        """The public zone that all the stack's names lie in. Raises `Refused` where there is none or doubt which."""
        best = chosen(aws.route53, account_zones(aws), (self.existing, *self.others), self.zone_id)
        if best is None:
            raise Refused(
                f"This account has no public hosted zone for {' and '.join((self.existing, *self.others))}.",
                "Set create_zone = true in config.toml, or use the account that has the zone, or set mode = "
                '"external" in [dns] to keep DNS where it is.',
            )
        return Observed(type(self), self.key, short(best["Id"]), raw=best, region=aws.region)

    def create(self, aws: Aws) -> str:
        reference = f"awsdeploy {aws.stack.tag} {self.key} {aws.generation(self)} {aws.token[:16]}"
        with tolerate("HostedZoneAlreadyExists"):
            made = aws.route53.create_hosted_zone(
                Name=self.domain,
                CallerReference=reference,
                HostedZoneConfig={"Comment": f"awsdeploy {aws.stack.tag}"},
            )
            return short(made["HostedZone"]["Id"])
        return next(short(zone["Id"]) for zone in _listed(aws) if zone["CallerReference"] == reference)

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present = tag_calls.route53_tags(aws, "hostedzone", observed)
        yield from tag_calls.route53_differences(aws, self, "hostedzone", observed, present)
        if missing := lacking(aws, observed, self.copied):

            def copy() -> None:
                """The tags first: what they name is taken away with the zone."""
                places = {place(one.name, one.kind, self.domain) for one in missing} | set(read(present))
                aws.route53.change_tags_for_resource(
                    ResourceType="hostedzone", ResourceId=observed.id, AddTags=written(places)
                )
                batch = {"Changes": [one.change() for one in missing], "Comment": "as public DNS had them"}
                aws.route53.change_resource_record_sets(HostedZoneId=observed.id, ChangeBatch=batch)

            for one in missing:
                yield Change(f"{one.kind} {one.name}", None, ", ".join(one.values), copy)

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        why = "your registrar points to its name servers; --delete-zone deletes it"
        return None if options.zone else Retained(why, HOSTED_ZONE)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        apex = observed.raw["Name"]
        for one in _records(aws, observed):
            if (one["Name"], one["Type"]) not in ((apex, "NS"), (apex, "SOA")):
                yield Blocker(f"record {one['Type']} {host(one['Name'])}", "delete it, or keep the zone")

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchHostedZone"):
            copied = set(read(tag_calls.route53_tags(aws, "hostedzone", observed)))
            apex = host(observed.raw["Name"])
            gone = [one for one in _records(aws, observed) if place(one["Name"], one["Type"], apex) in copied]
            if gone:
                changes = [{"Action": "DELETE", "ResourceRecordSet": one} for one in gone]
                aws.route53.change_resource_record_sets(HostedZoneId=observed.id, ChangeBatch={"Changes": changes})
            aws.route53.delete_hosted_zone(Id=observed.id)


def lacking(aws: Aws, observed: Observed, public: Iterable[PublicRecord]) -> list[PublicRecord]:
    """Return the public records that are missing in the zone."""
    wanted = list(public)
    if not wanted:
        return []
    existing = {(host(one["Name"]), one["Type"]) for one in _records(aws, observed)}
    names = {name for name, _ in existing}
    aliases = {name for name, kind in existing if kind == "CNAME"}
    return [
        one
        for one in wanted
        if (one.name, one.kind) not in existing
        and one.name not in aliases
        and not (one.kind == "CNAME" and one.name in names)
    ]


def _records(aws: Aws, observed: Observed) -> list[dict[str, Any]]:
    return list(aws.route53.pages("list_resource_record_sets", "ResourceRecordSets", HostedZoneId=observed.id))


def reference_of(zone: Mapping[str, Any], stack: Stack) -> list[str]:
    """The five words of a zone that the stack has made; none for any other zone."""
    words = str(zone.get("CallerReference", "")).split(" ")
    return words if words[:2] == ["awsdeploy", stack.tag] and len(words) == 5 else []


def public_zones(aws: Aws, domains: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The account's public zones that any of the domains lies in."""
    yield from covering(account_zones(aws), domains)


def account_zones(aws: Aws) -> list[dict[str, Any]]:
    """All zones of the account, from the list that the last look at the stack's own was made from."""
    aws.all(HostedZone)
    return aws.once(_listed)


def _listed(aws: Aws) -> list[dict[str, Any]]:
    return list(aws.route53.pages("list_hosted_zones", "HostedZones"))
