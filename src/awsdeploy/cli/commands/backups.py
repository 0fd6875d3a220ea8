"""`backups`: what can be brought back, how old it is and what it costs. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session, styled
from awsdeploy.cli.text import drill
from awsdeploy.cli.text.backups import described, line
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Restorable
    from awsdeploy.operations.drill import DrillResult

EXAMPLES = """\
  awsdeploy backups
  awsdeploy backups --json
  awsdeploy backup now        make a backup now
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options()
def command(given: Given, as_json: bool) -> None:
    """List what can be restored: database backups and snapshots, machine images, file versions.

    Also lists backups that an earlier `destroy` retained.
    """
    with session(given, given.settings(), "backups") as at:
        from awsdeploy.operations import backups
        from awsdeploy.operations.drill import DrillResult

        found = backups.restorable(at.run)
        last = DrillResult.read(at.run.stack_lock.drill())
        if as_json:
            document = {**at.header, "backups": [described(one) for one in found]}
            document["last_drill"] = last.document() if last else None
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            drilled = [] if at.settings.database.instance else _drilled(at, last)
            print_lines([*_lines(at, found), *drilled, "", _next(at, found)])


def _lines(at: Session, found: Sequence[Restorable]) -> Iterator[str]:
    yield at.title
    if not found:
        yield ""
        yield "There are no backups yet."
    for what, several in groupby(found, key=lambda one: one.what):
        yield ""
        yield styled("bold")(what.capitalize() if not what.startswith("DB") else what)
        yield from (line(at, one) for one in several)


def _drilled(at: Session, last: DrillResult | None) -> Iterator[str]:
    yield ""
    yield styled("bold")("Last restore drill")
    if last is None:
        yield f"  never. To test a restore of the database: {next_command('drill')}"
    else:
        yield from drill.lines(at, last)


def _next(at: Session, found: Sequence[Restorable]) -> str:
    """Next step: the database of a deleted stack can be restored."""
    from awsdeploy.resources.backup.snapshot import Snapshot
    from awsdeploy.resources.database.instance import Database

    snapshots = [one for one in found if one.what == Snapshot.noun()]
    if snapshots and not at.run.all(Database):
        return f"To restore the database: {next_command('up', '--restore-snapshot', snapshots[0].id)}"
    return f"To make one now: {next_command('backup', 'now')}"
