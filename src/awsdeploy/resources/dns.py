"""Hosted zones, the records that point at our load balancer and prove our certificate, and that proof's gate.

Records carry no tags: one is ours only if its value points at our load balancer or our certificate.
Something else's value is never overwritten or deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws import AwsRefusal, tolerate
from awsdeploy.errors import RecordTaken, Refused
from awsdeploy.prices import HOSTED_ZONE
from awsdeploy.resource import (
    TAG_STACK,
    TIMELESS,
    UNKNOWN,
    Again,
    Aws,
    Change,
    Gate,
    Kept,
    Live,
    Parting,
    Resource,
    Wait,
)
from awsdeploy.resources.certificate import Certificate, validation_records
from awsdeploy.resources.load_balancer import LoadBalancer

TTL = 300  # seconds
ZONES = "all zones of the account"
"""Where a run remembers the last list of zones: three questions, one answer."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HostedZone(Resource):
    """The public zone of the domain: `existing` is the domain whose longest matching zone is used, else a new one.

    A zone cannot be tagged in the call that makes it; its caller reference names the stack instead.
    """

    domain: str

    replaces = {"domain"}
    again = Again.TOKEN
    everywhere = True
    arns = (":hostedzone/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        zones = aws.notes[ZONES] = list(aws.route53.pages("list_hosted_zones", "HostedZones"))
        for zone in zones:
            words = str(zone.get("CallerReference", "")).split(" ")
            if words[:2] == ["awsdeploy", aws.stack.tag] and len(words) == 5:
                raw = aws.route53.get_hosted_zone(Id=zone["Id"])
                yield Live(cls, words[2], short(zone["Id"]), words[3], raw={**zone, **raw}, region=aws.region)

    def adopt(self, aws: Aws) -> Live:
        """The public zone with the longest name that ends the domain. Raises `Refused` where there is none."""
        zones = list(public_zones(aws, [self.existing]))
        if not zones:
            raise Refused(
                f"This account has no public hosted zone for {self.existing}.",
                "Set create_zone = true in config.toml, or use the account that holds the zone.",
            )
        best = max(zones, key=lambda zone: len(zone["Name"]))
        return Live(type(self), self.key, short(best["Id"]), raw=best, region=aws.region)

    def create(self, aws: Aws) -> str:
        reference = f"awsdeploy {aws.stack.tag} {self.key} {aws.generation(self)} {aws.token[:16]}"
        with tolerate("HostedZoneAlreadyExists"):
            made = aws.route53.create_hosted_zone(
                Name=self.domain,
                CallerReference=reference,
                HostedZoneConfig={"Comment": f"awsdeploy {aws.stack.tag}"},
            )
            return short(made["HostedZone"]["Id"])
        zones = aws.route53.pages("list_hosted_zones", "HostedZones")
        return next(short(zone["Id"]) for zone in zones if zone["CallerReference"] == reference)

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        answer = aws.route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=live.id)
        tags = {tag["Key"]: tag["Value"] for tag in answer["ResourceTagSet"]["Tags"]}
        if tags.get(TAG_STACK) != aws.stack.tag:

            def tag() -> None:
                aws.route53.change_tags_for_resource(
                    ResourceType="hostedzone", ResourceId=live.id, AddTags=aws.tags(self)
                )

            yield Change("tags", None, aws.stack.tag, tag)

    def facts(self, aws: Aws, live: Live) -> Mapping[str, str]:
        servers = live.raw.get("DelegationSet", {}).get("NameServers", ())
        return {"name servers": " ".join(servers)} if servers else {}

    @classmethod
    def keep(cls, aws: Aws, live: Live, parting: Parting) -> Kept | None:
        why = "your registrar points at its name servers; --delete-zone removes it"
        return None if parting.zone else Kept(why, HOSTED_ZONE)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("NoSuchHostedZone"):
            aws.route53.delete_hosted_zone(Id=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class Record(Resource):
    """A name in a zone: an alias (A) of our load balancer, or the proof (CNAME) for one domain of our certificate."""

    zone: HostedZone
    name: str
    target: LoadBalancer | Certificate
    take_over: bool = False
    """Replace a record of the same name that is not ours."""

    title = "DNS record"
    again = Again.NAME
    everywhere = True
    wait = Wait(pending={"PENDING"}, ready={"INSYNC"}, usual=45, deadline=1800)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        balancers = {host(one.raw["DNSName"]): one for one in aws.all(LoadBalancer)}
        certificates = aws.all(Certificate)
        proofs = {
            (host(proof["Name"]), host(proof["Value"])): domain
            for one in certificates
            for domain, proof in validation_records(one.raw).items()
        }
        domains = {name for one in certificates for name in one.raw.get("SubjectAlternativeNames", ())}
        for zone in public_zones(aws, domains) if domains else ():
            for record in aws.route53.pages(
                "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=short(zone["Id"])
            ):
                if record["Type"] == "A" and host(record.get("AliasTarget", {}).get("DNSName", "")) in balancers:
                    yield cls._live(aws, f"dns/{host(record['Name'])}", zone, record)
                elif record["Type"] == "CNAME":
                    values = [host(one["Value"]) for one in record.get("ResourceRecords", ())]
                    domain = proofs.get((host(record["Name"]), values[0] if values else ""))
                    if domain:
                        yield cls._live(aws, f"dns/proof/{domain}", zone, record)

    @classmethod
    def _live(cls, aws: Aws, key: str, zone: Mapping[str, Any], record: Mapping[str, Any]) -> Live:
        """A change made by this run is pending until Route 53 says INSYNC; older ones have long arrived."""
        id = f"{short(zone['Id'])}/{host(record['Name'])}/{record['Type']}"
        status = "INSYNC"
        if change := aws.notes.get(id):
            status = aws.route53.get_change(Id=change)["ChangeInfo"]["Status"]
            if status == "INSYNC":
                del aws.notes[id]
        return Live(cls, key, id, TIMELESS, status, {**record, "Zone": short(zone["Id"])}, aws.region)

    def _record(self, aws: Aws) -> dict[str, Any]:
        """The record set as it should be."""
        raw = aws[self.target].raw
        if isinstance(self.target, Certificate):
            proof = UNKNOWN if raw is UNKNOWN else validation_records(raw)[self.name]
            return {
                "Name": proof["Name"],
                "Type": proof["Type"],
                "TTL": TTL,
                "ResourceRecords": [{"Value": proof["Value"]}],
            }
        alias = {
            "HostedZoneId": raw["CanonicalHostedZoneId"],
            "DNSName": raw["DNSName"],
            "EvaluateTargetHealth": True,
        }
        return {"Name": self.name, "Type": "A", "AliasTarget": alias}

    def _standing(self, aws: Aws, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What stands at this name and would be in the way."""
        answer = aws.route53.list_resource_record_sets(
            HostedZoneId=aws[self.zone].id, StartRecordName=record["Name"], MaxItems="10"
        )
        return [
            one
            for one in answer["ResourceRecordSets"]
            if host(one["Name"]) == host(record["Name"]) and one["Type"] in {"A", "AAAA", "CNAME"}
        ]

    def obstacle(self, aws: Aws) -> str:
        if aws[self.zone].id is UNKNOWN or isinstance(self.target, Certificate) or self.take_over:
            return ""
        standing = self._standing(aws, {"Name": self.name})
        values = ", ".join(f"{one['Type']} {value(one)}" for one in standing)
        return (
            f"{self.name} already has a DNS record: {values}. It is not ours (--take-over-record replaces it)."
            if values
            else ""
        )

    def create(self, aws: Aws) -> str:
        """CREATE, which never overwrites; taking over deletes the other record in the same change."""
        record = self._record(aws)
        id = f"{aws[self.zone].id}/{host(record['Name'])}/{record['Type']}"
        changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
        standing = self._standing(aws, record)
        if any(same(one, record) for one in standing):
            return id
        if standing and not self.take_over:
            raise RecordTaken(
                f"{self.name} already has a DNS record: {value(standing[0])}.",
                "Remove it, or let `up --take-over-record` replace it.",
            )
        changes = [{"Action": "DELETE", "ResourceRecordSet": one} for one in standing] + changes
        self._change(aws, id, changes)
        return id

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        record = self._record(aws)
        if not same(live.raw, record):

            def upsert() -> None:
                self._change(aws, live.id, [{"Action": "UPSERT", "ResourceRecordSet": record}])

            yield Change("value", value(live.raw), value(record), upsert)

    def _change(self, aws: Aws, id: str, changes: list[dict[str, Any]]) -> None:
        answer = aws.route53.change_resource_record_sets(
            HostedZoneId=aws[self.zone].id,
            ChangeBatch={"Changes": changes, "Comment": f"awsdeploy {aws.stack.tag}"},
        )
        aws.notes[id] = answer["ChangeInfo"]["Id"]

    @classmethod
    def keep(cls, aws: Aws, live: Live, parting: Parting) -> Kept | None:
        """AWS gives every certificate of an account for a domain the same proof; renewal of the others needs it."""
        if live.raw["Type"] != "CNAME":
            return None
        domain = live.key.removeprefix("dns/proof/")
        ours = {one.id for one in aws.all(Certificate)}
        for other in aws.acm.pages("list_certificates", "CertificateSummaryList"):
            names = {other["DomainName"], *other.get("SubjectAlternativeNameSummaries", ())}
            if other["CertificateArn"] not in ours and domain in names:
                return Kept("another certificate of this account is proved by it")
        return None

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        record = {name: part for name, part in live.raw.items() if name != "Zone"}
        try:
            aws.route53.change_resource_record_sets(
                HostedZoneId=live.raw["Zone"],
                ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]},
            )
        except AwsRefusal as refusal:
            if refusal.code != "InvalidChangeBatch" or "not found" not in refusal.text:
                raise


@dataclass(frozen=True, eq=False, kw_only=True)
class CertificateIssued(Gate):
    """Waits until AWS has seen the proofs and issued the certificate; HTTPS needs that."""

    certificate: Certificate
    records: tuple[Record, ...]

    title = "certificate issued"
    # AWS: 1–9 minutes, sometimes over an hour; the wait is for minutes, the deadline for the hour.
    wait = Wait(
        pending={"PENDING_VALIDATION", "AWAITING_RECORD"},
        ready={"ISSUED"},
        failed=Certificate.wait.failed,
        usual=165,
        deadline=4500,
    )

    def observe(self, aws: Aws) -> Live:
        live = aws.look(self.certificate) or aws[self.certificate]
        reason = live.reason
        servers = aws[self.records[0].zone].raw.get("DelegationSet", {}).get("NameServers", ()) if self.records else ()
        if live.status == "PENDING_VALIDATION" and servers:
            reason = f"the zone is new: your registrar must name {' '.join(servers)}"
        return Live(type(self), self.key, live.id, status=live.status, raw=live.raw, reason=reason, region=live.region)


def short(id: str) -> str:
    """A zone's id without its path."""
    return id.rpartition("/")[2]


def host(name: str) -> str:
    """A DNS name as it is compared: no trailing dot, no case, no `dualstack.`, a wildcard as such."""
    return name.rstrip(".").lower().removeprefix("dualstack.").replace("\\052", "*")


def public_zones(aws: Aws, domains: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The account's public zones that any of the domains lies in."""
    names = [host(domain) for domain in domains]
    aws.all(HostedZone)
    for zone in aws.notes[ZONES]:
        apex = host(zone["Name"])
        public = not zone.get("Config", {}).get("PrivateZone", False)
        if public and any(name == apex or name.endswith(f".{apex}") for name in names):
            yield zone


def value(record: Mapping[str, Any]) -> str:
    """What a record says, in words."""
    if "AliasTarget" in record:
        return host(str(record["AliasTarget"]["DNSName"]))
    return " ".join(str(one["Value"]) for one in record.get("ResourceRecords", ()))


def same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two record sets mean the same."""
    if old["Type"] != new["Type"] or old.get("TTL") != new.get("TTL"):
        return False
    health = [bool(one.get("AliasTarget", {}).get("EvaluateTargetHealth")) for one in (old, new)]
    return bool(value(old) == value(new)) and health[0] == health[1]
