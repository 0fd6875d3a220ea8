"""`status`: every resource, its health and the URLs. Reads only."""

from __future__ import annotations

import json
import sys

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import print_lines, session
from awsdeploy.cli.stack_state import look
from awsdeploy.progress import streams

EXAMPLES = """\
  awsdeploy status
  awsdeploy status --watch        refresh until Ctrl-C
  awsdeploy status --json
"""
EVERY = 5.0  # seconds between two looks of --watch


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--watch", is_flag=True, help="Refresh every few seconds until Ctrl-C.")
@json_option
@shared_options()
def command(given: Given, watch: bool, as_json: bool) -> int:
    """Show every resource, its health and the URLs.

    Exit codes: 0 healthy, 1 something is unhealthy, 6 the stack does not exist, 7 something is missing or differs from
    config.toml.
    """
    settings = given.settings()
    while True:
        with session(given, settings, "status") as at:
            existing = look(at)
            if watch and sys.stdout.isatty():
                click.echo(streams.CLEAR, nl=False)
            if as_json:
                click.echo(json.dumps(existing.document(), indent=None if watch else 2, ensure_ascii=False))
            else:
                print_lines(list(existing.lines()))
            if not watch:
                return existing.exit_code
            at.run.stop.sleep(EVERY)
