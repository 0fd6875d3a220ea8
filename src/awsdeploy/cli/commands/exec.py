"""`exec`: one command on a service's machines, as the application would run it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.releasing import chosen, need_machines
from awsdeploy.cli.session import session
from awsdeploy.errors import AwsdeployError

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Stack

EXAMPLES = """\
  awsdeploy exec backend -- npm run seed
  awsdeploy exec backend --all -- df -h
  awsdeploy exec backend 'npm run report | tail -5'    one word: a line of the shell
"""


RETAINED_DAYS = 30
"""AWS: Systems Manager keeps the history of commands for 30 days (User Guide, understanding command statuses)."""


class CommandFailed(AwsdeployError):
    """Failure of the command that was run on a machine."""


def kept(stack: Stack) -> str:
    """Places where AWS keeps the command and its output, and for how long."""
    from awsdeploy.resources.monitoring.log_group import COMMANDS, COMMANDS_DAYS

    days = f"{COMMANDS_DAYS} day{'s' * (COMMANDS_DAYS > 1)}"
    return (
        f"Note: the output is kept in the log group {stack.parameter(COMMANDS)} for {days}. AWS keeps the command and "
        f"the beginning of its output in the command history for {RETAINED_DAYS} days.\n"
        "Secret values of 6 or more characters are masked. Shorter ones are not."
    )


@click.command(cls=ExampleHelp, examples=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND [ARG]…", type=click.UNPROCESSED)
@click.option("--all", "everywhere", is_flag=True, help="Run on every machine of the service, not only on the first.")
@shared_options()
def command(given: Given, service: str, words: tuple[str, ...], everywhere: bool) -> None:
    """Run a command in the current release's folder, with its environment. One word is a line of the shell.

    Values of secret variables are masked in the output. AWS stores the command and its output for some days: do not put
    secrets in the command.
    """
    settings = given.settings()
    (wanted,) = chosen(settings, [service])
    with session(given, settings, "exec", existing=True) as at:
        from awsdeploy.release.deploy import Releaser
        from awsdeploy.release.target import release_target

        releaser = Releaser(release_target(at.run, settings), click.echo)
        need_machines(releaser.release_target, [wanted])
        click.echo(kept(at.run.stack), err=True)
        machines = releaser.release_target.machines[service]
        if not everywhere:
            machines = machines[:1]
        for one in machines:
            if everywhere:
                click.echo(f"{one.name}:", err=True)
            outcome = releaser.execute(wanted, one, words[0] if len(words) == 1 else shlex.join(words))
            if not outcome.good:
                raise CommandFailed(f"On {one.id}: {outcome.diagnosis}", outcome.remedy)
