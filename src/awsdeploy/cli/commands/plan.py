"""`plan`: what `up` would do, and why the stack differs from the document. Writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, full_option, json_option, shared_options
from awsdeploy.cli.planning import (
    blocked,
    made,
    paused,
    refresh_option,
    replace_option,
    restore_option,
    take_over_option,
)
from awsdeploy.cli.session import paragraphs, print_lines, session
from awsdeploy.cli.text import glance
from awsdeploy.cli.text import plan as text
from awsdeploy.cli.text.plan_json import document
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Plan

EXAMPLES = """\
  awsdeploy plan
  awsdeploy plan -e dev
  awsdeploy plan --detailed-exitcode    exit code 2 if changes are pending
"""
CHANGES_PRESENT = 2


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@take_over_option
@replace_option
@refresh_option
@restore_option
@click.option("--detailed-exitcode", is_flag=True, help="End with exit code 2 if changes are pending.")
@full_option
@json_option
@shared_options()
def command(
    given: Given,
    take_over: bool,
    replace: tuple[str, ...],
    refresh: bool,
    restore_snapshot: str,
    detailed_exitcode: bool,
    full: bool,
    as_json: bool,
) -> int:
    """Show what `up` would create, change and delete, step by step. Changes nothing."""
    with session(given, given.settings(), "plan") as at:
        found = made(at, take_over, replace, restore_snapshot, refresh)
        if as_json:
            click.echo(json.dumps(document(at, found), indent=2, ensure_ascii=False))
        else:
            following = [] if found.quiet or blocked(found) else [_next(found)]
            shown = text.lines(at, found, one_screen=glance.wanted(full))
            print_lines(paragraphs(shown, following))
        return CHANGES_PRESENT if detailed_exitcode and not found.quiet else 0


def _next(plan: Plan) -> str:
    return f"Next: {next_command('resume')}" if paused(plan) else f"Next: {next_command('up')}"
