"""Route 53 asks for the application from around the world."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine.resource import (
    TIMELESS,
    Aws,
    Blocker,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.resources import tag_calls

KEY = "monitoring/health-check"
"""A stack has one at most: its caller reference has no room for a key."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HealthCheck(Resource):
    """HTTPS to `domain` and `path` every 30 s; 3 failures in a row make it unhealthy.

    The checkers speak TLS 1.0 to 1.2, so a listener for TLS 1.3 alone would never be healthy. It cannot be tagged in
    the call that makes it; until it is, its caller reference says whose it is.
    """

    domain: str
    path: str

    title = "Route 53 health check"
    immediate = True
    idempotency = Idempotency.TOKEN
    is_global = True
    arns = (":healthcheck/",)
    ignorable = {"ResourcePath", "FailureThreshold", "Inverted", "Disabled"}
    deletion = Deletion(retry_on={"HealthCheckInUse"}, immediate=True)

    # AWS: cannot be changed later.
    FIXED = {"Type": "HTTPS", "RequestInterval": 30}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        ours = re.compile(rf"{re.escape(aws.stack.tag)}:(?P<counter>\d+):[0-9a-f]+")
        for one in aws.route53.pages("list_health_checks", "HealthChecks"):
            if found := ours.fullmatch(one["CallerReference"]):
                generation = _generation(int(found["counter"]))
                yield Observed(cls, KEY, one["Id"], generation, raw=one, region=aws.region)

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """All of it can change in place."""
        return _generation(counter)

    def create(self, aws: Aws) -> str | Observed:
        """AWS: the reference of a deleted health check is refused for days, hence the token in it; 64 characters."""
        counter = aws.generation(self).partition(".")[2] or "0"
        reference = f"{aws.stack.tag}:{counter}:{aws.token[:10]}"
        try:
            made = aws.route53.create_health_check(
                CallerReference=reference, HealthCheckConfig={**self.FIXED, **self._settings()}
            )
        except AwsRefusal as refusal:
            if refusal.code != "HealthCheckAlreadyExists":
                raise
            # Of a crashed run with other settings, or deleted since: what every other service calls a used token.
            raise AwsRefusal(refusal.operation, "IdempotentParameterMismatch", refusal.text) from None
        return aws.made(self, made["HealthCheck"]["Id"], made["HealthCheck"])

    def _settings(self) -> dict[str, Any]:
        return {
            "FullyQualifiedDomainName": self.domain,
            "ResourcePath": self.path,
            "Port": 443,
            "FailureThreshold": 3,
            "EnableSNI": True,
            "Inverted": False,
            "Disabled": False,
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present = observed.raw["HealthCheckConfig"]
        wrong: dict[str, Any] = {}

        def update() -> None:
            aws.route53.update_health_check(HealthCheckId=observed.id, **wrong)

        for field, wanted in self._settings().items():
            if present.get(field) != wanted and not aws.ignores(self, field):
                wrong[field] = wanted
                yield Change(field, present.get(field), wanted, update)
        tags = {} if observed.new else tag_calls.route53_tags(aws, "healthcheck", observed)
        yield from tag_calls.route53_differences(aws, self, "healthcheck", observed, tags)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        for zone in aws.route53.pages("list_hosted_zones", "HostedZones"):
            records = aws.route53.pages("list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"])
            for one in records:
                if one.get("HealthCheckId") == observed.id:
                    what = f"record {one['Type']} {one['Name']} in the hosted zone {zone['Id']}"
                    yield Blocker(what, "delete the record or remove the health check from it")

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchHealthCheck"):
            aws.route53.delete_health_check(HealthCheckId=observed.id)


def _generation(counter: int) -> str:
    return f"{TIMELESS}.{counter}" if counter else TIMELESS
