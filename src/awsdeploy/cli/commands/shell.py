"""`shell`: a shell on one of a service's machines, by Session Manager."""

from __future__ import annotations

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import session
from awsdeploy.errors import UsageError, next_command

EXAMPLES = """\
  awsdeploy shell backend
  awsdeploy shell backend --instance backend-2
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("service")
@click.option("--instance", metavar="ID", default="", help="The machine, by ID or name.  [default: the first]")
@shared_options()
def command(given: Given, service: str, instance: str) -> int:
    """Open a shell on a machine of a service. No SSH, no key, no open port."""
    settings = given.settings()
    if service not in settings.services:
        raise UsageError(f"{service} is not a service in config.toml.", f"Services: {', '.join(settings.services)}.")
    from awsdeploy.operations import sessions

    run = next_command("exec", service, "COMMAND")
    sessions.need_plugin(given.sandbox, f"To run a command on a machine of the sandbox: {run}")
    with session(given, settings, "shell", existing=True) as at:
        from awsdeploy.release.machines import machines

        machine = sessions.choose(machines(at.run), [service], instance)
        click.echo(f"{machine.name} ({machine.id}); type exit to leave.", err=True)
        return sessions.open_session(at.run, machine)
