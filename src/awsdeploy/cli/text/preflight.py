"""Findings of the preflight for the commands that show them: how they are asked for, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from awsdeploy.cli.session import JSON_VERSION, Session
from awsdeploy.errors import CredentialsMissing

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Step
    from awsdeploy.preflight.checks import CheckResult
    from awsdeploy.preflight.finding import Finding, Question


def asked(at: Session, seconds: float) -> Question:
    """Question for the checks. `seconds`: how long the run usually takes."""
    from awsdeploy.preflight.finding import Question

    folder = at.given.config.absolute().parent if at.given.config.exists() else None
    return Question(at.settings, at.run.session, seconds, folder)


@contextmanager
def explained(at: Session) -> Iterator[None]:
    """Explain credentials that AWS does not accept, and how to get new ones. A disabled region looks alike."""
    try:
        yield
    except CredentialsMissing as missing:
        from awsdeploy.preflight import checks

        found = [one for one in checks.findings(asked(at, 0), checks.SIGNING_IN) if one.fatal]
        if not found:
            raise
        said = "\n".join([missing.message, *lines(found)])
        raise CredentialsMissing(said, "Then run the same command again: it continues from here.") from None


def usual(steps: Sequence[Step]) -> float:
    """Seconds that building all of it takes."""
    from awsdeploy.progress.forecast import Forecast

    resources = [resource for step in steps for resource in step.resources]
    needs = {one.key: {edge.key for edge in one.edges()} for one in resources}
    return Forecast(needs, {one.key: one.wait.usual for one in resources}).longest


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yield each finding with its remedy, fatal ones first."""
    for one in sorted(found, key=lambda one: not one.fatal):
        yield f"{'✗' if one.fatal else '!'} {one.what}: {one.seen}"
        yield f"    → {one.remedy}"


def without_findings(made: Sequence[CheckResult]) -> Iterator[str]:
    """Checks that passed, and checks that could not be made."""
    for one in made:
        if one.asked and not one.found:
            yield f"✓ {one.check}"
        elif not one.found:
            yield f"· {one.check}: not checked"


def document(at: Session, made: Sequence[CheckResult]) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "version": JSON_VERSION,
        "stack": str(at.settings.stack),
        "region": at.settings.region,
        "fatal": any(finding.fatal for one in made for finding in one.found),
        "findings": [
            {"check": one.check, "what": finding.what, "seen": finding.seen, "remedy": finding.remedy}
            | {"fatal": finding.fatal}
            for one in made
            for finding in one.found
        ],
        "well": [one.check for one in made if one.asked and not one.found],
        "not_checked": [one.check for one in made if not one.asked],
    }
