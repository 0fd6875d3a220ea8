"""Instances of a restore: found by their names, created from a backup, brought to the database's settings, renamed.

Every step is looked for before it is taken, so the same steps after a crash take only those that are left. The state
file has each instance before AWS is asked for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from awsdeploy.aws.session import AnswerLost, AwsRefusal, tolerate
from awsdeploy.config.stack import tags_to_dict, tags_to_list
from awsdeploy.engine.changes import SentChanges
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.observed import Change, Danger, Observed, one_or_none
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure, TimedOut
from awsdeploy.resources.compute.parameter import PASSWORD_VERSION
from awsdeploy.resources.database import beside
from awsdeploy.resources.database.changes import NO_EFFECT, Compared, changes_of, differences
from awsdeploy.resources.database.deletion import GONE
from awsdeploy.resources.database.instance import RESTORED, Database
from awsdeploy.resources.database.password import password_change, version_of
from awsdeploy.state.record import StateEntry

KEY = "database/mysql"
ATTEMPTS = 10
"""Times that a create is sent at most while its answers are lost."""
UNSEEN = 300.0
"""Seconds that an instance may stay out of AWS's lists, as in a rename."""

COPIED = (
    "DBInstanceClass MultiAZ StorageType BackupRetentionPeriod DeletionProtection PubliclyAccessible "
    "CopyTagsToSnapshot AutoMinorVersionUpgrade EngineLifecycleSupport MaxAllocatedStorage PreferredBackupWindow "
    "PreferredMaintenanceWindow CACertificateIdentifier MonitoringInterval MonitoringRoleArn"
).split()
"""Fields of ModifyDBInstance that a restored instance gets from the database.

AWS (API_RestoreDBInstanceToPointInTime, API_RestoreDBInstanceFromDBSnapshot): it has "most of the original
configuration", but the default security group and parameter group, one zone, no tags, no deletion protection and no
exported logs. What the restore call takes is in the call; the others are changed afterwards.
"""
IN_THE_CALL = (
    "DBInstanceClass MultiAZ StorageType DeletionProtection PubliclyAccessible CopyTagsToSnapshot "
    "AutoMinorVersionUpgrade EngineLifecycleSupport"
).split()


@dataclass(frozen=True)
class RestorePoint:
    """A DB snapshot, or a time; without either the latest time possible."""

    snapshot: str = ""
    time: datetime | None = None

    def __str__(self) -> str:
        if self.snapshot:
            return self.snapshot
        return f"{self.time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if self.time else "latest"


@dataclass(frozen=True)
class Instances:
    """The database, and the instances beside it."""

    current: Observed | None
    beside: Mapping[str, Observed]
    """Instances by their roles (`resources/database/beside.py`)."""


def find(run: Run) -> Instances:
    """Look at all instances now. Raises `Refused` if the database exists twice."""
    found = [one for one in run.cache.look(Database, run.region) if one.key.startswith(KEY)]
    others = {role: one for one in found if (role := beside.role_in(one.key))}
    return Instances(one_or_none(one for one in found if not beside.role_in(one.key)), others)


def make(run: Run, source: Observed, role: str, point: RestorePoint, protected: bool = True) -> Observed:
    """Ask AWS for an instance from a backup of `source`, once, whatever happens to the answer."""
    key, name = f"{KEY}/{role}", beside.name_of(run.stack, KEY, source.generation, role)
    entry = StateEntry("Database", "creating", source.generation, region=run.region, declaration={"to": str(point)})
    run.state.creating(key, entry)
    run.emit(ResourceEvent(key, "creating", usual=Database.wait.usual))
    settings, doubtful, lost = _settings(source, point, protected), False, None
    rds = run.view_of(source).rds
    for _ in range(ATTEMPTS):
        run.stop.check()
        try:
            with run.cache.changing(Database, run.region), tolerate("DBInstanceAlreadyExists"):
                if point.snapshot:
                    rds.restore_db_instance_from_db_snapshot(
                        DBInstanceIdentifier=name, DBSnapshotIdentifier=point.snapshot, **settings
                    )
                else:
                    when = {"RestoreTime": point.time} if point.time else {"UseLatestRestorableTime": True}
                    rds.restore_db_instance_to_point_in_time(
                        SourceDBInstanceIdentifier=source.id, TargetDBInstanceIdentifier=name, **when, **settings
                    )
            run.state.mark(key, "created", id=name)
            return Observed(Database, key, name, source.generation, "", {}, run.region)
        except AnswerLost as unknown:
            doubtful, lost = True, unknown
        except AwsRefusal:
            if not doubtful:
                run.state.gone(key)
            raise
    raise lost or AwsFailure(f"{name} was not created.", "Run the same command again.")


