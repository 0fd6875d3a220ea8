"""`rollback`: the release before, at once; it is still on the machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, need_machines, releasing, report
from awsdeploy.errors import Refused
from awsdeploy.hints import next_command

if TYPE_CHECKING:
    from awsdeploy.release.deploy import Releaser

EXAMPLES = """\
  awsdeploy rollback                        every service, to the release before
  awsdeploy rollback backend --to 20261124T160501Z-1a2b3c4
  awsdeploy releases                        which there are
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("services", nargs=-1)
@click.option("--to", metavar="RELEASE", help="Which release.  [default: the one before the current]")
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], to: str | None, as_json: bool) -> None:
    """Go back to an earlier release. Migrations of the database are not undone."""
    settings = given.settings()
    wanted = chosen(settings, services)
    with releasing(given, settings, "rollback") as (at, releaser):
        need_machines(releaser.ground, wanted)
        plan = [(service, to or _before(releaser, service.name)) for service in wanted]
        manifests = [(service, id, releaser.ground.manifest(service.name, id)) for service, id in plan]
        for service, id, found in manifests:
            if found is None:
                raise Refused(
                    f"There is no release {id} of {service.name}.", f"Which there are: {next_command('releases')}"
                )
        click.echo("Migrations of the database are not undone.", err=True)
        begun, results = time.monotonic(), []
        for service, id, found in manifests:
            click.echo(f"{service.name}: back to {id}", err=True)
            results.append(releaser.rollback(service, id, found or {}))
        seconds = at.clock.of(time.monotonic() - begun)
        report(at, results, seconds, releaser.ground.site, as_json, "serves again")


def _before(releaser: Releaser, service: str) -> str:
    """The newest that served before the current one. Raises `Refused` if there is none."""
    now = releaser.ground.current(service)
    if not now:
        raise Refused(f"{service} has no release yet.", f"To make one: {next_command('deploy')}")
    earlier = [id for id in releaser.ground.served(service) if id < now]
    if not earlier:
        raise Refused(f"{service} has no release before {now}.", f"Which there are: {next_command('releases')}")
    return earlier[0]
