"""The MySQL database, and the final snapshots it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws import tolerate
from awsdeploy.resource import UNKNOWN, Again, Aws, Change, Kept, Live, Parting, Passing, Resource, Wait
from awsdeploy.resources.database_groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.parameter import INCARNATION, Password, incarnation, reveal
from awsdeploy.resources.security_group import SecurityGroup

MODIFYING = {
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "converting-to-vpc",
    "creating",
    "maintenance",
    "modifying",
    "moving-to-vpc",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "stopping",
    "upgrading",
}
FAILED = {
    "failed",
    "inaccessible-encryption-credentials",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "restore-error",
    "storage-full",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Database(Resource):
    """An encrypted MySQL instance in the private subnets. With `multi_az` AWS chooses the primary's zone.

    Sizes are in GB, `backup_days` in days; the storage grows by itself up to `max_storage`.
    """

    group: SubnetGroup
    parameters: ParameterGroup
    security: tuple[SecurityGroup, ...]
    password: Password
    version: str
    size: str
    storage: int
    max_storage: int
    multi_az: bool
    zone: str
    backup_days: int
    protected: bool
    name: str
    username: str

    replaces = {"group", "name", "username"}
    again = Again.NAME
    data = True
    parts = "after a final snapshot, which stays"
    # AWS: 5–10 minutes, Multi-AZ 10–25; botocore's own waiter gives up after 30.
    wait = Wait(
        pending=MODIFYING,
        ready={"available", "storage-optimization", "stopped"},
        failed=FAILED,
        leaving={"deleting"},
        usual=600,
        deadline=4800,
    )
    passing = (
        Passing("CreateDBInstance", "InvalidParameterValue", seconds=120, text="service linked role"),
        Passing("CreateDBInstance", "InvalidDBInstanceState", seconds=120),
        Passing("ModifyDBInstance", "InvalidDBInstanceState", seconds=1800),
    )
    blocked = {"InvalidDBInstanceState"}
    unblocked_in = 3600
    arns = (":db:",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for one in aws.rds.pages("describe_db_instances", "DBInstances"):
            yield from aws.found(cls, one["DBInstanceIdentifier"], one.get("TagList"), one, one["DBInstanceStatus"])

    def create(self, aws: Aws) -> str:
        name = aws.name(self, 63)
        zone = {} if self.multi_az else {"AvailabilityZone": self.zone}
        with tolerate("DBInstanceAlreadyExists"):
            aws.rds.create_db_instance(
                DBInstanceIdentifier=name,
                DBName=self.name,
                Engine="mysql",
                EngineVersion=self.version,
                DBInstanceClass=self.size,
                AllocatedStorage=self.storage,
                MaxAllocatedStorage=self.max_storage,
                StorageType="gp3",
                StorageEncrypted=True,
                MultiAZ=self.multi_az,
                DBSubnetGroupName=aws[self.group].id,
                DBParameterGroupName=aws[self.parameters].id,
                VpcSecurityGroupIds=[aws[group].id for group in self.security],
                MasterUsername=self.username,
                MasterUserPassword=reveal(aws, self.password),
                BackupRetentionPeriod=self.backup_days,
                CopyTagsToSnapshot=True,
                DeletionProtection=self.protected,
                PubliclyAccessible=False,
                AutoMinorVersionUpgrade=True,
                Tags=[*aws.tags(self), {"Key": INCARNATION, "Value": incarnation(aws, self.password)}],
                **zone,
            )
        return name

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        """All that differs goes in one ModifyDBInstance, at once: each takes minutes."""
        raw = live.raw
        if live.status == "stopped":
            start = _later(aws.rds.start_db_instance, DBInstanceIdentifier=live.id)
            yield Change("status", "stopped", "available", start)
            return
        settings: dict[str, Any] = {}
        modify = _later(aws.rds.modify_db_instance, settings, DBInstanceIdentifier=live.id, ApplyImmediately=True)
        for field, old, new, impact in self._compared(aws, raw):
            if old != new:
                settings[field] = new
                yield Change(field, old, new, modify, impact)
        # AWS answers 8.0.42 where 8.0 was asked for.
        if not f"{raw['EngineVersion']}.".startswith(f"{self.version}."):
            settings |= {"EngineVersion": self.version, "AllowMajorVersionUpgrade": True}
            # A major version needs parameters of its own family in the same call.
            settings["DBParameterGroupName"] = aws[self.parameters].id
            yield Change(
                "EngineVersion",
                raw["EngineVersion"],
                self.version,
                modify,
                "upgrades and restarts the database",
            )
        if int(raw["AllocatedStorage"]) < self.storage:
            settings["AllocatedStorage"] = self.storage
            yield Change(
                "AllocatedStorage",
                raw["AllocatedStorage"],
                self.storage,
                modify,
                "takes hours in the background",
            )
        yield from self._repair_password(aws, live)

    def _compared(self, aws: Aws, raw: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, str]]:
        """API field, what AWS has, what is declared, what people would notice."""
        parameters = [one["DBParameterGroupName"] for one in raw["DBParameterGroups"]]
        security = sorted(one["VpcSecurityGroupId"] for one in raw["VpcSecurityGroups"])
        restart = "a short interruption"
        yield "DBInstanceClass", raw["DBInstanceClass"], self.size, restart
        yield "MultiAZ", raw["MultiAZ"], self.multi_az, ""
        yield "MaxAllocatedStorage", raw.get("MaxAllocatedStorage"), self.max_storage, ""
        yield "StorageType", raw["StorageType"], "gp3", ""
        yield "BackupRetentionPeriod", raw["BackupRetentionPeriod"], self.backup_days, ""
        yield "DeletionProtection", raw["DeletionProtection"], self.protected, ""
        yield "PubliclyAccessible", raw["PubliclyAccessible"], False, ""
        yield "CopyTagsToSnapshot", raw["CopyTagsToSnapshot"], True, ""
        yield "AutoMinorVersionUpgrade", raw["AutoMinorVersionUpgrade"], True, ""
        yield "DBParameterGroupName", parameters[0] if parameters else None, aws[self.parameters].id, ""
        ids = [aws[group].id for group in self.security]
        yield "VpcSecurityGroupIds", security, UNKNOWN if UNKNOWN in ids else sorted(ids), ""

    def _repair_password(self, aws: Aws, live: Live) -> Iterator[Change]:
        """A parameter deleted by hand comes back with another password: the database must learn it."""
        tags = {tag["Key"]: tag["Value"] for tag in live.raw.get("TagList", ())}
        present, wanted = tags.get(INCARNATION, ""), incarnation(aws, self.password)
        if present == wanted:
            return

        def teach() -> None:
            aws.rds.modify_db_instance(
                DBInstanceIdentifier=live.id,
                MasterUserPassword=reveal(aws, self.password),
                ApplyImmediately=True,
            )
            aws.rds.add_tags_to_resource(
                ResourceName=live.raw["DBInstanceArn"], Tags=[{"Key": INCARNATION, "Value": wanted}]
            )

        yield Change("MasterUserPassword", "another", "the one in Parameter Store", teach, "clients must reconnect")

    def facts(self, aws: Aws, live: Live) -> Mapping[str, str]:
        endpoint = live.raw.get("Endpoint") or {}
        if "Address" not in endpoint:
            return {}
        return {"endpoint": f"{endpoint['Address']}:{endpoint.get('Port', 3306)}"}

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        if live.status == "deleting":
            return
        if live.raw["DeletionProtection"]:
            if live.status in cls.wait.ready:
                aws.rds.modify_db_instance(
                    DBInstanceIdentifier=live.id, DeletionProtection=False, ApplyImmediately=True
                )
            return
        # AWS takes no final snapshot of an instance that never came up.
        if parting.data or live.status in {"creating", *FAILED}:
            last: dict[str, Any] = {"SkipFinalSnapshot": True}
        else:
            name = f"{live.id}-final-{parting.snapshot}"
            last = {"FinalDBSnapshotIdentifier": name}
        with tolerate("DBInstanceNotFound"), tolerate("InvalidDBInstanceState", text="already being deleted"):
            aws.rds.delete_db_instance(DBInstanceIdentifier=live.id, **last)


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot(Resource):
    """What a deleted database left: never made by `up`, kept by `destroy` unless its data may go too."""

    title = "DB snapshot"
    wait = Wait(pending={"creating"}, leaving={"deleting"}, usual=180, deadline=7200)
    blocked = {"InvalidDBSnapshotState"}
    data = True
    arns = (":snapshot:",)

    # AWS: RDS snapshot storage beyond the size of the running databases, US dollars per GB and month.
    PER_GB = 0.095

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for one in aws.rds.pages("describe_db_snapshots", "DBSnapshots", SnapshotType="manual"):
            yield from aws.found(cls, one["DBSnapshotIdentifier"], one.get("TagList"), one, one["Status"])

    @classmethod
    def keep(cls, aws: Aws, live: Live, parting: Parting) -> Kept | None:
        if parting.data:
            return None
        size = float(live.raw.get("AllocatedStorage", 0))
        return Kept("the database's last state; --delete-data removes it", round(size * cls.PER_GB, 2))

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        if live.status != "deleting":
            with tolerate("DBSnapshotNotFound"):
                aws.rds.delete_db_snapshot(DBSnapshotIdentifier=live.id)


def _later(call: Callable[..., object], more: Mapping[str, Any] | None = None, **fixed: Any) -> Callable[[], object]:
    """The call to make when the change is applied; `more` may still grow until then."""
    return lambda: call(**fixed, **(more or {}))
