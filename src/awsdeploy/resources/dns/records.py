"""The records that point at our load balancer and prove our certificate, and that proof's gate.

Records carry no tags: one is ours only if its value points at our load balancer or our certificate.
Something else's value is never overwritten or deleted.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.engine.resource import (
    TIMELESS,
    UNKNOWN,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Gate,
    Idempotency,
    Observed,
    Resource,
    Retained,
    Wait,
)
from awsdeploy.errors import RecordTaken, next_command
from awsdeploy.resources.dns.certificate import Certificate, validation_records
from awsdeploy.resources.dns.hosted_zone import HostedZone, public_zones
from awsdeploy.resources.dns.zone_choice import host, short
from awsdeploy.resources.web.load_balancer import LoadBalancer

TTL = 300  # seconds


@dataclass(frozen=True, eq=False, kw_only=True)
class Record(Resource):
    """A name in a zone: an alias (A) of our load balancer, or the proof (CNAME) for one domain of our certificate."""

    zone: HostedZone
    name: str
    target: LoadBalancer | Certificate
    take_over: bool = False
    """Replace a record of the same name that is not ours."""

    title = "DNS record"
    idempotency = Idempotency.NAME
    is_global = True
    rereads = True
    deletion = Deletion(immediate=True)
    wait = Wait(pending={"PENDING"}, ready={"INSYNC"}, usual=45, deadline=1800)

    def brief(self) -> str:
        return "" if isinstance(self.target, Certificate) else self.name

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        statuses = _statuses(aws)
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
                    yield cls._observed(aws, f"dns/{host(record['Name'])}", zone, record, statuses)
                elif record["Type"] == "CNAME":
                    values = [host(one["Value"]) for one in record.get("ResourceRecords", ())]
                    domain = proofs.get((host(record["Name"]), values[0] if values else ""))
                    if domain:
                        yield cls._observed(aws, f"dns/proof/{domain}", zone, record, statuses)

    @classmethod
    def reread(cls, aws: Aws, known: Sequence[Observed]) -> Iterable[Observed]:
        """Records with the state of the changes of this run. A record stays as it is until somebody changes it."""
        statuses = _statuses(aws)
        return [dataclasses.replace(one, status=cls._status(aws, one.id, statuses)) for one in known]

    @classmethod
    def _observed(
        cls, aws: Aws, key: str, zone: Mapping[str, Any], record: Mapping[str, Any], statuses: Mapping[str, str]
    ) -> Observed:
        id = f"{short(zone['Id'])}/{host(record['Name'])}/{record['Type']}"
        raw = {**record, "Zone": short(zone["Id"])}
        return Observed(cls, key, id, TIMELESS, cls._status(aws, id, statuses), raw, aws.region)

    @classmethod
    def _status(cls, aws: Aws, id: str, statuses: Mapping[str, str]) -> str:
        """A change made by this run is pending until Route 53 says INSYNC; older ones have long arrived."""
        change = aws.context.pending.get(id)
        if change is None:
            return "INSYNC"
        status = statuses.get(change, "PENDING")
        if status == "INSYNC":
            del aws.context.pending[id]
        return status

    def fits(self, aws: Aws, observed: Observed) -> bool:
        """A record of another zone is not this one: the stack's names may have got another zone."""
        return bool(observed.raw["Zone"] == aws[self.zone].id)

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

    def _existing(self, aws: Aws, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Existing address records of this name."""
        answer = aws.route53.list_resource_record_sets(
            HostedZoneId=aws[self.zone].id, StartRecordName=record["Name"], MaxItems="10"
        )
        return [
            one
            for one in answer["ResourceRecordSets"]
            if host(one["Name"]) == host(record["Name"]) and one["Type"] in {"A", "AAAA", "CNAME"}
        ]

    def conflict(self, aws: Aws) -> str:
        if aws[self.zone].id is UNKNOWN or isinstance(self.target, Certificate) or self.take_over:
            return ""
        existing = self._existing(aws, {"Name": self.name})
        values = ", ".join(f"{one['Type']} {value(one)}" for one in existing)
        return (
            f"{self.name} already has a DNS record: {values}. awsdeploy did not create it (--take-over-record "
            "replaces it)."
            if values
            else ""
        )

    def create(self, aws: Aws) -> str | Observed:
        """CREATE, which never overwrites; taking over deletes the other record in the same change."""
        record = self._record(aws)
        id = f"{aws[self.zone].id}/{host(record['Name'])}/{record['Type']}"
        create = [{"Action": "CREATE", "ResourceRecordSet": record}]
        try:
            self._change_with_others(aws, id, create)
        except AwsRefusal as refusal:
            if refusal.code != "InvalidChangeBatch":
                raise
            existing = self._existing(aws, record)
            if any(same(one, record) for one in existing):
                return id
            if existing and not self.take_over:
                raise RecordTaken(
                    f"{self.name} already has a DNS record: {value(existing[0])}.",
                    f"Remove it, or replace it: {next_command('up', '--take-over-record')}",
                ) from None
            self._change(aws, id, [{"Action": "DELETE", "ResourceRecordSet": one} for one in existing] + create)
        return aws.made(self, id, {**record, "Zone": aws[self.zone].id}, "PENDING")

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        record = self._record(aws)
        if not same(observed.raw, record):
            upsert = partial(self._change, aws, observed.id, [{"Action": "UPSERT", "ResourceRecordSet": record}])
            yield Change("value", value(observed.raw), value(record), upsert)

    def _change_with_others(self, aws: Aws, id: str, changes: list[dict[str, Any]]) -> None:
        """Send it in one call with the other records of the zone. AWS refuses all or none of them."""
        zone = aws[self.zone].id
        aws.context.pending[id] = aws.together(("records", zone), changes, partial(_changed, aws, zone), most=100)

    def _change(self, aws: Aws, id: str, changes: list[dict[str, Any]]) -> None:
        aws.context.pending[id] = _changed(aws, aws[self.zone].id, [changes])

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        """AWS gives every certificate of an account for a domain the same proof; renewal of the others needs it."""
        if observed.raw["Type"] != "CNAME":
            return None
        domain = observed.key.removeprefix("dns/proof/")
        ours = {one.id for one in aws.all(Certificate)}
        for other in aws.acm.pages("list_certificates", "CertificateSummaryList"):
            names = {other["DomainName"], *other.get("SubjectAlternativeNameSummaries", ())}
            if other["CertificateArn"] not in ours and domain in names:
                return Retained("used to validate another certificate of this account")
        return None

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.OUTAGE if observed.raw["Type"] == "A" else Danger.NONE

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        zone = observed.raw["Zone"]
        record = {name: part for name, part in observed.raw.items() if name != "Zone"}
        delete = [{"Action": "DELETE", "ResourceRecordSet": record}]
        try:
            aws.together(("deleted records", zone), delete, partial(_changed, aws, zone), most=100)
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

    def observe(self, aws: Aws) -> Observed:
        observed = aws.look(self.certificate) or aws[self.certificate]
        reason = observed.reason
        servers = aws[self.records[0].zone].raw.get("DelegationSet", {}).get("NameServers", ()) if self.records else ()
        if observed.status == "PENDING_VALIDATION" and servers:
            reason = f"the zone is new: enter these name servers at your registrar: {' '.join(servers)}"
        return Observed(
            type(self),
            self.key,
            observed.id,
            status=observed.status,
            raw=observed.raw,
            reason=reason,
            region=observed.region,
        )


def _statuses(aws: Aws) -> dict[str, str]:
    """Status of each change of this run that Route 53 is at work on, as it is now."""
    changes = set(aws.context.pending.values())
    return {change: aws.route53.get_change(Id=change)["ChangeInfo"]["Status"] for change in changes}


def _changed(aws: Aws, zone: str, changes: Sequence[list[dict[str, Any]]]) -> str:
    """Send the changes of several records; the id of the change."""
    batch = {"Changes": list(itertools.chain(*changes)), "Comment": f"awsdeploy {aws.stack.tag}"}
    made = aws.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    return str(made["ChangeInfo"]["Id"])


def value(record: Mapping[str, Any]) -> str:
    """Value of a record, in words."""
    if "AliasTarget" in record:
        return host(str(record["AliasTarget"]["DNSName"]))
    return " ".join(str(one["Value"]) for one in record.get("ResourceRecords", ()))


def same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Compare two record sets by their meaning."""
    if old["Type"] != new["Type"] or old.get("TTL") != new.get("TTL"):
        return False
    health = [bool(one.get("AliasTarget", {}).get("EvaluateTargetHealth")) for one in (old, new)]
    return bool(value(old) == value(new)) and health[0] == health[1]
