"""`drift`: the differences between AWS and config.toml, for people and for CI. Reads only."""

from __future__ import annotations

import json

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import print_lines, session
from awsdeploy.cli.stack_state import DRIFT, look
from awsdeploy.cli.text import drift as text

EXAMPLES = """\
  awsdeploy drift
  awsdeploy drift -e dev --json
  awsdeploy drift || notify       in a nightly job: exit code 7 if there is drift
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options()
def command(given: Given, as_json: bool) -> int:
    """Show what was changed by hand in AWS, and what is missing. Changes nothing.

    Compares AWS with config.toml, as `plan` does. A setting that you changed in config.toml since the last `up`
    differs too. Attributes in [drift] ignore are not compared. For the health of the stack use `status`.

    Exit codes: 0 no drift, 6 the stack does not exist, 7 drift.
    """
    with session(given, given.settings(), "drift") as at:
        plan = look(at).plan
        if as_json:
            click.echo(json.dumps(text.document(at, plan), indent=2, ensure_ascii=False))
        else:
            print_lines(text.lines(at, plan))
        return DRIFT if text.found(plan) else 0
