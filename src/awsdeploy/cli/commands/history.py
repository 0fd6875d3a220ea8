"""`history`: the runs that changed the stack, from its record in AWS. Reads only."""

from __future__ import annotations

import json

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import print_lines, session
from awsdeploy.cli.text import history as text
from awsdeploy.errors import UsageError, next_command

EXAMPLES = """\
  awsdeploy history           the last 50 runs
  awsdeploy history 12        run 12: who, what and how long
  awsdeploy history --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("number", metavar="[RUN]", type=int, required=False)
@json_option
@shared_options()
def command(given: Given, number: int | None, as_json: bool) -> None:
    """List the runs that changed the stack, from any computer: who, when, what, and how each ended.

    The stack's record in AWS holds the last 50 runs of up, deploy, rollback, restart, backup, restore and drill, and of
    a destroy that did not finish. `destroy` deletes the record. It contains no values of settings, and no secrets.
    """
    settings = given.settings()
    with session(given, settings, "history", existing=True) as at:
        from awsdeploy.operations import history

        found = history.runs(at.run)
        if number is not None:
            found = [one for one in found if one.summary.number == number]
            if not found:
                raise UsageError(f"There is no record of run {number}.", f"To see all: {next_command('history')}")
        if as_json:
            document = {**at.header, "runs": [text.run_document(one) for one in found]}
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        elif number is not None:
            print_lines(text.run_in_full(found[0], settings.tz))
        elif found:
            more = f"What a run changed: {next_command('history', str(found[0].summary.number))}"
            print_lines([at.title, "", *text.runs(found, settings.tz), "", more])
        else:
            print_lines([f"{at.title}: no run is recorded yet."])
