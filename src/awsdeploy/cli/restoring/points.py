"""Points to restore the database to, as a person types them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.options import Function
from awsdeploy.cli.session import Session
from awsdeploy.errors import Refused, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.operations.database_instances import RestorePoint


def to_option(**more: Any) -> Callable[[Function], Function]:
    """The option `--to`, whose text `point` reads."""
    return click.option(
        "--to",
        "text",
        metavar="TIME|SNAPSHOT",
        help="A time (30m, 2h, 1d ago, or ISO 8601), `latest`, or the ID of a DB snapshot.",
        **more,
    )


def point(at: Session, text: str) -> tuple[RestorePoint, bool]:
    """The point that `text` names, a time or a DB snapshot, and whether it is the same whenever it is typed.

    Raises `UsageError` for a time in the future.
    """
    from awsdeploy.operations.database_instances import RestorePoint
    from awsdeploy.operations.moments import PERIOD, is_moment, moment

    if text == "latest":
        return RestorePoint(), True
    if not is_moment(text):
        return RestorePoint(snapshot=text), True
    now = at.clock.now()
    to = moment("--to", text, now, at.settings.tz, at.clock.speed)
    if to > now:
        raise UsageError(f"--to {text} is in the future.", "Choose an earlier time.")
    return RestorePoint(time=to), not PERIOD.fullmatch(text)


def need_reachable(at: Session, source: Observed, to: RestorePoint) -> None:
    """Raise `Refused` unless AWS has a backup of this point: the automatic ones, or the snapshot."""
    rds = at.run.client("rds")
    backups = f"To see what can be restored: {next_command('backups')}"
    if to.snapshot:
        asked = rds.pages("describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
        if all(one["DBSnapshotIdentifier"] != to.snapshot for one in asked):
            raise Refused(f"There is no DB snapshot {to.snapshot} in {at.run.region}.", backups)
        return
    (window,) = [*source.kind.restorable(at.run.view_of(source), source), None][:1]
    if window is None or window.at is None or window.since is None:
        raise Refused(f"{source.id} has no automatic backups yet.", backups)
    if to.time is not None and not window.since - timedelta(seconds=1) <= to.time <= window.at:
        first, last = (f"{one.astimezone(at.settings.tz):%Y-%m-%dT%H:%M:%S%z}" for one in (window.since, window.at))
        raise Refused(f"{source.id} can be restored to any time from {first} to {last}.", "Choose a time in between.")
