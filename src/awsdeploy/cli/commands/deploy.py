"""`deploy`: build the committed code on the machines, next to the running release, and switch when it is healthy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen, need_machines, releasing, report
from awsdeploy.cli.session import print_lines

EXAMPLES = """\
  awsdeploy deploy                    every service, from HEAD
  awsdeploy deploy backend            one service
  awsdeploy deploy --ref v1.4.0       a tag, a branch or a commit
"""
SHOWN = 10  # uncommitted files that are named


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("services", nargs=-1)
@click.option("--ref", default="HEAD", metavar="REF", help="What to release: a branch, tag or commit.  [default: HEAD]")
@click.option("--force", is_flag=True, help="Build and release again, even if nothing changed.")
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], ref: str, force: bool, as_json: bool) -> None:
    """Release the committed code to the machines.

    The new release is built next to the running one. Traffic switches to it only after its health check passes. If
    anything fails, the previous release keeps running. Needs no state file: any computer with the repository and
    credentials can run it.
    """
    settings = given.settings()
    wanted = chosen(settings, services)
    from awsdeploy.release import (
        backing_services,
        checks,
        environment,
        health,
        mapped_variables,
        repository,
        required_variables,
        source,
    )
    from awsdeploy.release.manifest import manifest, release_id

    code = source.committed(given.config.absolute().parent if given.config.exists() else Path(), ref)
    remarks = [*checks.examine(code, settings, wanted), *mapped_variables.secret_notes(wanted)]
    if ref == "HEAD" and (changed := code.changed()):
        remarks = [_uncommitted(changed), *remarks]
    if settings.release.source == "git" and not code.is_pushed():
        remarks.append(f"{code.short} is not on any known remote branch: the machines can only fetch pushed commits")
    print_lines([f"Note: {one}" for one in remarks], err=True)
    with releasing(given, settings, "deploy") as (at, releaser):
        health.need_same_check(releaser.release_target.groups, wanted)
        listing = environment.listed_once(at.run)
        mapped_variables.need_known(listing, settings, wanted)
        environment.need_database_password(listing, settings, wanted)
        remarks = required_variables.notes(listing, settings, code, wanted)
        remarks += backing_services.notes(listing, code, wanted)
        print_lines([f"Note: {one}" for one in remarks], err=True)
        need_machines(releaser.release_target, wanted)
        if settings.release.source == "git":
            repository.need_access(at.run, settings, wanted)
        release_target, begun, results = releaser.release_target, time.monotonic(), []
        id = release_id(code)
        for service in wanted:
            click.echo(f"{service.name}: {code.short} as {id}", err=True)
            values = manifest(settings, service, code, id, release_target.site, release_target.uploads_address)
            results.append(releaser.deploy(service, code, values, force))
        releaser.arm(wanted)
        report(at, results, at.clock.of(time.monotonic() - begun), release_target.site, as_json, "serves")


def _uncommitted(changed: Sequence[str]) -> str:
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"uncommitted changes, not released: {', '.join(changed[:SHOWN])}{more}"
