"""`rollback`: the release before, at once; it is still on the machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, need_machines, releasing, report
from awsdeploy.errors import Refused, next_command

if TYPE_CHECKING:
    from awsdeploy.release.deploy import Releaser

EXAMPLES = """\
  awsdeploy rollback                        every service, to the previous release
  awsdeploy rollback backend --to 20261124T160501Z-1a2b3c4
  awsdeploy releases                        list the releases
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("services", nargs=-1)
@click.option("--to", metavar="RELEASE", help="The release to go back to.  [default: the previous one]")
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], to: str | None, as_json: bool) -> None:
    """Go back to an earlier release. Database migrations are not undone."""
    settings = given.settings()
    wanted = chosen(settings, services)
    with releasing(given, settings, "rollback") as (at, releaser):
        need_machines(releaser.release_target, wanted)
        plan = [(service, to or _before(releaser, service.name)) for service in wanted]
        manifests = [(service, id, releaser.release_target.manifest(service.name, id)) for service, id in plan]
        for service, id, found in manifests:
            if found is None:
                raise Refused(
                    f"{service.name} has no release {id}.", f"To list the releases: {next_command('releases')}"
                )
        click.echo("Database migrations are not undone.", err=True)
        begun, results = time.monotonic(), []
        for service, id, found in manifests:
            click.echo(f"{service.name}: going back to {id}", err=True)
            results.append(releaser.rollback(service, id, found or {}))
        seconds = at.clock.of(time.monotonic() - begun)
        report(at, results, seconds, releaser.release_target.site, as_json, "is running again")


def _before(releaser: Releaser, service: str) -> str:
    """The newest that served before the current one. Raises `Refused` if there is none."""
    now = releaser.release_target.current(service)
    if not now:
        raise Refused(f"{service} has no release yet.", f"To release: {next_command('deploy')}")
    earlier = [id for id in releaser.release_target.served(service) if id < now]
    if not earlier:
        raise Refused(
            f"{service} has no release older than {now}.", f"To list the releases: {next_command('releases')}"
        )
    return earlier[0]
