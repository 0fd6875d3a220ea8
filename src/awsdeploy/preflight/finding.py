"""Question and finding of a preflight check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from awsdeploy.aws.session import AwsSession, Client
from awsdeploy.config import Settings

ATTEMPTS = 3
"""How often a question is sent that nobody answers: a check that cannot be made stops nothing."""


@dataclass(frozen=True)
class Finding:
    """One thing that stands in the way (`fatal`) or that somebody should know before spending."""

    what: str
    """The thing: "vCPU quota of On-Demand Standard instances (L-1216C47A)"."""
    seen: str
    """The value seen: "1, and this stack needs 4"."""
    remedy: str
    """The command or sentence that mends it."""
    fatal: bool = True


@dataclass(frozen=True)
class Question:
    """The stack that is to be built, and the AWS account it is to be built in."""

    settings: Settings
    session: AwsSession
    seconds: float = 0
    """How long building it usually takes."""

    def client(self, service: str, region: str = "") -> Client:
        """A client of the stack's region, or of another."""
        return self.session.client(service, region or self.settings.region, attempts=ATTEMPTS)


Check = Callable[[Question], Iterable[Finding]]
"""Asks AWS for one fact or a few that belong together. Writes nothing. Its name says what was checked."""
