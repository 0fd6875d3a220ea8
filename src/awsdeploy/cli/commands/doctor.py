"""`doctor`: what would stop a run, and what is well, all at once. Writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import print_lines, session
from awsdeploy.cli.text.preflight import asked, document, lines, usual, without_findings
from awsdeploy.errors import Refused, next_command

if TYPE_CHECKING:
    pass

EXAMPLES = """\
  awsdeploy doctor
  awsdeploy doctor -e dev
  awsdeploy doctor --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options()
def command(given: Given, as_json: bool) -> int:
    """Check everything that could stop `up`: credentials, quotas, availability in the region. Changes nothing."""
    settings = given.settings()
    with session(given, settings, "doctor") as at:
        from awsdeploy import architecture
        from awsdeploy.preflight.checks import results

        made = results(asked(at, usual(architecture.steps(settings))))
        found = [one for result in made for one in result.found]
        fatal = any(one.fatal for one in found)
        if as_json:
            click.echo(json.dumps(document(at, made), indent=2, ensure_ascii=False))
        else:
            print_lines([f"{settings.stack} in {settings.region}", "", *lines(found), *without_findings(made), ""])
            print_lines(["`up` would fail: fix the problems above first." if fatal else f"Next: {next_command('up')}"])
        return Refused.exit_code if fatal else 0