def _settings(source: Observed, point: RestorePoint, protected: bool) -> dict[str, Any]:
    """Parameters of both restore calls, from the instance that is restored."""
    raw = source.raw
    groups = [one["DBParameterGroupName"] for one in raw["DBParameterGroups"]]
    settings = {
        **{name: raw[name] for name in IN_THE_CALL if raw.get(name) is not None},
        "DBSubnetGroupName": raw["DBSubnetGroup"]["DBSubnetGroupName"],
        "VpcSecurityGroupIds": _security(raw),
        "Tags": _tags(source, point),
        **({"DBParameterGroupName": groups[0]} if groups else {}),
        **({"Port": int(raw["Endpoint"]["Port"])} if raw.get("Endpoint") else {}),
        # With Multi-AZ AWS chooses the zone and refuses one.
        **({} if raw["MultiAZ"] else {"AvailabilityZone": raw["AvailabilityZone"]}),
    }
    return settings if protected else {**settings, "DeletionProtection": False}


def _tags(source: Observed, point: RestorePoint) -> list[dict[str, str]]:
    """The tags of the database, without what is not true of a restored one: its password is that of the backup."""
    tags = {
        key: value
        for key, value in tags_to_dict(source.raw.get("TagList")).items()
        if key != PASSWORD_VERSION and not key.startswith("aws:")
    }
    return tags_to_list({**tags, RESTORED: str(point)})


def _security(raw: Mapping[str, Any]) -> list[str]:
    groups = [one for one in raw["VpcSecurityGroups"] if one.get("Status") != "removing"]
    return sorted(one["VpcSecurityGroupId"] for one in groups)


def settings_of(run: Run, source: Observed, logs: Iterable[str], protected: bool = True) -> Differences:
    """Differences of an instance from the settings, the password and the exported `logs` that `source` has."""

    def compared(raw: Mapping[str, Any]) -> Iterator[Compared]:
        for name in COPIED:
            if (wanted := source.raw.get(name)) is not None:
                yield name, raw.get(name), wanted if protected or name != "DeletionProtection" else False, NO_EFFECT
        present, wanted = (one["DBParameterGroups"] for one in (raw, source.raw))
        if wanted:
            name = wanted[0]["DBParameterGroupName"]
            yield "DBParameterGroupName", present[0]["DBParameterGroupName"] if present else None, name, NO_EFFECT
        yield "VpcSecurityGroupIds", _security(raw), _security(source.raw), NO_EFFECT

    def found(observed: Observed) -> Iterator[Change]:
        raw = observed.raw
        rows = differences(raw, compared(raw), version=raw["EngineVersion"], gigabytes=0, logs=logs)
        yield from changes_of(run.view_of(observed).rds.modify_db_instance, observed.id, rows)
        yield from _password(run, source, observed)

    return found


def exported(run: Run, logs: Iterable[str]) -> Differences:
    """Differences of an instance from these exported logs alone.

    RDS names a log group after its instance: an instance with another name than the database's would make groups that
    nobody deletes.
    """

    def found(observed: Observed) -> Iterator[Change]:
        raw = observed.raw
        rows = differences(raw, (), version=raw["EngineVersion"], gigabytes=0, logs=logs)
        yield from changes_of(run.view_of(observed).rds.modify_db_instance, observed.id, rows)

    return found


