"""Ending of every command: a failure becomes one message, the next thing to do, and an exit code.

The only place that catches everything. Knows no command. What only a report needs is imported for it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from awsdeploy import __version__
from awsdeploy.errors import AwsdeployError
from awsdeploy.progress import streams
from awsdeploy.state.files import FOLDER, own_folder, write

USAGE = 64
INTERRUPTED = 130
WINDOWS = "awsdeploy runs on macOS, Linux and Windows through WSL: install and run it in the WSL terminal."

_SECRET_NAME = re.compile(r"secret|passw|token|credential|private|access_key|api_key|jwt", re.IGNORECASE)
_SECRETS = (
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    # What is called a secret, and everything after it.
    re.compile(r"(?<=\W)(?:\w*(?:secret|passw|token|credential|signature)\w*)\W.*", re.IGNORECASE | re.DOTALL),
    # What looks like one: long, without spaces, of mixed characters.
    re.compile(r"(?=[^\s'\"]*[0-9])(?=[^\s'\"]*[A-Za-z])[A-Za-z0-9+/=_-]{20,}"),
)


def ending(run: Callable[[], object], debug: Callable[[], bool]) -> int:
    """Run a command, print its error to stderr, and return the exit code.

    With `debug`, an unexpected exception is raised again.
    """
    if sys.platform == "win32":
        click.echo(WINDOWS, err=True)
        return USAGE
    try:
        result = run()
        sys.stdout.flush()
        return _unread(result if isinstance(result, int) else 0)
    except AwsdeployError as error:
        say(error.message, error.hint)
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "awsdeploy"
        say(error.format_message(), f"{command} --help")
        return USAGE
    except click.ClickException as error:
        say(error.format_message())
        return error.exit_code
    except (click.Abort, KeyboardInterrupt, EOFError):
        click.echo("\nStopped." if sys.stderr.isatty() else "Stopped.", err=True)
        return INTERRUPTED
    except streams.Unwritable:
        return _unread(1)
    except Exception as error:
        if debug():
            raise
        say(f"awsdeploy itself failed ({type(error).__name__}).", _leftovers(error))
        return 1


def say(message: str, hint: str = "") -> None:
    """A failure and what to do next, on stderr."""
    click.echo(f"Error: {message}", err=True)
    if hint:
        click.echo(f"→ {hint}", err=True)


def report(error: BaseException, command: Sequence[str]) -> str:
    """Contents of a bug report: versions, the command's names, the place of the failure. No values, no secrets."""
    import platform
    import traceback

    said = [
        f"awsdeploy {__version__}, Python {platform.python_version()}, {platform.platform()}",
        "command: " + " ".join(_without_values(command)),
        "",
    ]
    for one in _chain(error):
        said += ["Traceback (most recent call last):", "".join(traceback.format_tb(one.__traceback__)).rstrip("\n")]
        said.append(redacted("".join(traceback.format_exception_only(one)).strip()))
        said.append("")
    return "\n".join(said).replace(str(Path.home()), "~")


def redacted(text: str) -> str:
    """`text` without anything that is, is called or looks like a secret."""
    for name, value in os.environ.items():
        if len(value) >= 6 and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    for pattern in _SECRETS:
        text = pattern.sub("***", text)
    return text


def _leftovers(error: BaseException) -> str:
    import datetime

    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    path = Path(FOLDER) / f"crash-{stamp}-{os.getpid()}.txt"
    try:
        own_folder(path.parent)
        write(path, report(error, sys.argv))
    except (OSError, AwsdeployError):
        return "Please report this to the project with the output of the same command with --debug."
    return f"Please report this to the project with the file {path}. It contains no secrets."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The first cause first, as Python prints it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    yield error


def _without_values(command: Sequence[str]) -> Iterator[str]:
    yield "awsdeploy"
    for word in command[1:]:
        if word.startswith("-"):
            yield word.split("=")[0]
        elif re.fullmatch("[a-z]{1,12}", word):
            yield word
        else:
            yield "…"


def _unread(code: int) -> int:
    """The exit code of a command, part of whose output may have been lost."""
    lost = streams.lost()
    if lost is None or lost.errno == errno.EPIPE:  # who reads may stop when he has seen enough
        return code
    done = "" if code else " The command itself succeeded."
    say(
        f"Standard output cannot be written: {lost.strerror}.{done}",
        "Free disk space, or redirect the output to another place.",
    )
    return code or 1
