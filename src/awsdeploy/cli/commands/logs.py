"""`logs`: what services, machines, database and load balancer wrote, in local time. Reads only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import Session, session, styled
from awsdeploy.errors import UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.operations.entries import LogEntry
    from awsdeploy.operations.logs import Tail
    from awsdeploy.release.machines import ReleaseMachine

EXAMPLES = """\
  awsdeploy logs                            all services, the last hour
  awsdeploy logs backend -f                 follow, until Ctrl-C
  awsdeploy logs backend --since 2d --grep timeout
  awsdeploy logs alb --since 30m            the load balancer's access log
"""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0  # seconds between two looks of -f; AWS: five in a second at most


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("source", metavar="[SERVICE|rds|alb|bootstrap|nginx]", required=False, default="")
@click.option("--follow", "-f", is_flag=True, help="Follow new entries, until Ctrl-C.")
@click.option(
    "--since",
    "begin",
    metavar="WHEN",
    default="1h",
    show_default=True,
    help="Start: 30m, 1h, 2d, or a date and time (ISO 8601).",
)
@click.option(
    "--grep",
    "words",
    metavar="TEXT",
    default="",
    help="Show only entries that contain this text, with their stack traces.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@shared_options()
def command(given: Given, source: str, follow: bool, begin: str, words: str, as_json: bool) -> None:
    """Show log entries, oldest first, in the time zone of config.toml. Keeps stack traces together."""
    settings = given.settings()
    with session(given, settings, "logs") as at:
        from awsdeploy.operations import access_logs, logs
        from awsdeploy.operations.entries import entries
        from awsdeploy.operations.moments import moment
        from awsdeploy.release.machines import machines

        now = at.clock.now()
        start = moment("--since", begin, now, settings.tz, at.clock.speed)
        is_balancer = source == logs.BALANCER and source not in settings.services
        if is_balancer and follow:
            raise UsageError(
                "-f cannot follow the load balancer's log: AWS delivers it every five minutes.",
                f"Without -f: {next_command('logs', source)}",
            )
        tails = [] if is_balancer else logs.tails(at.run, settings, source, start)
        at.run.need_record()
        known = machines(at.run)
        printer = Printer(at, known, words, as_json, several=len(tails) > 1, of=source)

        def excuse() -> None:
            _nothing(at, source, start, words, known)

        if follow:
            _follow(at, printer, tails, excuse)
        printer.print(entries(access_logs.requests(at.run, start, now) if is_balancer else logs.read(at.run, tails)))
        if not printer.printed:
            excuse()


def _follow(at: Session, printer: Printer, tails: list[Tail], excuse: Callable[[], None]) -> None:
    """Follow the logs until the run is stopped; the pause grows while nothing comes. `excuse` explains an empty log."""
    from awsdeploy.operations import logs
    from awsdeploy.operations.entries import Assembly

    assembly, pause = Assembly(), FIRST_PAUSE
    try:
        while True:
            found = logs.read(at.run, tails)
            printer.print(assembly.take(found))
            if not found and pause == FIRST_PAUSE and not printer.printed:
                excuse()
            pause = FIRST_PAUSE if found else min(pause * 1.5, LONGEST_PAUSE)
            at.run.stop.sleep(pause)
    finally:
        printer.print(assembly.rest())


@dataclass
class Printer:
    """Prints entries that hold `words`. A source is named where there are several, and so is a machine."""

    at: Session
    machines: list[ReleaseMachine]
    words: str
    as_json: bool
    several: bool
    of: str
    printed: int = 0

    def __post_init__(self) -> None:
        mine = [one for one in self.machines if one.service == self.of or self.of not in self.at.settings.services]
        self.seen = {one.name for one in mine}

    def print(self, found: Iterable[LogEntry]) -> None:
        from awsdeploy.operations.logs import machine

        dim = styled("dim")
        shown = [entry for entry in found if not self.words or entry.holds(self.words)]
        names = {entry.first.stream: machine(entry.first.stream, self.machines) for entry in shown}
        self.seen |= {name for name in names.values() if name}
        for entry in shown:
            self.printed += 1
            moment = datetime.fromtimestamp(entry.first.at / 1000, self.at.settings.tz)
            name = names[entry.first.stream]
            if self.as_json:
                document = {"time": moment.isoformat(timespec="milliseconds"), "source": entry.first.source}
                more = {"machine": name or None, "stream": entry.first.stream, "message": entry.text}
                click.echo(json.dumps({**document, **more, "id": entry.first.id}, ensure_ascii=False))
                continue
            label = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
            named = name if name and len(self.seen) > 1 else ""
            # The name of a machine begins with its service's.
            if self.several and not named.startswith(f"{entry.first.source}-"):
                label += f" {entry.first.source}"
            label += f" {named}" if named else ""
            click.echo("\n".join([f"{dim(label)} {entry.lines[0]}", *entry.lines[1:]]))


def _nothing(at: Session, source: str, start: datetime, words: str, known: list[ReleaseMachine]) -> None:
    from awsdeploy.operations.logs import silence

    of = f" of {source}" if source else ""
    what = f" that contain {words!r}" if words else ""
    click.echo(f"No log entries{of}{what} since {start.astimezone(at.settings.tz):%Y-%m-%d %H:%M%z}.", err=True)
    for sentence in silence(at.settings, source, known):
        click.echo(sentence, err=True)
    if source in ("", *at.settings.services) and not any(one.release for one in known):
        click.echo(f"For the log of the machines' setup: {next_command('logs', 'bootstrap')}", err=True)