def _password(run: Run, source: Observed, observed: Observed) -> Iterator[Change]:
    """A restored instance has the password of its backup, and is told that of now."""

    def reveal() -> str:
        name = run.stack.parameter("database/DB_PASSWORD")
        return str(run.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])

    yield from password_change(run.view_of(observed).rds, observed, version_of(source), reveal, NO_EFFECT)


def rename(run: Run, observed: Observed, role: str) -> Observed:
    """Give an instance the name of a role, or of the database (""), and wait until AWS has done it.

    ModifyDBInstance with NewDBInstanceIdentifier. While AWS works on it the instance has its old name, and is
    `renaming`; it cannot be reached until the new name is effective, about 10 minutes later (RDS User Guide).
    """
    new = beside.name_of(run.stack, KEY, observed.generation, role)
    if role:
        entry = StateEntry("Database", "creating", observed.generation, new, region=run.region)
        run.state.put(f"{KEY}/{role}", entry)

    def found(seen: Observed) -> Iterator[Change]:
        if seen.id == new:
            return

        def apply() -> None:
            with tolerate(GONE):  # it has the new name already
                run.view_of(seen).rds.modify_db_instance(
                    DBInstanceIdentifier=seen.id, NewDBInstanceIdentifier=new, ApplyImmediately=True
                )

        begun = (seen.raw.get("PendingModifiedValues") or {}).get("DBInstanceIdentifier") == new
        yield Change("name", seen.id, new, apply, "not reachable until done", begun, Danger.OUTAGE)

    renamed = converge(run, observed, found)
    if before := beside.role_in(observed.key):
        run.state.gone(f"{KEY}/{before}")
    if role:
        run.state.mark(f"{KEY}/{role}", "ready", id=new)
    return renamed


Differences = Callable[[Observed], Iterator[Change]]


def converge(run: Run, observed: Observed, found: Differences) -> Observed:
    """Wait until the instance can be used, and apply what differs until nothing does.

    Raises `AwsFailure` with AWS's reason for a status that does not end by itself, `TimedOut`.
    """
    sent = SentChanges(run.settle)
    resource = observed.raw.get("DbiResourceId", "")
    looked = last = time.monotonic()
    while True:
        observed = _usable(run, observed, resource)
        resource = observed.raw["DbiResourceId"]
        changes = list(found(observed))
        if not changes:
            run.emit(ResourceEvent(observed.key, "ready", observed.status, observed.id))
            return observed
        if due := sent.due(observed, changes, looked):
            if entry := run.state.entries.get(observed.key):
                run.state.changing(observed.key, entry.declaration)
            sent.send(run, observed, changes, due)
            last = time.monotonic()
        else:
            run.stop.sleep(run.polling.after(time.monotonic() - last))
        looked = time.monotonic()


def _usable(run: Run, known: Observed, resource: str) -> Observed:
    """The instance as it is now, once it can be used; by its resource ID, which a rename does not change."""
    shown, seen = "", known
    unseen_since = 0.0
    for waited in run.polling.ticks(run.stop, Database.wait.deadline):
        looked = run.cache.look(Database, run.region)
        mine = [one for one in looked if (one.raw["DbiResourceId"] == resource if resource else one.id == known.id)]
        if not mine:
            if waited - unseen_since > UNSEEN:
                raise AwsFailure(f"AWS does not list {known.id}.", "Run the same command again.")
            continue
        (seen,), unseen_since = mine[:1], waited
        if seen.state.usable:
            return seen
        if seen.remedy:
            raise seen.failure()
        if seen.status != shown:
            shown = seen.status
            run.emit(ResourceEvent(seen.key, "waiting", seen.status, seen.id, Database.wait.usual))
    raise TimedOut(f"{seen.id} is still {shown}; AWS continues.", "Run the same command again later.")
