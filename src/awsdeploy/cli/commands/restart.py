"""`restart`: the processes of a service begin again with the environment as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, restarted

if TYPE_CHECKING:
    pass


@click.command(cls=ExampleHelp, examples="  awsdeploy restart backend\n")
@click.argument("services", nargs=-1)
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], as_json: bool) -> None:
    """Restart the processes with the current environment variables, without downtime where PM2 can. Builds nothing."""
    settings = given.settings()
    restarted(given, settings, chosen(settings, services), as_json)
