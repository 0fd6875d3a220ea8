"""One command at work on one stack: its settings, its run, and the clock that people are shown."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.consent import can_ask
from awsdeploy.cli.options import Given
from awsdeploy.errors import UsageError
from awsdeploy.progress import streams

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.engine.run import Run
    from awsdeploy.progress.steps import DisplayClock

JSON_VERSION = 1
"""Version of every document that `--json` prints."""


STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
"""SGR codes of what `styled` knows."""


@dataclass
class Session:
    """A command's run, and how to talk about it."""

    given: Given
    settings: Settings
    run: Run
    clock: DisplayClock

    @property
    def title(self) -> str:
        """Name and place of the stack: `shop-prod in ap-northeast-2, account 123456789012`."""
        account = self.run.state.account
        return f"{self.settings.stack} in {self.run.region}" + (f", account {account}" if account else "")

    @property
    def header(self) -> dict[str, object]:
        """Beginning of every JSON document."""
        return {
            "version": JSON_VERSION,
            "stack": str(self.settings.stack),
            "region": self.run.region,
            "account": self.run.state.account,
        }


@contextmanager
def session(
    given: Given, settings: Settings, command: str, writes: bool = False, existing: bool = False
) -> Iterator[Session]:
    """Open the stack of `settings`. With `writes` this machine's lock on it is held; with `existing` it must exist.

    Raises `StateLocked`, `StateTooNew`, `StateUnwritable`, `NoSuchStack`.
    """
    click.echo(f"Reading {settings.stack} in {settings.region} …", err=True)
    from awsdeploy import architecture  # noqa: F401 - every kind enters by being defined
    from awsdeploy.aws.session import AwsSession
    from awsdeploy.aws.waiting import Cancellation, Polling
    from awsdeploy.engine.run import Run
    from awsdeploy.progress.steps import DisplayClock
    from awsdeploy.rehearsal import recorder
    from awsdeploy.state.file_lock import locked
    from awsdeploy.state.record import State

    stack = settings.stack
    path = given.state_folder / f"{stack.slug}.json"
    stop, waits = Cancellation(), settings.waits
    with ExitStack() as held:
        held.enter_context(stop.on_signals())
        if writes:
            held.enter_context(locked(path, command))
            streams.go_on()
        state = State.load(path, stack.tag)
        if state.rebuilt:
            click.echo(state.rebuilt, err=True)
        session = AwsSession(stop, first_pause=waits.poll_floor)
        clock = DisplayClock.given(settings.tz)
        polling = Polling(waits.poll_floor, waits.poll_ceiling)
        run = Run(
            session,
            stack,
            settings.region,
            state,
            polling=polling,
            settle=waits.settle,
            ignored=settings.drift.ignore,
            aws_seconds=clock.of,
        )
        recorder.listen(run)
        if existing:
            run.need_record()
        yield Session(given, settings, run, clock)


def asked_hidden(question: str, what: str) -> str:
    """A secret: typed without being shown, or read from standard input. Raises `UsageError` for what is no text."""
    if can_ask():
        return str(click.prompt(question, hide_input=True, err=True))
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"{what} is not valid UTF-8 text.", "Nothing was set.") from None


def styled(*words: str, to_stderr: bool = False) -> Callable[[str], str]:
    """A colour or weight for a stream; plain where the stream takes none."""
    stream = sys.stderr if to_stderr else sys.stdout
    plain = not stream.isatty() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

    def style(text: str) -> str:
        return text if plain else streams.style(text, *(STYLES[word] for word in words))

    return style


def print_lines(lines: Iterable[str], err: bool = False) -> None:
    """Print them; on a terminal long ones are wrapped between words, indented below their beginning."""
    stream = sys.stderr if err else sys.stdout
    if stream.isatty():
        width = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in _wrapped(line, width)]
    click.echo("\n".join(lines), err=err)


def paragraphs(*parts: Iterable[str]) -> Iterator[str]:
    """The lines of each part, and an empty one between two parts that have any."""
    begun = False
    for part in parts:
        for number, line in enumerate(part):
            yield from ("", line) if begun and number == 0 else (line,)
            begun = True


def _wrapped(line: str, width: int) -> list[str]:
    if len(click.unstyle(line)) <= width or line != click.unstyle(line):
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table(facts: Mapping[str, str]) -> list[str]:
    """Names and values in two columns."""
    widest = max((len(name) for name in facts), default=0)
    return [f"  {name:<{widest}}  {value}" for name, value in facts.items()]
