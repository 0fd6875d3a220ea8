"""RDS instances and snapshots: minutes between states, and no second operation while one runs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.database import data, renames, rules, statuses
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.aws.monitoring import logs
from awsdeploy.sandbox.aws.network import interfaces
from awsdeploy.sandbox.machines import mysql
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

# What waits for the maintenance window unless ApplyImmediately is set; the rest is always applied at once.
DEFERRABLE = (
    "AllocatedStorage BackupRetentionPeriod DBInstanceClass DBSubnetGroupName EngineVersion Iops "
    "MasterUserPassword MultiAZ Port StorageThroughput StorageType"
).split()
# AWS: "The change occurs immediately" whatever ApplyImmediately says, and the instance stays as it is (Amazon RDS User
# Guide, Settings for DB instances).
AT_ONCE = {"AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "DeletionProtection", "MaxAllocatedStorage"}
NOT_SETTINGS = {"DBInstanceIdentifier", "ApplyImmediately", "AllowMajorVersionUpgrade", "NewDBInstanceIdentifier"}
BEHIND = 300  # AWS: the latest moment that can be restored is within the last five minutes


@before("rds:CreateDBInstance")
def create_checks(world: World, call: ApiCall) -> None:
    rules.creation(world, call)


@after("rds:CreateDBInstance")
def create(world: World, call: ApiCall, answer: Answer) -> None:
    name = answer["DBInstance"]["DBInstanceIdentifier"]
    database = _database(world, call, name)
    memory = world.of(Databases)
    database.engine_version = rules.full_version(call.parameters.get("EngineVersion"))
    database.status = "creating"
    database.dbi_resource_id = f"db-{uuid.uuid4().hex[:26].upper()}"  # moto's is the same for all
    memory.without_endpoint.add(name)
    memory.supports[name] = call.parameters.get("EngineLifecycleSupport") or rules.EXTENDED
    memory.born[name] = world.now
    memory.passwords[name] = call.parameters.get("MasterUserPassword", "")
    zones = rules.zones_of(database.db_subnet_group) if hasattr(database, "db_subnet_group") else []
    if database.multi_az and len(zones) > 1:
        # AWS chooses the primary's zone; not always the first.
        database.availability_zone, memory.zones[name] = zones[-1], zones[0]
    elif zones and not call.parameters.get("AvailabilityZone"):
        database.availability_zone = zones[0]
    _interfaces(world, call.region, database)
    whole = durations.DATABASE_CREATED_MULTI_AZ if database.multi_az else durations.DATABASE_CREATED

    def reachable() -> None:
        if database.status == "creating":
            database.status = "backing-up"
            memory.without_endpoint.discard(name)
            logs.written(world, call.region, name)

    world.agenda.after(whole * durations.DATABASE_ENDPOINT, reachable)
    world.agenda.after(whole, lambda: _settle(database, "backing-up", "available"))
    _dress(world, answer["DBInstance"], database)


def _interfaces(world: World, region: str, database: Any) -> None:
    """One network interface in each zone of the instance."""
    memory, name = world.of(Databases), database.db_instance_identifier
    interfaces.remove(world, region, memory.interfaces.pop(name, ()))
    group = getattr(database, "db_subnet_group", None)
    zones = {database.availability_zone, memory.zones.get(name, "")}
    memory.interfaces[name] = [
        interfaces.make(world, region, subnet.id, database.vpc_security_group_ids, "RDSNetworkInterface")
        for subnet in (group._subnets if group else ())
        if subnet.availability_zone in zones
    ]


def _settle(database: Any, during: str, then: str) -> None:
    if database.status == during:
        database.status = then


@after("rds:DescribeDBInstances")
def describe(world: World, call: ApiCall, answer: Answer) -> None:
    for shown in answer.get("DBInstances", ()):
        _dress(world, shown, _database(world, call, shown["DBInstanceIdentifier"]))


def _dress(world: World, shown: Answer, database: Any) -> None:
    memory, name = world.of(Databases), database.db_instance_identifier
    shown["DBInstanceStatus"] = database.status
    shown["EngineVersion"] = database.engine_version
    shown["AvailabilityZone"] = database.availability_zone
    shown["EngineLifecycleSupport"] = memory.supports.get(name, rules.EXTENDED)
    if name in memory.zones:
        shown["SecondaryAvailabilityZone"] = memory.zones[name]
    if name in memory.without_endpoint:
        shown.pop("Endpoint", None)
    shown["DbiResourceId"] = database.dbi_resource_id
    shown.pop("LatestRestorableTime", None)
    latest = latest_restorable(world)
    if int(database.backup_retention_period or 0) and latest > memory.born.get(name, 0):
        shown["LatestRestorableTime"] = datetime.fromtimestamp(latest, UTC)
    shown["PendingModifiedValues"] = dict(memory.pending.get(name, {}))
    if "MasterUserPassword" in shown["PendingModifiedValues"]:
        shown["PendingModifiedValues"]["MasterUserPassword"] = "****"


def latest_restorable(world: World) -> int:
    """Latest moment to which a database can be restored, in whole epoch seconds, as AWS's answers have it."""
    return int(world.now - BEHIND)


