"""`sandbox`: the simulated AWS by hand. `--sandbox` on any command starts it by itself."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.group import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import SANDBOX, SPEED, Given, shared_options
from awsdeploy.errors import UsageError
from awsdeploy.hints import next_command

if TYPE_CHECKING:
    from awsdeploy.sandbox.control import Server

EXAMPLES = """\
  awsdeploy up --sandbox --yes      starts it by itself
  awsdeploy sandbox status          is it running, and how fast
  eval "$(awsdeploy sandbox env)"   point the AWS CLI and other programs of this shell at it
  awsdeploy sandbox reset           forget everything in it
  awsdeploy sandbox stop
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """A simulated AWS on this machine: real waits (only faster), real errors, no account and no cost."""


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox start --speed 120\n")
@shared_options(reads_config=False, reaches_aws=False)
def start(given: Given) -> None:
    """Start it, unless it runs already."""
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
    """Stop it. What it simulated is gone with it."""
    from awsdeploy.sandbox import control

    was_running = control.stop(SANDBOX.absolute())
    click.echo("The sandbox is stopped." if was_running else "The sandbox was not running.")


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox status\n")
@shared_options(reads_config=False, reaches_aws=False)
def status(_given: Given) -> None:
    """Say whether it runs, where and how fast."""
    from awsdeploy.sandbox import control

    server = control.status(SANDBOX.absolute())
    click.echo(_described(server) if server else "The sandbox is not running.")


@command.command(cls=ExampleHelp, examples='  eval "$(awsdeploy sandbox env)" && aws ec2 describe-vpcs\n')
@shared_options(reads_config=False, reaches_aws=False)
def env(_given: Given) -> None:
    """Print its address and keys as shell variables, for other clients. The keys open this sandbox only.

    What would lead a client to other credentials, another address or a proxy is unset in the same shell.
    """
    from awsdeploy.sandbox import control

    server = control.status(SANDBOX.absolute())
    if server is None:
        raise UsageError("The sandbox is not running.", f"Start it: {next_command('sandbox', 'start')}")
    told = control.environment(server)
    if others := [name for name, value in told.items() if value is None and name in os.environ]:
        click.echo(f"unset {' '.join(others)}")
    proxies = {name: value for name, value in told.items() if name.upper() == "NO_PROXY" and value}
    for name, value in {**control.client(server), **proxies}.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@command.command(cls=ExampleHelp, examples="  awsdeploy sandbox reset\n")
@shared_options(reads_config=False, reaches_aws=False)
def reset(_given: Given) -> None:
    """Empty it: no stack, no record of one."""
    from awsdeploy.sandbox import control

    control.reset(SANDBOX.absolute())
    click.echo("The sandbox is empty.")


def _described(server: Server) -> str:
    return f"The sandbox runs at {server.url}, {server.speed:g} times as fast as AWS (process {server.pid})."
