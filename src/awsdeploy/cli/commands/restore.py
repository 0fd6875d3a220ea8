"""`restore`: the database and the uploads as they were."""

from __future__ import annotations

import click

from awsdeploy.cli.app import ExampleGroup
from awsdeploy.cli.restoring import database, uploads

EXAMPLES = """\
  awsdeploy restore database --to 30m       the database as it was 30 minutes ago, beside the one of now
  awsdeploy restore finish                  keep it, and delete the one of before
  awsdeploy restore undo                    bring back the one of before
  awsdeploy restore uploads --to 2h         uploaded files as they were 2 hours ago
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Restore data of the stack to an earlier time. What exists now is kept."""


for one in (database.restore, database.finish, database.undo, uploads.command):
    command.add_command(one)