@before("rds:ModifyDBInstance")
def modify(world: World, call: ApiCall) -> Answer:
    database = _named(world, call)
    wanted = {key: value for key, value in call.parameters.items() if key not in NOT_SETTINGS}
    statuses.modification(database, wanted)
    rules.modification(world, call, database)
    memory, name = world.of(Databases), database.db_instance_identifier
    waiting = {key: value for key, value in wanted.items() if key in DEFERRABLE}
    present = _shown(world, call, name)["DBInstance"]
    pending = {**memory.pending.get(name, {}), **waiting}
    # What the instance is already is not waited for, and takes back what was.
    memory.pending[name] = {key: value for key, value in pending.items() if present.get(key) != value}
    if "NewDBInstanceIdentifier" in call.parameters:
        renames.request(world, call, database)
    now = {key: value for key, value in wanted.items() if key not in waiting}
    if call.parameters.get("ApplyImmediately"):
        now |= {key: value for key, value in memory.pending[name].items() if key != renames.PENDING}
    if at_once := {key: now.pop(key) for key in AT_ONCE & now.keys()}:
        calls.asked(call, "ModifyDBInstance", {**at_once, "DBInstanceIdentifier": name, "ApplyImmediately": True})
    if now:
        memory.coming[name] = {**memory.coming.get(name, {}), **now}
        status_before = database.status
        world.agenda.after(durations.DATABASE_BEGINS, lambda: _modifying(world, call, database, status_before))
    return _shown(world, call, name)


def _modifying(world: World, call: ApiCall, database: Any, status_before: str) -> None:
    """Start the change: as in AWS, the instance stays in `status_before` for some seconds."""
    if database.status == status_before and world.of(Databases).coming.get(database.db_instance_identifier):
        database.status = "modifying"
        left = durations.DATABASE_MODIFIED - durations.DATABASE_BEGINS
        world.agenda.after(left, lambda: _modified(world, call, database))


def _modified(world: World, call: ApiCall, database: Any) -> None:
    if database.status != "modifying":
        return
    memory, name = world.of(Databases), database.db_instance_identifier
    now = memory.coming.pop(name)
    calls.asked(call, "ModifyDBInstance", {**now, "DBInstanceIdentifier": name, "ApplyImmediately": True})
    if "EngineLifecycleSupport" in now:
        memory.supports[name] = now["EngineLifecycleSupport"]
    if "MasterUserPassword" in now:
        memory.passwords[name] = now["MasterUserPassword"]
        # Begun again with the next command, with the new password.
        world.of(mysql.MysqlServers).stop(database.dbi_resource_id, for_good=False)
    if "EngineVersion" in now:
        database.engine_version = rules.full_version(now["EngineVersion"])
    zones = rules.zones_of(database.db_subnet_group) if hasattr(database, "db_subnet_group") else []
    others = [zone for zone in zones if zone != database.availability_zone]
    memory.zones.pop(name, None)
    if database.multi_az and others:
        memory.zones[name] = others[0]
    _interfaces(world, call.region, database)
    memory.pending[name] = {key: value for key, value in memory.pending.get(name, {}).items() if key not in now}
    database.status = "available"
    logs.written(world, call.region, name)


@before("rds:DeleteDBInstance")
def delete(world: World, call: ApiCall) -> Answer:
    wanted, database = call.parameters, _named(world, call)
    name = database.db_instance_identifier
    last = wanted.get("FinalDBSnapshotIdentifier")
    statuses.deletion(database, wanted)
    rules.deletion(call, database)
    if last:
        snapshot = world.moto("rds", call.region).create_db_snapshot(name, last)
        data.keep_copy(world, database.dbi_resource_id, last)
        _snapshot_takes_time(world, snapshot)
    database.status = "deleting"
    whole = durations.DATABASE_DELETED_WITH_SNAPSHOT if last else durations.DATABASE_DELETED
    world.agenda.after(whole, lambda: _deleted(world, call, name))
    return _shown(world, call, name)


