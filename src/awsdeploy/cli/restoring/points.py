"""Points to restore the database to, as a person types them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.aws.session import tolerate
from awsdeploy.cli.options import Function
from awsdeploy.cli.session import Session
from awsdeploy.errors import Refused, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.operations.database_instances import RestorePoint

SNAPSHOT = re.compile(r"(rds:)?[a-z][a-z0-9-]{0,254}")
"""IDs of DB snapshots (API_CreateDBSnapshot); those of automatic ones begin with `rds:`."""


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

    Raises `UsageError` for a time in the future, and for what is neither.
    """
    from awsdeploy.operations.database_instances import RestorePoint
    from awsdeploy.operations.moments import PERIOD, is_moment, moment

    name = text.lower()  # AWS stores the IDs of snapshots in lower case
    if name == "latest":
        return RestorePoint(), True
    if not is_moment(text):
        if not SNAPSHOT.fullmatch(name):
            what = f"--to {text!r} is not a valid time, and not a valid ID of a DB snapshot."
            raise UsageError(what, "Examples: 30m, 1h, 2d, 2026-11-24T16:05, latest, shop-prod-mysql-manual-20261124.")
        return RestorePoint(snapshot=name), True
    now = at.clock.now()
    to = moment("--to", text, now, at.settings.tz, at.clock.speed)
    if to > now:
        raise UsageError(f"--to {text} is in the future.", "Choose an earlier time.")
    return RestorePoint(time=to), not PERIOD.fullmatch(text)


def need_reachable(at: Session, source: Observed, to: RestorePoint) -> str:
    """Raise `Refused` unless AWS has a backup of this point that fits: the automatic ones, or the snapshot.

    Returns what people should know of a snapshot: which database it is of, and since when.
    """
    backups = f"To see what can be restored: {next_command('backups')}"
    if to.snapshot:
        return _need_snapshot(at, source, to.snapshot, backups)
    (window,) = [*source.kind.restorable(at.run.view_of(source), source), None][:1]
    if window is None or window.at is None or window.since is None:
        raise Refused(f"{source.id} has no automatic backups yet.", backups)
    if to.time is not None and not window.since - timedelta(seconds=1) <= to.time <= window.at:
        first, last = (f"{one.astimezone(at.settings.tz):%Y-%m-%dT%H:%M:%S%z}" for one in (window.since, window.at))
        raise Refused(f"{source.id} can be restored to any time from {first} to {last}.", "Choose a time in between.")
    return ""


def _need_snapshot(at: Session, source: Observed, name: str, backups: str) -> str:
    from awsdeploy.resources.database.from_snapshot import misfit

    found: list[dict[str, Any]] = []
    with tolerate("DBSnapshotNotFound"):
        found = at.run.client("rds").describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
    if not found:
        raise Refused(f"There is no DB snapshot {name} in {at.run.region}.", backups)
    (snapshot,), raw = found, source.raw
    version = ".".join(str(raw["EngineVersion"]).split(".")[:2])
    limit = max(int(raw.get("MaxAllocatedStorage") or 0), int(raw["AllocatedStorage"]))
    if unfit := misfit(snapshot, version, raw["MasterUsername"], limit):
        raise Refused(f"The DB snapshot {name} {unfit.why}, so it cannot take the place of {source.id}.", backups)
    taken = snapshot.get("SnapshotCreateTime")
    when = f" of {taken.astimezone(at.settings.tz):%Y-%m-%d %H:%M:%S%z}" if taken else ""
    return f" (a snapshot{when}, of {snapshot['DBInstanceIdentifier']})"
