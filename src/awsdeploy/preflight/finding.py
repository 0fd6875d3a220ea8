"""Question and finding of a preflight check."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.aws.session import AwsSession, Client
from awsdeploy.config import Settings

ATTEMPTS = 3
"""Number of times that a call without an answer is sent. A check that cannot be made does not stop the run."""


@dataclass(frozen=True)
class Finding:
    """A problem that would make the run fail (`fatal`), or a warning before it costs money."""

    what: str
    """The thing: "vCPU quota of On-Demand Standard instances (L-1216C47A)"."""
    seen: str
    """The value seen: "1, and this stack needs 4"."""
    remedy: str
    """The command or sentence that solves it."""
    fatal: bool = True


@dataclass(frozen=True)
class Question:
    """The stack to create, and the session for its AWS account."""

    settings: Settings
    session: AwsSession
    seconds: float = 0
    """Usual duration of the creation, in seconds."""
    folder: Path | None = None
    """Folder of config.toml, if there is one."""

    def client(self, service: str, region: str = "") -> Client:
        """A client of the stack's region, or of another."""
        return self.session.client(service, region or self.settings.region, attempts=ATTEMPTS)


Check = Callable[[Question], Iterable[Finding]]
"""A function that reads a few facts from AWS. It must not write. `doctor` shows its name."""
