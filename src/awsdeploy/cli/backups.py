"""`backups`: what can be brought back, how old it is and what it costs. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session, styled
from awsdeploy.hints import next_command
from awsdeploy.progress import KEYS

if TYPE_CHECKING:
    from awsdeploy.resource import Restorable

EXAMPLES = """\
  awsdeploy backups
  awsdeploy backups --json
  awsdeploy backup now        make a backup now
"""
DAY = 86400


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options()
def command(given: Given, as_json: bool) -> None:
    """List what can be restored: database backups and snapshots, machine images, file versions.

    Also lists backups that an earlier `destroy` retained.
    """
    with session(given, given.settings(), "backups") as at:
        from awsdeploy import backups

        found = backups.restorable(at.run)
        if as_json:
            told = {**at.header, "backups": [described(one) for one in found]}
            click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        else:
            print_lines([*_lines(at, found), "", _next(at, found)])


def _lines(at: Session, found: Sequence[Restorable]) -> Iterator[str]:
    yield at.title
    if not found:
        yield ""
        yield "There are no backups yet."
    for what, several in groupby(found, key=lambda one: one.what):
        yield ""
        yield styled("bold")(what.capitalize() if not what.startswith("DB") else what)
        yield from (line(at, one) for one in several)


def _next(at: Session, found: Sequence[Restorable]) -> str:
    """What to do with it: of a stack that is gone, the database can be brought back."""
    from awsdeploy.resources.database import Database
    from awsdeploy.resources.snapshot import Snapshot

    snapshots = [one for one in found if one.what == Snapshot.noun()]
    if snapshots and not at.run.world.all(Database, at.run.region):
        return f"To restore the database: {next_command('up', '--restore-snapshot', snapshots[0].id)}"
    return f"To make one now: {next_command('backup', 'now')}"


def line(at: Session, one: Restorable) -> str:
    """One backup in a line."""
    said = []
    if one.since and one.at:
        said.append(f"{_moment(at, one.since)} to {_moment(at, one.at)}")
    elif one.at:
        said.append(f"{_moment(at, one.at)} ({age((at.clock.now() - one.at).total_seconds())} old)")
    if one.gb:
        said.append(f"{one.gb:g} GB")
        said.append("cost unknown" if one.monthly is None else f"${one.monthly:.2f} a month")
    if one.note:
        said.append(one.note)
    if one.status not in ("available", "active", "versioned"):
        said.append(f"is {one.status}")
    return f"  {one.of:<{KEYS}} {one.id}: {', '.join(said)}"


def _moment(at: Session, moment: datetime) -> str:
    return f"{moment.astimezone(at.settings.tz):%Y-%m-%d %H:%M%z}"


def age(seconds: float) -> str:
    """An age in words: 5 min, 3 h, 12 d."""
    from awsdeploy.progress import spell

    return f"{seconds / DAY:.0f} d" if seconds >= 2 * DAY else spell(max(0.0, seconds))


def described(one: Restorable) -> dict[str, Any]:
    return {
        "what": one.what,
        "of": one.of,
        "id": one.id,
        "status": one.status,
        "since": one.since.isoformat() if one.since else None,
        "at": one.at.isoformat() if one.at else None,
        "gb": one.gb,
        "monthly": one.monthly,
        "note": one.note,
    }
