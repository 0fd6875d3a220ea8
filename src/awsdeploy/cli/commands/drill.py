"""`drill`: prove that the database can be restored, and how long that takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.consent import agree, need_consent
from awsdeploy.cli.options import Given, json_option, shared_options, yes_option
from awsdeploy.cli.planning import need_own_database
from awsdeploy.cli.restoring.points import need_reachable, point, to_option
from awsdeploy.cli.session import print_lines, session
from awsdeploy.cli.text.drill import lines
from awsdeploy.cli.watching import watched

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.release.counting import DatabaseCount

EXAMPLES = """\
  awsdeploy drill
  awsdeploy drill --to 2026-11-24T16:05
  awsdeploy backups                        shows the figures of the last drill
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@to_option(default="latest", show_default=True)
@yes_option
@json_option
@shared_options()
def command(given: Given, text: str, yes: bool, as_json: bool) -> None:
    """Restore the database into a throw-away instance, count its rows, and delete it. The database is not touched.

    Measures how long a restore takes (RTO) and how much of the newest data it would lose (RPO). After an interruption
    run the same command again.
    """
    settings = given.settings()
    need_own_database(settings)
    need_consent(yes)
    with session(given, settings, "drill", writes=True) as at:
        from awsdeploy.architecture import STEPS
        from awsdeploy.operations import drill
        from awsdeploy.operations.database_instances import KEY
        from awsdeploy.progress.steps import BoardRow
        from awsdeploy.release.counting import counter
        from awsdeploy.resources.database.beside import DRILL
        from awsdeploy.resources.database.instance import Database

        to, _ = point(at, text)
        there = drill.survey(at.run)
        if there.current is not None and DRILL not in there.beside:
            need_reachable(at, there.current, to)
        ask = counter(at.run, settings, rows=True)
        click.echo("Restores the database into a second instance, which costs as much while it exists.", err=True)
        agree(yes)

        def count(made: Observed) -> DatabaseCount:
            return ask(str(made.raw["Endpoint"]["Address"]))

        rows = [BoardRow(f"{KEY}/{DRILL}", Database.noun(), Database.wait.usual)]
        with watched(at, "drill", [(STEPS["database"], rows)], {}, as_json=as_json):
            result = drill.drill(at.run, to, count, at.clock.now)
        if as_json:
            click.echo(json.dumps({**at.header, **result.document()}, indent=2, ensure_ascii=False))
        else:
            print_lines(["The database can be restored.", *lines(at, result)])
