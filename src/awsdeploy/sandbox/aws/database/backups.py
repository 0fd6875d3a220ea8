"""RDS backups: the window that automatic ones reach, and an instance made from a snapshot."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.database import data, instances, rules
from awsdeploy.sandbox.aws.database.instances import latest_restorable
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DAY = 86400
NOT_SETTINGS = {
    "DBSnapshotIdentifier",
    "RestoreTime",
    "SourceDBInstanceIdentifier",
    "TargetDBInstanceIdentifier",
    "UseLatestRestorableTime",
}


@before("rds:DescribeDBInstanceAutomatedBackups")
def automated(world: World, call: ApiCall) -> Answer:
    wanted = call.parameters.get("DBInstanceIdentifier")
    rows = []
    for name, one in world.moto("rds", call.region).databases.items():
        days = int(one.backup_retention_period or 0)
        if days and wanted in (None, name):
            rows.append(_row(world, name, one, days))
    return {"DBInstanceAutomatedBackups": rows}


def _row(world: World, name: str, one: Any, days: int) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "DBInstanceIdentifier": name,
        "DBInstanceArn": one.db_instance_arn,
        "Engine": one.engine,
        "EngineVersion": one.engine_version,
        "AllocatedStorage": int(one.allocated_storage),
        "BackupRetentionPeriod": days,
        "Status": "creating" if one.status == "creating" else "active",
    }
    earliest, latest = _window(world, name, days)
    if latest > earliest:
        moments = {"EarliestTime": earliest, "LatestTime": latest}
        shown["RestoreWindow"] = {key: datetime.fromtimestamp(at, UTC) for key, at in moments.items()}
    return shown


@before("rds:RestoreDBInstanceFromDBSnapshot")
def restore(world: World, call: ApiCall) -> Answer:
    """Create a database with the engine, size, schema, user and password of the snapshot."""
    name = str(call.parameters["DBSnapshotIdentifier"])
    rds = world.moto("rds", call.region)
    snapshot = rds.database_snapshots.get(name.lower())
    if snapshot is None:
        raise AwsRefuses("DBSnapshotNotFound", f"DBSnapshot {name} not found.", 404)
    if snapshot.status != "available":
        raise AwsRefuses("InvalidDBSnapshotState", f"DBSnapshot {name} is not in available state.")
    held = {
        **_held(snapshot.database),
        "Engine": snapshot.engine,
        "EngineVersion": snapshot.engine_version,
        "AllocatedStorage": int(snapshot.allocated_storage),
        "MasterUsername": snapshot.master_username,
        "MasterUserPassword": "the-one-in-the-snapshot",
    }
    new = str(call.parameters["DBInstanceIdentifier"]).lower()
    answer = _made(world, call, held, new)
    data.begin_from_snapshot(world, snapshot.db_snapshot_identifier, rds.databases[new].dbi_resource_id)
    return answer


@before("rds:RestoreDBInstanceToPointInTime")
def restore_to_time(world: World, call: ApiCall) -> Answer:
    """Create a database with most settings of the source, and the defaults of AWS for the others.

    AWS (API_RestoreDBInstanceToPointInTime): the default security group and parameter group, a single zone, no tags.
    """
    wanted, rds = call.parameters, world.moto("rds", call.region)
    source = rds.databases.get(str(wanted.get("SourceDBInstanceIdentifier", "")).lower())
    if source is None:
        raise AwsRefuses("DBInstanceNotFound", f"DBInstance {wanted.get('SourceDBInstanceIdentifier')} not found.", 404)
    name, days = source.db_instance_identifier, int(source.backup_retention_period or 0)
    if not days:
        message = f"DB Instance {name} does not have automatic backups enabled."
        raise AwsRefuses("PointInTimeRestoreNotEnabled", message)
    if bool(wanted.get("RestoreTime")) == bool(wanted.get("UseLatestRestorableTime")):
        raise AwsRefuses("InvalidParameterCombination", "Give either RestoreTime or UseLatestRestorableTime.")
    earliest, latest = _window(world, name, days)
    at = _epoch(wanted["RestoreTime"]) if wanted.get("RestoreTime") else latest
    if not earliest <= at <= latest:
        message = f"The specified instance cannot be restored to {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}."
        raise AwsRefuses("InvalidParameterValue", message)
    held = {**_held(source), "MasterUserPassword": "the-one-of-that-time"}
    new = str(wanted["TargetDBInstanceIdentifier"]).lower()
    answer = _made(world, call, held, new)
    data.begin_from_time(world, source.dbi_resource_id, at, rds.databases[new].dbi_resource_id)
    return answer


def _epoch(moment: Any) -> float:
    given = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def _window(world: World, name: str, days: int) -> tuple[int, int]:
    """The first and the last moment that can be restored, in whole epoch seconds."""
    created = math.ceil(world.of(Databases).born.get(name, 0))
    return max(created, int(world.now - days * DAY)), latest_restorable(world)


def _held(source: Any) -> dict[str, Any]:
    """Settings that a restored instance has by itself."""
    return {
        "Engine": source.engine,
        "EngineVersion": source.engine_version,
        "DBInstanceClass": source.db_instance_class,
        "AllocatedStorage": int(source.allocated_storage),
        "StorageType": source.storage_type,
        "StorageEncrypted": bool(source.storage_encrypted),
        "BackupRetentionPeriod": int(source.backup_retention_period or 0),
        "DBName": source.db_name,
        "MasterUsername": source.master_username,
    }


def _made(world: World, call: ApiCall, held: dict[str, Any], new: str) -> Answer:
    """The restored instance. Raises `AwsRefuses`."""
    if new in world.moto("rds", call.region).databases:
        raise AwsRefuses("DBInstanceAlreadyExists", "DB instance already exists")
    if int(call.parameters.get("AllocatedStorage") or held["AllocatedStorage"]) < held["AllocatedStorage"]:
        message = "The allocated storage size can't be less than the source snapshot or backup size."
        raise AwsRefuses("InvalidParameterValue", message)
    given = {key: value for key, value in call.parameters.items() if key not in NOT_SETTINGS}
    settings = {**held, **given, "DBInstanceIdentifier": new}
    made = dataclasses.replace(
        call, parameters={key: value for key, value in settings.items() if value not in ("", None)}
    )
    rules.creation(world, made)
    answer = calls.asked(call, "CreateDBInstance", made.parameters)
    instances.create(world, made, answer)
    return answer
