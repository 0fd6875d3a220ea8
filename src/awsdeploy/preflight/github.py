"""Check of who may deploy from GitHub Actions, by config.toml. Makes no call."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.ci import by_name
from awsdeploy.preflight.finding import Finding, Question


def github_trust(question: Question) -> Iterator[Finding]:
    """Trust in a name can be taken over with the name."""
    if warned := by_name(question.settings.ci):
        seen, remedy = warned
        yield Finding("GitHub's ids", seen, remedy, fatal=False)
