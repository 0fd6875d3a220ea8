"""Every way a command can fail, named for the fact, each with what to do next.

Nothing here prints or exits: the command line catches `AwsdeployError` in one place, prints
`message` and `hint`, and ends with `exit_code`. Commands in texts are written by `next_command`: it takes the
command and its own arguments, and the command line adds the program and the flags in use. Imports nothing of ours.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence


class AwsdeployError(Exception):
    """Failure with its cause (`message`) and the next thing to do (`hint`)."""

    exit_code: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AwsdeployError):
    """The command line, the environment or a flag cannot be used as given."""

    exit_code = 64


class ConfigInvalid(UsageError):
    """`config.toml` has mistakes; `message` lists all of them."""


class CredentialsMissing(AwsdeployError):
    """No usable AWS credentials, or they have expired."""

    exit_code = 3


class AwsFailure(AwsdeployError):
    """AWS refused or failed something; the same command resumes."""

    exit_code = 4


class Refused(AwsdeployError):
    """Stopped before anything was created or changed."""

    exit_code = 5


class WrongAccount(Refused):
    """The stack is in another account or region than the one in use."""


class RecordTaken(Refused):
    """A DNS record of our name exists and points elsewhere."""


class SeveralZones(Refused):
    """Several hosted zones could be meant, and nothing proves which."""


class NoSuchStack(AwsdeployError):
    """There is nothing of this name here."""

    exit_code = 6


class Leftovers(AwsdeployError):
    """A check found drift, or resources that should be gone."""

    exit_code = 7


class Declined(AwsdeployError):
    """The person at the keyboard said no."""

    exit_code = 8


class TimedOut(AwsdeployError):
    """We stopped waiting; AWS goes on."""

    exit_code = 9


class StateLocked(AwsdeployError):
    """Another command is changing this stack."""

    exit_code = 75


class Interrupted(AwsdeployError):
    """Ctrl-C: nothing new was started and what exists is recorded."""

    exit_code = 130


class Terminated(Interrupted):
    """SIGTERM: as Ctrl-C."""

    exit_code = 143


_WRITTEN = re.compile(r"`awsdeploy ([^`]+)`")


def _plainly(words: Sequence[str]) -> str:
    return shlex.join(["awsdeploy", *words])


_typed: Callable[[Sequence[str]], str] = _plainly


def typed_as(typed: Callable[[Sequence[str]], str] = _plainly) -> None:
    """Set how the words of a command are typed from here; the command line does so when it starts."""
    global _typed
    _typed = typed


def next_command(*words: str) -> str:
    """`next_command("up", "--replace", key)`: that command with the flags in use, quoted for the shell.

    Call it inside functions: while modules are imported the flags are not known yet.
    """
    return _typed(words)


def with_flags(text: str) -> str:
    """`text` from a machine, with the flags in use added to each "`awsdeploy …`" in it."""
    return _WRITTEN.sub(lambda found: f"`{_typed(shlex.split(found[1]))}`", text)
