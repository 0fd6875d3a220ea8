"""`releases`: what runs on each service's machines, and what could."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.releasing import chosen
from awsdeploy.cli.session import print_lines, session
from awsdeploy.errors import next_command


@click.command(cls=ExampleHelp, examples="  awsdeploy releases\n  awsdeploy releases backend --json\n")
@click.argument("services", nargs=-1)
@json_option
@shared_options()
def command(given: Given, services: tuple[str, ...], as_json: bool) -> None:
    """List the releases of each service, newest first, and the machines that run them."""
    settings = given.settings()
    wanted = chosen(settings, services)
    with session(given, settings, "releases", existing=True) as at:
        from awsdeploy.release.target import release_target

        stack = release_target(at.run, settings)
        rows: list[dict[str, Any]] = []
        for service in wanted:
            now = stack.current(service.name)
            for id in stack.served(service.name):
                machines = [one.id for one in stack.machines[service.name] if one.release == id]
                rows.append({"service": service.name, "release": id, "current": id == now, "machines": machines})
        failed = [one.failed for service in wanted for one in stack.machines[service.name] if one.failed]
        if as_json:
            document = {**at.header, "releases": rows, "failed": [dataclasses.asdict(one) for one in failed]}
            click.echo(json.dumps(document, indent=2))
            return
        if failed:
            print_lines((f"! {one}" for one in failed), err=True)
            print_lines([f"To try again: {next_command('deploy')}"], err=True)
        if not rows:
            print_lines([f"Nothing has been released yet. To release: {next_command('deploy')}"])
            return
        print_lines(
            f"  {'*' if row['current'] else ' '} {row['service']:<12} {row['release']}  {', '.join(row['machines'])}"
            for row in rows
        )
