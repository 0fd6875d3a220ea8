"""`unlock`: who holds the stack's lock, and taking it away from a command that is dead."""

from __future__ import annotations

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import session
from awsdeploy.errors import StateLocked
from awsdeploy.hints import next_command

EXAMPLES = """\
  awsdeploy unlock             who holds it
  awsdeploy unlock --force     take it away
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--force", is_flag=True, help="Remove the lock, whoever holds it.")
@shared_options()
def command(given: Given, force: bool) -> None:
    """Say who holds the stack's lock; with --force, remove it.

    A lock whose command has died on this machine, or was not renewed for five minutes, is taken over without this.
    """
    with session(given, given.settings(), "unlock") as at:
        holder = at.run.lease.holder()
        if not holder:
            click.echo(f"Nobody holds the lock of {at.settings.stack}.")
        elif force:
            at.run.lease.break_lock()
            click.echo(f"Removed the lock of {at.settings.stack}, held by {holder}.")
        else:
            raise StateLocked(
                f"{at.settings.stack} is locked by {holder}.",
                f"If you know that it is dead: {next_command('unlock', '--force')}",
            )
