"""`up`: show the plan, ask, carry it out, and say where the application is."""

from __future__ import annotations

import click

from awsdeploy.cli import planning
from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.bringing_up import bring_up
from awsdeploy.cli.options import Given, full_option, json_option, shared_options, yes_option

EXAMPLES = """\
  awsdeploy up --sandbox --yes          try it: simulated AWS, no account
  awsdeploy up                          shows the plan, then asks
  awsdeploy up -e dev --yes             the dev environment, without asking
  awsdeploy up --replace machines/backend-1
  awsdeploy up --refresh-images         machines with the newest system image
  awsdeploy up --restore-snapshot ID    restore the database; `awsdeploy backups` lists the IDs
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@yes_option
@planning.take_over_option
@planning.replace_option
@planning.refresh_option
@planning.restore_option
@click.option(
    "--delete-data",
    metavar="KEY",
    multiple=True,
    help="Allow this database or bucket to be deleted, if the plan deletes it. AWS takes a final snapshot of a "
    "database.",
)
@full_option
@json_option
@shared_options()
def command(
    given: Given,
    yes: bool,
    take_over: bool,
    replace: tuple[str, ...],
    refresh: bool,
    restore_snapshot: str,
    delete_data: tuple[str, ...],
    full: bool,
    as_json: bool,
) -> None:
    """Create the stack, or update it to match config.toml. After a crash or Ctrl-C, run the same command again."""
    bring_up(
        given, take_over, replace, restore_snapshot, delete_data, refresh=refresh, yes=yes, full=full, as_json=as_json
    )
