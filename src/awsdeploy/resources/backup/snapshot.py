"""Snapshots of the database: the one a destroy leaves, and those made by `backup now`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from awsdeploy.aws import prices
from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Deletion,
    DestroyOptions,
    Observed,
    Resource,
    Restorable,
    Retained,
    Status,
    Wait,
)

ANOTHER = "{backup} makes a new one."

FINAL = "-final-"
"""Part of the names of final snapshots."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot(Resource):
    """Snapshot of a database: never created by `up`, retained by `destroy` unless its data may be deleted."""

    title = "DB snapshot"
    wait = Wait(
        pending={"creating", "copying"},
        leaving={"deleting"},
        statuses={"failed": Status(meaning="AWS could not create the snapshot", remedy=ANOTHER)},
        usual=180,
        deadline=7200,
    )
    deletion = Deletion(retry_on={"InvalidDBSnapshotState"})
    data = True
    arns = (":snapshot:",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.rds.pages("describe_db_snapshots", "DBSnapshots", SnapshotType="manual"):
            yield from aws.found(cls, one["DBSnapshotIdentifier"], one.get("TagList"), one, one["Status"], copy=True)

    @classmethod
    def restorable(cls, aws: Aws, observed: Observed) -> Iterator[Restorable]:
        # AWS names no time until the snapshot has been taken.
        made, size = observed.raw.get("SnapshotCreateTime"), float(observed.raw.get("AllocatedStorage", 0))
        yield Restorable(cls.noun(), observed.origin, observed.id, observed.status, made, size, _monthly(observed))

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        if options.data:
            return None
        why = "the database's last state" if FINAL in observed.id else "the database at the time of the snapshot"
        return Retained(why, _monthly(observed))

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        if observed.status != "deleting":
            with tolerate("DBSnapshotNotFound"):
                aws.rds.delete_db_snapshot(DBSnapshotIdentifier=observed.id)


def _monthly(observed: Observed) -> float | None:
    return prices.monthly_price(observed.region, "RDS snapshot", float(observed.raw.get("AllocatedStorage", 0)))
