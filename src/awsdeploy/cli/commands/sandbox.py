"""`sandbox`: start and stop the simulated AWS. `--sandbox` on any command starts it automatically."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import SANDBOX, SPEED, Given, shared_options
from awsdeploy.errors import UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.sandbox.control import RunningSandbox

EXAMPLES = """\
  awsdeploy up --sandbox --yes      starts the sandbox automatically
  awsdeploy sandbox status          show whether it runs, and its speed
  eval "$(awsdeploy sandbox env)"   use it with the AWS CLI in this shell
  awsdeploy sandbox reset           delete everything in it
  awsdeploy sandbox stop
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Simulated AWS on this computer: the waits (faster) and errors of AWS, without an account or cost."""


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox start --speed 120\n")
@shared_options(reads_config=False, reaches_aws=False)
def start(given: Given) -> None:
    """Start the sandbox, if it is not running."""
    from awsdeploy.sandbox import control

    home = SANDBOX.absolute()
    running = control.status(home)
    if running is None:
        click.echo("Starting the sandbox (simulated AWS) …", err=True)
    speed = given.speed or (running.speed if running else SPEED)
    click.echo(_described(control.start(home, speed)))


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox stop\n")
@shared_options(reads_config=False, reaches_aws=False)
def stop(_given: Given) -> None:
    """Stop the sandbox. Its resources are lost."""
    from awsdeploy.sandbox import control

    was_running = control.stop(SANDBOX.absolute())
    click.echo("The sandbox is stopped." if was_running else "The sandbox was not running.")


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox status\n")
@shared_options(reads_config=False, reaches_aws=False)
def status(_given: Given) -> None:
    """Show whether the sandbox is running, its URL and speed."""
    from awsdeploy.sandbox import control

    server = control.status(SANDBOX.absolute())
    click.echo(_described(server) if server else "The sandbox is not running.")


@command.command(cls=ExampleHelp, examples='  eval "$(awsdeploy sandbox env)" && aws ec2 describe-vpcs\n')
@shared_options(reads_config=False, reaches_aws=False)
def env(_given: Given) -> None:
    """Print the sandbox's URL and keys as shell variables, for other clients. The keys work only with this sandbox.

    Also unsets variables that would make a client use other credentials, another endpoint or a proxy.
    """
    from awsdeploy.sandbox import control

    server = control.status(SANDBOX.absolute())
    if server is None:
        raise UsageError("The sandbox is not running.", f"Start it: {next_command('sandbox', 'start')}")
    variables = control.environment(server)
    if others := [name for name, value in variables.items() if value is None and name in os.environ]:
        click.echo(f"unset {' '.join(others)}")
    proxies = {name: value for name, value in variables.items() if name.upper() == "NO_PROXY" and value}
    for name, value in {**control.client(server), **proxies}.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox reset\n")
@shared_options(reads_config=False, reaches_aws=False)
def reset(_given: Given) -> None:
    """Delete everything in the sandbox, and the local state of its stacks."""
    from awsdeploy.sandbox import control

    control.reset(SANDBOX.absolute())
    click.echo("The sandbox is empty.")


def _described(server: RunningSandbox) -> str:
    return f"The sandbox is running at {server.url}, {server.speed:g} times as fast as AWS (process {server.pid})."
