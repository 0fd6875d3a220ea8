"""Manual DNS: entries to make where awsdeploy cannot write, at a DNS provider or at the domain's registrar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from awsdeploy.dns.public_records import NOT_ASKED, PublicDns
from awsdeploy.engine.resource import UNKNOWN, Aws, Gate, Observed, Wait
from awsdeploy.errors import next_command
from awsdeploy.resources.dns.certificate import Certificate, validation_records
from awsdeploy.resources.dns.hosted_zone import HostedZone, lacking
from awsdeploy.resources.web.load_balancer import LoadBalancer

APEX = (
    "A domain itself (its apex) cannot be a CNAME: use your provider's ALIAS, ANAME or flattening, or use www and "
    "redirect the domain to it"
)
SIGNED = (
    "{name} has a DS record at its parent: turn DNSSEC off at your registrar and wait until the record has expired (a "
    "day, often). Otherwise {name} cannot be resolved after the move, because the zone is not signed with that key"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ManualDns(Gate):
    """Waits for nothing: says what to enter for these `names`, with a `zone` its name servers, else each record."""

    certificate: Certificate
    balancer: LoadBalancer
    names: tuple[str, ...]
    zone: HostedZone | None = None
    public: PublicDns = NOT_ASKED
    """Records of the DNS before the zone: they end with the move unless the zone has them, too."""
    https: bool = False
    """True if the certificate is waited for: then only the names themselves are still to be entered."""

    title = "DNS records to enter"
    wait = Wait(ready={"said"})

    def observe(self, aws: Aws) -> Observed:
        observed = aws.look(self.certificate) or aws[self.certificate]
        return Observed(type(self), self.key, observed.id, status="said", raw=observed.raw, region=observed.region)

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {} if self.zone else dict.fromkeys(self.names, f"must point to {self._target(aws)}")

    def advisory(self, aws: Aws, observed: Observed) -> str:
        if observed.raw is UNKNOWN or self.https:
            return ""
        again = f"then run `{next_command('up')}`"
        if observed.raw["Status"] == "ISSUED":
            return f"the certificate is issued; for HTTPS run `{next_command('up')}`"
        if self.zone is not None:
            return "\n".join([*self._name_servers(aws, self.zone), f"Then enter them at your registrar, {again}"])
        proofs = {(one["Name"], one["Value"]) for one in validation_records(observed.raw).values()}
        return "\n".join(
            [
                f"HTTPS starts after you enter these records for {self.names[0]} at your DNS provider",
                *(f"  {_bare(name)}  CNAME  {_bare(value)}" for name, value in sorted(proofs)),
                *(f"  {name}  CNAME or ALIAS  {self._target(aws)}" for name in self.names),
                f"{APEX};",
                again,
            ]
        )

    def _target(self, aws: Aws) -> str:
        return str(aws[self.balancer].raw["DNSName"])

    def _name_servers(self, aws: Aws, zone: HostedZone) -> list[str]:
        observed = aws[zone]
        servers = observed.raw.get("DelegationSet", {}).get("NameServers", ())
        if not servers:
            servers = aws.route53.get_hosted_zone(Id=observed.id)["DelegationSet"]["NameServers"]
        name = _bare(str(observed.raw.get("Name", zone.domain)))
        first: list[str] = []
        if missing := lacking(aws, observed, self.public.records):
            first += [
                f"{name} has these records in public DNS, but not in its hosted zone. Without them, mail stops working",
                *(f"  {one}" for one in missing),
                "Add them to the zone first. If awsdeploy creates the zone, it copies them with copy_records = true in "
                "[dns]",
            ]
        if self.public.unanswered:
            first += [f"{self.public.gaps}. Check your DNS provider, and add those records to the zone first"]
        if self.public.signed:
            first += [SIGNED.format(name=name)]
        return [
            f"HTTPS starts after {name} is delegated to its hosted zone. To keep its DNS where it is, set mode = "
            '"external" in [dns]; to move it:',
            *first,
            "Check for other names too: DNS cannot list all of them. Then enter the zone's name servers at your "
            "registrar (docs/dns.md)",
            *(f"  {_bare(server)}" for server in servers),
        ]


def _bare(name: str) -> str:
    return name.rstrip(".")
