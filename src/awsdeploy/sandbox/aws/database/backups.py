"""RDS backups: the window that automatic ones reach, and an instance made from a snapshot."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.database import instances, rules
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DAY = 86400
BEHIND = 300  # AWS: the latest moment that can be restored is within the last five minutes
NOT_SETTINGS = {"DBSnapshotIdentifier"}


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
    earliest = max(world.of(instances.Databases).born.get(name, 0), world.now - days * DAY)
    if world.now - BEHIND > earliest:
        moments = {"EarliestTime": earliest, "LatestTime": world.now - BEHIND}
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
    if str(call.parameters["DBInstanceIdentifier"]).lower() in rds.databases:
        raise AwsRefuses("DBInstanceAlreadyExists", "DB instance already exists")
    if int(call.parameters.get("AllocatedStorage") or snapshot.allocated_storage) < int(snapshot.allocated_storage):
        message = "The allocated storage size can't be less than the source snapshot or backup size."
        raise AwsRefuses("InvalidParameterValue", message)
    source = snapshot.database
    held = {
        "Engine": snapshot.engine,
        "EngineVersion": snapshot.engine_version,
        "DBInstanceClass": source.db_instance_class,
        "AllocatedStorage": int(snapshot.allocated_storage),
        "StorageType": source.storage_type,
        "StorageEncrypted": bool(source.storage_encrypted),
        "BackupRetentionPeriod": int(source.backup_retention_period or 0),
        "DBName": source.db_name,
        "MasterUsername": snapshot.master_username,
        "MasterUserPassword": "the-one-in-the-snapshot",
    }
    given = {key: value for key, value in call.parameters.items() if key not in NOT_SETTINGS}
    made = dataclasses.replace(
        call, parameters={key: value for key, value in {**held, **given}.items() if value not in ("", None)}
    )
    rules.creation(world, made)
    answer = calls.asked(call, "CreateDBInstance", made.parameters)
    instances.create(world, made, answer)
    return answer
