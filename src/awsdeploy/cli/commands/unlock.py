"""`unlock`: who holds the stack's lock, and taking it away from a command that is dead."""

from __future__ import annotations

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import session
from awsdeploy.errors import StateLocked, next_command

EXAMPLES = """\
  awsdeploy unlock             show who holds the lock
  awsdeploy unlock --force     remove the lock
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--force", is_flag=True, help="Remove the lock even if another run holds it.")
@shared_options()
def command(given: Given, force: bool) -> None:
    """Show who holds the stack's lock. With --force, remove it.

    Not needed after a crash: awsdeploy takes over a lock whose process on this computer has ended, or which was not
    renewed for five minutes.
    """
    with session(given, given.settings(), "unlock") as at:
        holder = at.run.stack_lock.holder()
        if not holder:
            click.echo(f"{at.settings.stack} is not locked.")
        elif force:
            at.run.stack_lock.break_lock()
            click.echo(f"Removed the lock of {at.settings.stack}, held by {holder}.")
        else:
            raise StateLocked(
                f"{at.settings.stack} is locked by {holder}.",
                f"If that command is no longer running: {next_command('unlock', '--force')}",
            )
