"""Permissions for certificates, hosted zones, records and Route 53 health checks."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions


def acm(scope: Scope) -> Iterator[Statement]:
    certificates = [scope.arn("acm", "certificate/*")]
    yield allow("CertificatesLook", ["acm:ListCertificates"], ["*"])
    yield allow("CertificatesRead", actions("acm", "DescribeCertificate ListTagsForCertificate"), certificates)
    changes = "AddTagsToCertificate DeleteCertificate RemoveTagsFromCertificate"
    yield allow("CertificatesChange", actions("acm", changes), certificates, scope.ours)
    if scope.settings.domain:
        make = actions("acm", "AddTagsToCertificate RequestCertificate")
        yield allow("CertificatesMake", make, ["*"], {**scope.becoming_ours, **scope.not_others})


def route53(scope: Scope) -> Iterator[Statement]:
    """Route 53. In IAM, hosted zones and health checks have neither names nor tags; records have names."""
    settings = scope.settings
    looks = "ListHealthChecks ListHostedZones"
    yield allow("DnsLook", actions("route53", looks), ["*"])
    reads = "GetHostedZone ListResourceRecordSets ListTagsForResource"
    both = ["arn:aws:route53:::healthcheck/*", "arn:aws:route53:::hostedzone/*"]
    yield allow("DnsRead", actions("route53", reads), both)
    yield allow("HealthCheckEnd", actions("route53", "DeleteHealthCheck"), both[:1])
    if not settings.domain:
        return
    names = [settings.domain, *settings.aliases]
    # ACM: an underscore and 32 characters before a name prove it. What a new zone copies may have any name.
    proofs = "*." if settings.dns.copy_records else f"_{'?' * 32}."
    records = [record for name in names for record in (name, f"{proofs}{name}")]
    yield allow("DnsChange", ["route53:GetChange"], ["arn:aws:route53:::change/*"])
    yield allow(
        "Records",
        ["route53:ChangeResourceRecordSets"],
        both[1:],
        {"ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": records}},
    )
    yield allow("DnsTags", ["route53:ChangeTagsForResource"], both)
    if settings.monitoring.health_check:
        yield allow("HealthCheck", ["route53:CreateHealthCheck"], ["*"])
        yield allow("HealthCheckChange", ["route53:UpdateHealthCheck"], both[:1])
    if settings.create_zone:
        yield allow("Zone", ["route53:CreateHostedZone"], ["*"])
        yield allow("ZoneEnd", ["route53:DeleteHostedZone"], both[1:])
