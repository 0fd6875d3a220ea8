"""`restart`: the processes of a service begin again with the environment as it is now."""

from __future__ import annotations

import time

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, need_machines, releasing, report


@click.command(cls=ExampleHelp, examples="  awsdeploy restart backend\n")
@click.argument("services", nargs=-1)
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], as_json: bool) -> None:
    """Read the environment again and reload the processes, without a gap where PM2 can. Builds nothing."""
    settings = given.settings()
    wanted = chosen(settings, services)
    with releasing(given, settings, "restart") as (at, releaser):
        need_machines(releaser.ground, wanted)
        begun, results = time.monotonic(), []
        for service in wanted:
            click.echo(f"{service.name}: restarting", err=True)
            results.append(releaser.restart(service))
        seconds = at.clock.of(time.monotonic() - begun)
        report(at, results, seconds, releaser.ground.site, as_json, "restarted")
