"""`exec`: one command on a service's machines, as the application would run it."""

from __future__ import annotations

import shlex

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.releasing import chosen, need_machines
from awsdeploy.cli.session import session
from awsdeploy.errors import AwsdeployError

EXAMPLES = """\
  awsdeploy exec backend -- npm run seed
  awsdeploy exec backend --all -- df -h
"""


class CommandFailed(AwsdeployError):
    """What was run on a machine ended with an error."""


@click.command(cls=ExampleHelp, examples=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.argument("service")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND [ARG]…", type=click.UNPROCESSED)
@click.option("--all", "everywhere", is_flag=True, help="On every machine of the service, not only the first.")
@shared_options()
def command(given: Given, service: str, words: tuple[str, ...], everywhere: bool) -> None:
    """Run a command in the current release's folder, with its environment.

    AWS keeps what was run in the command history: put nothing secret into it.
    """
    settings = given.settings()
    (wanted,) = chosen(settings, [service])
    with session(given, settings, "exec") as at:
        from awsdeploy.release.deploy import Releaser
        from awsdeploy.release.ground import ground

        at.run.need_record()
        releaser = Releaser(ground(at.run, settings), click.echo)
        need_machines(releaser.ground, [wanted])
        machines = releaser.ground.machines[service]
        for one in machines if everywhere else machines[:1]:
            if everywhere:
                click.echo(f"{one.name}:", err=True)
            outcome = releaser.run(wanted, one, "exec", shlex.join(words))
            if not outcome.good:
                raise CommandFailed(f"On {one.id}: {outcome.diagnosis}", outcome.remedy)
