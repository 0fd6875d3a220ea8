"""A restore drill: the database's backup is restored into a throw-away instance, measured, counted and deleted.

RTO is the time from the request until the restored database has answered; RPO is how much of the newest data the backup
did not have. The figures of the last drill are kept in a parameter of the stack, which goes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from awsdeploy.engine import teardown
from awsdeploy.engine.observed import DestroyOptions, Observed
from awsdeploy.engine.run import Run
from awsdeploy.errors import Refused, next_command
from awsdeploy.operations.database_instances import Instances, RestorePoint, converge, find, make, settings_of
from awsdeploy.resources.database.beside import DRILL
from awsdeploy.resources.database.instance import restored_from


class Count(Protocol):
    """Numbers of tables and rows of a database."""

    @property
    def tables(self) -> int: ...

    @property
    def rows(self) -> int | None: ...


@dataclass(frozen=True)
class DrillResult:
    """Figures of a drill. `rto` and `rpo` are in seconds; `rpo` is None for a restore to a given point, `rto` for a
    drill that continues an interrupted one."""

    at: str
    to: str
    rto: float | None
    rpo: float | None
    tables: int
    rows: int

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, document: dict[str, Any] | None) -> DrillResult | None:
        """The figures as they were stored; None for none, or for those of a version that stored others."""
        try:
            return cls(**document) if document else None
        except TypeError:
            return None


def survey(run: Run) -> Instances:
    """Look at what exists. Raises `Refused` without a database that can be restored, or while a restore is open."""
    run.need_record()
    there = find(run)
    if there.beside.keys() - {DRILL}:
        finish, undo = next_command("restore", "finish"), next_command("restore", "undo")
        raise Refused("A restore of the database has not ended.", f"First keep it: {finish}, or undo it: {undo}")
    if there.current is None:
        raise Refused(f"{run.stack} has no database.", f"To see what exists: {next_command('status')}")
    return there


def drill(
    run: Run, point: RestorePoint, count: Callable[[Observed], Count], now: Callable[[], datetime]
) -> DrillResult:
    """Restore, count, delete, and store the figures. Holds the stack's lock.

    `now` is AWS's time. An instance that an interrupted drill left is used and deleted; its RTO is unknown. It is also
    deleted if it does not answer: then what `count` raised is raised.
    """
    with run.writing("drill"):
        there = survey(run)
        source, made = there.current, there.beside.get(DRILL)
        assert source is not None  # noqa: S101  # tells mypy: `survey` has refused it
        begun, fresh = now(), made is None
        latest = source.raw.get("LatestRestorableTime")
        if made is not None and made.state.leaving:
            teardown.remove(run, [made], DestroyOptions(data=True))
            made, fresh = None, True
        if made is None:
            made = make(run, source, DRILL, point, protected=False)
        made = converge(run, made, settings_of(run, source, logs=(), protected=False))
        try:
            counted = count(made)
            ended = now()
        finally:
            if not run.stop.stopped:
                teardown.remove(run, [made], DestroyOptions(data=True))
        lost = (begun - latest).total_seconds() if latest and fresh and str(point) == "latest" else None
        result = DrillResult(
            at=ended.astimezone(UTC).isoformat(timespec="seconds"),
            to=restored_from(made),
            rto=round((ended - begun).total_seconds(), 1) if fresh else None,
            rpo=None if lost is None else round(lost, 1),
            tables=counted.tables,
            rows=counted.rows or 0,
        )
        run.stack_lock.record_drill(result.document())
        return result
