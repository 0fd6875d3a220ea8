"""Hosted zone, records and certificate in Terraform."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import Data, ExportScope, Managed, describes
from awsdeploy.export.hcl import Section
from awsdeploy.resources.dns.certificate import Certificate
from awsdeploy.resources.dns.hosted_zone import HostedZone
from awsdeploy.resources.dns.records import Record
from awsdeploy.resources.dns.zone_choice import host


@describes(HostedZone, "aws_route53_zone")
def hosted_zone(scope: ExportScope, one: HostedZone, observed: Observed) -> Iterator[Managed | Data]:
    if one.existing:
        yield scope.data("aws_route53_zone", one, zone_id=observed.id)
        return
    yield scope.main(
        one,
        name=one.domain,
        comment=observed.raw["HostedZone"]["Config"].get("Comment", ""),
        tags=scope.tags(one),
        lifecycle=Section(prevent_destroy=True),
    )


@describes(Record, "aws_route53_record")
def record(scope: ExportScope, one: Record, observed: Observed) -> Iterator[Managed]:
    raw = observed.raw
    name = host(raw["Name"])
    settings = {"zone_id": scope.ref(one.zone).zone_id, "name": name, "type": raw["Type"]}
    if isinstance(one.target, Certificate):
        settings |= {"ttl": raw["TTL"], "records": [value["Value"] for value in raw["ResourceRecords"]]}
    else:
        balancer = scope.ref(one.target)
        settings["alias"] = Section(name=balancer.dns_name, zone_id=balancer.zone_id, evaluate_target_health=True)
    yield scope.main(one, f"{raw['Zone']}_{name}_{raw['Type']}", **settings)


@describes(Certificate, "aws_acm_certificate")
def certificate(scope: ExportScope, one: Certificate, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        domain_name=one.domain,
        subject_alternative_names=[one.domain, *one.aliases],
        validation_method="DNS",
        tags=scope.tags(one, observed.tags),
        lifecycle=Section(create_before_destroy=True),
    )
