"""What the commands that change what runs on the machines have in common: the stack, its lock, and the running text."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.options import Given
from awsdeploy.cli.session import Session, print_lines, session, styled
from awsdeploy.errors import Refused, UsageError
from awsdeploy.hints import next_command

if TYPE_CHECKING:
    from awsdeploy.config import Service, Settings
    from awsdeploy.release.deploy import Releaser, Result
    from awsdeploy.release.ground import Ground

LOGGED = "| "
"""Before each line of a log that release.sh repeats."""


@contextmanager
def releasing(given: Given, settings: Settings, command: str) -> Iterator[tuple[Session, Releaser]]:
    """The stack, looked at, its lock held here and in AWS. Raises `NoSuchStack`, `StateLocked`."""
    with session(given, settings, command, writes=True) as at:
        from awsdeploy.release.deploy import Releaser
        from awsdeploy.release.ground import ground

        at.run.need_record()
        with at.run.lease.held(command, at.run.stop):
            yield at, Releaser(ground(at.run, settings), teller())


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


def need_machines(ground: Ground, services: Iterable[Service]) -> None:
    """Raises `Refused` where a service has no machine, or one whose agent does not answer."""
    from awsdeploy.release.run_command import need_agents

    for service in services:
        if not ground.machines[service.name]:
            raise Refused(f"{service.name} has no running machine.", f"To see why: {next_command('status')}")
    everyone = [one for service in services for one in ground.machines[service.name]]
    need_agents(ground.run.door, ground.run.region, everyone)


def report(at: Session, results: list[Result], seconds: float, site: str, as_json: bool, verb: str) -> None:
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
