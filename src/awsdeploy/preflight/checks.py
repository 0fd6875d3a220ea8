"""Every check of the preflight, and how they are made: all at once."""

from __future__ import annotations

from awsdeploy.preflight import dns
from awsdeploy.preflight.finding import Check, Finding, Question

CHECKS: tuple[Check, ...] = (
    dns.hosted_zone,
    dns.delegated,
    dns.authorities,
    dns.signed_delegation,
    dns.askable,
)


def findings(question: Question) -> list[Finding]:
    """What all checks found, the fatal first."""
    found = [one for several in question.door.each(lambda check: list(check(question)), CHECKS) for one in several]
    return sorted(found, key=lambda one: not one.fatal)
