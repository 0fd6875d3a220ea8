"""TLS certificates of AWS Certificate Manager, proved by DNS."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Wait,
)
from awsdeploy.resources import blockers, tag_calls

AWAITING_RECORD = "AWAITING_RECORD"
"""Our word for a certificate whose validation records AWS has not named yet (AWS: some seconds)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Certificate(Resource):
    """A certificate for a domain and its other names; ready when its validation records can be published."""

    domain: str
    aliases: tuple[str, ...] = ()

    tagging = tag_calls.CERTIFICATE
    rereads = True
    replaces = {"domain", "aliases"}
    # AWS: the token is good for an hour; after that the certificate has long been found by its tags.
    idempotency = Idempotency.TOKEN
    wait = Wait(
        pending={AWAITING_RECORD},
        ready={"PENDING_VALIDATION", "ISSUED"},
        failed={"FAILED", "VALIDATION_TIMED_OUT", "REVOKED", "EXPIRED", "INACTIVE"},
        usual=5,
        deadline=600,
    )
    deletion = Deletion(retry_on={"ResourceInUseException"}, immediate=True)
    arns = (":certificate/",)

    def brief(self) -> str:
        return ", ".join((self.domain, *self.aliases))

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        arns = [one["CertificateArn"] for one in aws.acm.pages("list_certificates", "CertificateSummaryList")]
        return itertools.chain.from_iterable(aws.each(lambda arn: list(cls._ours(aws, arn)), arns))

    @classmethod
    def _ours(cls, aws: Aws, arn: str) -> Iterator[Observed]:
        """The certificate if it is the stack's. AWS shows tags and details of one at a time only."""
        with tolerate("ResourceNotFoundException"):
            tags = aws.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
            for observed in aws.found(cls, arn, tags, {}):
                yield cls._described(aws, observed)

    @classmethod
    def reread(cls, aws: Aws, known: Sequence[Observed]) -> Iterable[Observed]:
        for one in known:
            with tolerate("ResourceNotFoundException"):
                yield cls._described(aws, one)

    @classmethod
    def _described(cls, aws: Aws, observed: Observed) -> Observed:
        one = aws.acm.describe_certificate(CertificateArn=observed.id)["Certificate"]
        reason = str(one.get("FailureReason", ""))
        return dataclasses.replace(observed, raw=one, status=status_of(one), reason=reason)

    def create(self, aws: Aws) -> str:
        others = {"SubjectAlternativeNames": list(self.aliases)} if self.aliases else {}
        made = aws.acm.request_certificate(
            DomainName=self.domain,
            ValidationMethod="DNS",
            IdempotencyToken=aws.token[:32],
            Tags=aws.tags(self),
            **others,
        )
        return str(made["CertificateArn"])

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        until = observed.raw.get("NotAfter")
        return {"valid until": f"{until:%Y-%m-%d}"} if until is not None else {}

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.balancers(aws, observed.raw.get("InUseBy", ()))

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("ResourceNotFoundException"):
            aws.acm.delete_certificate(CertificateArn=observed.id)


def status_of(certificate: Mapping[str, Any]) -> str:
    """AWS's status, or `AWAITING_RECORD` until every domain has its record."""
    options = certificate.get("DomainValidationOptions", ())
    named = bool(options) and all("ResourceRecord" in option for option in options)
    if certificate["Status"] == "PENDING_VALIDATION" and not named:
        return AWAITING_RECORD
    return str(certificate["Status"])


def validation_records(certificate: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Domain → the record (Name, Type, Value) that proves it."""
    return {
        option["DomainName"]: option["ResourceRecord"]
        for option in certificate.get("DomainValidationOptions", ())
        if "ResourceRecord" in option
    }
