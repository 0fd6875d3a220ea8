"""`resume`: start a paused stack again. It is an `up`: what is stopped differs from what is declared."""

from __future__ import annotations

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.bringing_up import bring_up
from awsdeploy.cli.options import Given, json_option, shared_options, yes_option

EXAMPLES = """\
  awsdeploy resume -e dev
  awsdeploy resume -e dev --yes
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@yes_option
@json_option
@shared_options()
def command(given: Given, yes: bool, as_json: bool) -> None:
    """Start a paused stack again: machines, database and alarms. Shows the plan first.

    The same as `up`: changes of config.toml since the last `up` are made, too.
    """
    bring_up(given, existing=True, yes=yes, as_json=as_json)
