"""Every check of the preflight, and how they are made: all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from awsdeploy.aws.refusals import FORBIDDEN, AwsRefusal
from awsdeploy.errors import AwsdeployError, AwsFailure, CredentialsMissing, UsageError, next_command
from awsdeploy.preflight import (
    account,
    backing_services,
    compute,
    database,
    dns,
    folders,
    github,
    monitoring,
    network,
    quotas,
    storage,
    variables,
)
from awsdeploy.preflight.finding import Check, Finding, Question

CHECKS: tuple[Check, ...] = (
    account.credentials,
    account.regions,
    account.zones,
    account.free_plan,
    quotas.vcpu_quota,
    quotas.elastic_ip_quota,
    quotas.vpc_quota,
    network.existing_vpc,
    network.free_addresses,
    compute.instance_types,
    compute.image,
    compute.key_pair,
    database.database_class,
    database.existing_database,
    storage.buckets,
    monitoring.alarm_mail,
    dns.hosted_zone,
    dns.caa_records,
    dns.ds_record,
    dns.public_dns,
    github.github_trust,
    folders.service_folders,
    backing_services.backing_services,
    variables.secrets_in_config,
)

IN_A_PLAN = (
    network.existing_vpc,
    database.existing_database,
    compute.key_pair,
    storage.buckets,
    dns.public_dns,
    github.github_trust,
)
BEYOND_A_PLAN = tuple(check for check in CHECKS if check not in IN_A_PLAN)
"""Checks that a plan does not make. A plan reports the problems of `IN_A_PLAN` as conflicts."""

SIGNING_IN = (account.credentials, account.regions)
"""Checks of the sign-in; if they fail, the others cannot be made."""


@dataclass(frozen=True)
class CheckResult:
    """Findings of one check. `asked`: AWS has answered it."""

    check: str
    found: tuple[Finding, ...]
    asked: bool = True


def results(question: Question, checks: Sequence[Check] = CHECKS) -> list[CheckResult]:
    """Results of the checks, in their order."""
    return question.session.each(lambda check: _result(check, question), checks)


def findings(question: Question, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Findings of the checks, the fatal ones first."""
    found = [finding for result in results(question, checks) for finding in result.found]
    return sorted(found, key=lambda one: not one.fatal)


def _result(check: Check, question: Question) -> CheckResult:
    """A check that AWS does not answer is no failure: it says that it was not made."""
    name = str(getattr(check, "__name__", "check")).replace("_", " ")
    try:
        return CheckResult(name, tuple(check(question)))
    except (CredentialsMissing, UsageError):
        return CheckResult(name, (), asked=False)  # one check says so for all
    except AwsFailure as failure:
        return CheckResult(name, (_not_made(name, failure),), asked=False)


def _not_made(name: str, failure: AwsdeployError) -> Finding:
    if isinstance(failure, AwsRefusal) and failure.code in FORBIDDEN:
        seen = f"not checked: these credentials may not call {failure.operation} ({failure.code})"
        remedy = (
            f"`up` continues without this check. To check it, allow {failure.action}; it is in the output of "
            f"{next_command('policy')}"
        )
        return Finding(name, seen, remedy, fatal=False)
    return Finding(
        name,
        f"not checked: {failure.message}",
        "`up` continues without this check; if something is wrong, AWS reports it then.",
        fatal=False,
    )
