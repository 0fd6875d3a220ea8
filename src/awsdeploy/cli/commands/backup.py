"""`backup now`: a snapshot of the database and an image of every machine, waited for."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session
from awsdeploy.cli.text.backups import described, line
from awsdeploy.cli.watching import steps_of, watched
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Observed, Restorable

EXAMPLES = """\
  awsdeploy backup now
  awsdeploy backups           list them
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Make a backup now, in addition to the daily ones."""


@command.command(cls=ExampleHelp, examples="  awsdeploy backup now\n  awsdeploy backup now --json\n")
@json_option
@shared_options()
def now(given: Given, as_json: bool) -> None:
    """Make a snapshot of the database and an image of every machine, without a restart, and wait for them.

    They are kept until you delete them or run `awsdeploy destroy --everything`.
    """
    with session(given, given.settings(), "backup", writes=True) as at:
        from awsdeploy.engine import backup, teardown

        observations = backup.sources(at.run)
        begun = time.monotonic()
        copies = _carry_out(at, observations, teardown.stamp(), as_json)
        seconds = at.clock.of(time.monotonic() - begun)
        made = [one for copy in copies for one in copy.kind.restorable(at.run.view_of(copy), copy)]
        _report(at, made, seconds, as_json)


def _carry_out(at: Session, observations: list[Observed], stamp: str, as_json: bool) -> list[Observed]:
    from awsdeploy.engine import backup
    from awsdeploy.engine.resource import KINDS

    steps = steps_of({one.key: KINDS[one.kind.copies] for one in observations})
    with watched(at, "backup", steps, {}, as_json=as_json):
        return backup.take(at.run, observations, stamp)


def _report(at: Session, made: list[Restorable], seconds: float, as_json: bool) -> None:
    from awsdeploy.progress.steps import spell

    if as_json:
        document = {**at.header, "seconds": round(seconds, 1), "backups": [described(one) for one in made]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    lines = [f"Backed up {at.settings.stack} in {spell(seconds)}.", "", *(line(at, one) for one in made)]
    print_lines([*lines, "", f"To list all backups: {next_command('backups')}"])
