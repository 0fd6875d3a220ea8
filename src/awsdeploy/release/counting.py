"""Tables and rows of a database, counted on a machine: only machines reach a database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from awsdeploy.config import Settings
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure, Refused, next_command
from awsdeploy.release.deploy import Releaser
from awsdeploy.release.run_command import need_agents
from awsdeploy.release.target import release_target
from awsdeploy.resources.monitoring.log_group import COMMANDS

COUNT = "@count "
"""Beginning of the line with which the release agent tells what it has counted."""


@dataclass(frozen=True)
class DatabaseCount:
    """Numbers of tables and rows. `rows` is None where only tables were counted."""

    tables: int
    rows: int | None = None

    def __str__(self) -> str:
        return f"{self.tables} tables" + ("" if self.rows is None else f", {self.rows} rows")


def counter(run: Run, settings: Settings, rows: bool) -> Callable[[str], DatabaseCount]:
    """A function that counts in the database at a host name, with the application's user, over TLS.

    The release agent asks, by Run Command of Systems Manager: no port is opened. Raises `Refused` if no machine of a
    service with the database runs, or if its agent does not answer; the function raises `AwsFailure` if the database
    does not.
    """
    lines: list[str] = []
    target = release_target(run, settings)
    users = settings.database_users
    found = [(settings.services[name], one) for name in users for one in target.machines.get(name, ())]
    if not found:
        raise Refused("No machine that may ask the database is running.", f"To see why: {next_command('status')}")
    service, machine = found[0]
    need_agents(run, [machine])
    releaser = Releaser(target, lines.append)

    def count(host: str) -> DatabaseCount:
        lines.clear()
        releaser.send_program()
        outcome = releaser.run(service, machine, "rows" if rows else "tables", host, log=COMMANDS)
        said = next((line.removeprefix(COUNT) for line in lines if line.startswith(COUNT)), "")
        if not outcome.good or not said:
            raise AwsFailure(f"On {machine.id}: {outcome.diagnosis or 'no answer'}", outcome.remedy)
        return DatabaseCount(**json.loads(said))

    return count