def _deleted(world: World, call: ApiCall, name: str) -> None:
    memory, rds = world.of(Databases), world.moto("rds", call.region)
    resource = rds.databases[name].dbi_resource_id
    rds.delete_db_instance(
        name,
        skip_final_snapshot=True,
        delete_automated_backups=call.parameters.get("DeleteAutomatedBackups", True),
    )
    world.of(mysql.MysqlServers).stop(resource)
    data.forget(world, resource)
    interfaces.remove(world, call.region, memory.interfaces.pop(name, ()))
    for store in (memory.pending, memory.coming, memory.zones):
        store.pop(name, None)
    memory.without_endpoint.discard(name)


def _changing(operation: str, during: str, then: str, seconds: float, from_state: str = "available") -> None:
    """Register an operation that takes an instance through one intermediate state."""

    def change(world: World, call: ApiCall) -> Answer:
        database = _ready(world, call, from_state)
        database.status = during
        world.agenda.after(seconds, lambda: _settle(database, during, then))
        return _shown(world, call, database.db_instance_identifier)

    before(operation)(change)


_changing("rds:RebootDBInstance", "rebooting", "available", durations.DATABASE_REBOOTED)
_changing("rds:StopDBInstance", "stopping", "stopped", durations.DATABASE_STOPPED)
_changing("rds:StartDBInstance", "starting", "available", durations.DATABASE_STARTED, from_state="stopped")


@before("rds:CreateDBSnapshot", "rds:CreateDBInstanceReadReplica")
def needs_available(world: World, call: ApiCall) -> None:
    if "DBInstanceIdentifier" in call.parameters and call.operation == "CreateDBSnapshot":
        statuses.snapshot(_named(world, call))


@after("rds:CreateDBSnapshot")
def snapshot(world: World, call: ApiCall, answer: Answer) -> None:
    made = world.moto("rds", call.region).get_db_snapshot(answer["DBSnapshot"]["DBSnapshotIdentifier"])
    source = _database(world, call, made.db_instance_identifier)
    data.keep_copy(world, source.dbi_resource_id, made.db_snapshot_identifier)
    _snapshot_takes_time(world, made)
    answer["DBSnapshot"]["Status"] = made.status


def _snapshot_takes_time(world: World, snapshot: Any) -> None:
    snapshot.status, snapshot.created = "creating", datetime.fromtimestamp(world.now, UTC).replace(tzinfo=None)
    snapshot.original_snapshot_create_time = snapshot.created
    snapshot.tags = list(snapshot.tags)  # moto's are the instance's own
    world.agenda.after(durations.DATABASE_SNAPSHOT, lambda: _settle(snapshot, "creating", "available"))


@before("rds:DeleteDBSnapshot")
def snapshot_in_making(world: World, call: ApiCall) -> None:
    name = call.parameters["DBSnapshotIdentifier"]
    made = world.moto("rds", call.region).database_snapshots.get(name.lower())
    if made is not None and made.status == "creating":
        message = f"Cannot delete the snapshot {name} because it is not currently in the available or failed state"
        raise AwsRefuses("InvalidDBSnapshotState", message)


def _named(world: World, call: ApiCall) -> Any:
    name = str(call.parameters["DBInstanceIdentifier"])
    database = world.moto("rds", call.region).databases.get(name.lower())
    if database is None:
        raise AwsRefuses("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    return database


def _ready(world: World, call: ApiCall, state: str = "available") -> Any:
    database = _named(world, call)
    if database.status != state:
        message = f"Database instance {database.db_instance_identifier} is not in {state} state."
        raise AwsRefuses("InvalidDBInstanceState", message)
    return database


def _database(world: World, call: ApiCall, name: str) -> Any:
    return world.moto("rds", call.region).databases[name]


def _shown(world: World, call: ApiCall, name: str) -> Answer:
    shown = calls.asked(call, "DescribeDBInstances", {"DBInstanceIdentifier": name})["DBInstances"][0]
    _dress(world, shown, _database(world, call, name))
    return {"DBInstance": shown}
