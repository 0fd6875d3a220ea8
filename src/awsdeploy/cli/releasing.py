"""Code shared by the commands that change what runs on the machines: the stack, its lock, and the running text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.options import Given

if TYPE_CHECKING:
    from awsdeploy.config import Service, Settings

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from awsdeploy.cli.session import Session, print_lines, session, styled
from awsdeploy.errors import Refused, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.config import Service, Settings
    from awsdeploy.release.deploy import Releaser, ReleaseResult
    from awsdeploy.release.target import ReleaseTarget

LOGGED = "| "
"""Before each line of a log that the release agent repeats."""


@contextmanager
def releasing(given: Given, settings: Settings, command: str) -> Iterator[tuple[Session, Releaser]]:
    """The stack, looked at, its lock held here and in AWS. Raises `NoSuchStack`, `StateLocked`."""
    with session(given, settings, command, writes=True, existing=True) as at:
        from awsdeploy.release.deploy import Releaser
        from awsdeploy.release.target import release_target

        with at.run.writing(command):
            yield at, Releaser(release_target(at.run, settings), teller())


def teller() -> Callable[[str], None]:
    """Says what happens on the machines, as it happens, on stderr."""
    from awsdeploy.release.run_command import STEP

    bold, dim = styled("bold", to_stderr=True), styled("dim", to_stderr=True)
    begun = time.monotonic()

    def say(line: str) -> None:
        if line.startswith(STEP):
            line = bold(f"  {line.removeprefix(STEP)}") + dim(f"  after {time.monotonic() - begun:.0f} s")
        else:
            line = dim(f"    {line.removeprefix(LOGGED)}")
        click.echo(line, err=True)

    return say


def chosen(settings: Settings, names: Sequence[str]) -> list[Service]:
    """The services named, or all of them: who writes the database first, who asks it later.

    Raises `UsageError` for a name that is no service.
    """
    for name in names:
        if name not in settings.services:
            known = ", ".join(settings.services)
            said = name.partition("=")[0]  # a variable in the service's place: its value is not repeated
            raise UsageError(f"{said!r} is not a service in config.toml.", f"Services: {known}")
    first = settings.database_users
    everyone = sorted(settings.services.values(), key=lambda one: one.name not in first)
    return [one for one in everyone if not names or one.name in names]


def need_machines(release_target: ReleaseTarget, services: Iterable[Service]) -> None:
    """Raises `Refused` where a service has no machine, or one whose agent does not answer."""
    from awsdeploy.release.run_command import need_agents

    for service in services:
        if not release_target.machines[service.name]:
            raise Refused(f"{service.name} has no running machine.", f"To see why: {next_command('status')}")
    everyone = [one for service in services for one in release_target.machines[service.name]]
    need_agents(release_target.run, everyone)


def report(at: Session, results: list[ReleaseResult], seconds: float, site: str, as_json: bool, verb: str) -> None:
    """Say what was released; the record of the run says it too."""
    at.run.released += [f"{one.service} {one.release}" for one in results if not one.unchanged]
    if as_json:
        services: list[dict[str, Any]] = [
            {
                "service": one.service,
                "release": one.release,
                "previous": one.previous or None,
                "machines": list(one.machines),
                "unchanged": one.unchanged,
            }
            for one in results
        ]
        click.echo(json.dumps({**at.header, "seconds": round(seconds, 1), "url": site, "services": services}, indent=2))
        return
    lines = []
    for one in results:
        said = "unchanged, nothing was done (use --force to release again)" if one.unchanged else verb
        before = f", previously {one.previous}" if one.previous and not one.unchanged else ""
        lines.append(f"{one.service}: {one.release} {said}{before}")
    print_lines([*lines, *(["", f"Answers at {site}"] if site else [])])


def restarted(given: Given, settings: Settings, wanted: Sequence[Service], as_json: bool = False) -> None:
    """Restart these services and say how it went. Raises `ReleaseFailed`, `Refused`, `StateLocked`."""
    from awsdeploy.release.mapped_variables import changed

    with releasing(given, settings, "restart") as (at, releaser):
        need_machines(releaser.release_target, wanted)
        begun, results = time.monotonic(), []
        for service in wanted:
            click.echo(f"{service.name}: restarting", err=True)
            results.append(releaser.restart(service))
        seconds = at.clock.of(time.monotonic() - begun)
        report(at, results, seconds, releaser.release_target.site, as_json, "restarted")
        for service in wanted:
            if changed(releaser.release_target.manifest(service.name), service):
                deploy = next_command("deploy", service.name)
                click.echo(
                    f"Note: the variables of {service.name} in config.toml have changed since its release: {deploy}",
                    err=True,
                )
