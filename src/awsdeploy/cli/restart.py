"""`restart`: the processes of a service begin again with the environment as it is now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, need_machines, releasing, report

if TYPE_CHECKING:
    from awsdeploy.config import Service, Settings


@click.command(cls=ExampleHelp, examples="  awsdeploy restart backend\n")
@click.argument("services", nargs=-1)
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], as_json: bool) -> None:
    """Restart the processes with the current environment variables, without downtime where PM2 can. Builds nothing."""
    settings = given.settings()
    restarted(given, settings, chosen(settings, services), as_json)


def restarted(given: Given, settings: Settings, wanted: Sequence[Service], as_json: bool = False) -> None:
    """Restart these services and say how it went. Raises `ReleaseFailed`, `Refused`, `StateLocked`."""
    with releasing(given, settings, "restart") as (at, releaser):
        need_machines(releaser.ground, wanted)
        begun, results = time.monotonic(), []
        for service in wanted:
            click.echo(f"{service.name}: restarting", err=True)
            results.append(releaser.restart(service))
        seconds = at.clock.of(time.monotonic() - begun)
        report(at, results, seconds, releaser.ground.site, as_json, "restarted")
