"""The MySQL database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    UNKNOWN,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    Restorable,
    Stack,
    TransientError,
    Wait,
)
from awsdeploy.errors import AwsFailure, next_command
from awsdeploy.resources import tag_calls
from awsdeploy.resources.compute.parameter import PASSWORD_VERSION, Password, password_version, reveal
from awsdeploy.resources.database import beside
from awsdeploy.resources.database.changes import (
    IGNORABLE,
    NO_EFFECT,
    Compared,
    Effect,
    another_class,
    changes_of,
    differences,
    downgrade,
    fewer_backups,
    lowest_limit,
)
from awsdeploy.resources.database.deletion import BUSY, delete_database, unlocking
from awsdeploy.resources.database.from_snapshot import OF_THE_SNAPSHOT, misfit
from awsdeploy.resources.database.groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.database.password import password_change
from awsdeploy.resources.database.statuses import FULL, STATUSES
from awsdeploy.resources.network.security_group import SecurityGroup

EXPORTS = ("error", "slowquery")
"""The logs that RDS sends to CloudWatch."""

RESTORED = "awsdeploy:restored-from"
"""Tag with the DB snapshot that an instance was made from."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Database(Resource):
    """An encrypted MySQL instance in the private subnets. With `multi_az`, or without `zone`, AWS chooses the
    primary's zone.

    Sizes are in GB, `backup_days` in days; the storage grows by itself up to `max_storage`.
    With `restore` it is made from the DB snapshot of that name. `extended_support` goes on after the version's end
    of standard support, at a price; without it AWS makes none of such a version (API_CreateDBInstance).
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
    extended_support: bool
    restore: str = ""

    tagging = tag_calls.rds("DBInstanceArn")
    replaces = {"group", "name", "username"}
    idempotency = Idempotency.NAME
    data = True
    # AWS: 5–10 minutes, Multi-AZ 10–25; botocore's own waiter gives up after 30.
    wait = Wait(ready=set(), statuses=STATUSES, usual=600, deadline=4800)
    transient = (
        TransientError("CreateDBInstance", "InvalidDBInstanceState", seconds=120),
        *(
            TransientError(call, "InvalidParameterValue", seconds=120, text="service linked role")
            for call in ("CreateDBInstance", "RestoreDBInstanceFromDBSnapshot")
        ),
        TransientError("RestoreDBInstanceFromDBSnapshot", "InvalidDBSnapshotState", seconds=3600),
        TransientError("ModifyDBInstance", "InvalidDBInstanceState", seconds=1800),
        # The name of an instance that was renamed may be taken for a moment longer.
        TransientError("ModifyDBInstance", "DBInstanceAlreadyExists", seconds=600),
        TransientError("RestoreDBInstanceToPointInTime", "InvalidDBInstanceState", seconds=1800),
        TransientError("CreateDBSnapshot", "InvalidDBInstanceState", seconds=1800),
    )
    copies, volatile = "Snapshot", frozenset({"LatestRestorableTime"})
    deletion = Deletion(retry_on={BUSY}, timeout=3600, usual=120)
    arns = (":db:",)
    ignorable = IGNORABLE

    def brief(self) -> str:
        standby = " with standby" if self.multi_az else ""
        return f"MySQL {self.version} on {self.size}{standby}, {self.storage} GB"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for one in aws.rds.pages("describe_db_instances", "DBInstances"):
            id = one["DBInstanceIdentifier"]
            for observed in aws.found(cls, id, one.get("TagList"), one, one["DBInstanceStatus"]):
                role = beside.role_of(aws.stack, observed.key, observed.generation, id)
                yield replace(observed, key=f"{observed.key}/{role}") if role else observed

    @classmethod
    def kept_for(cls, observed: Observed) -> str:
        return beside.purpose(observed.key)

    def create(self, aws: Aws) -> str | Observed:
        name = identifier(aws.stack, self, aws.generation(self))
        zone = {} if self.multi_az or not self.zone else {"AvailabilityZone": self.zone}
        make = self._restored(aws) if self.restore else aws.rds.create_db_instance
        with tolerate("DBInstanceAlreadyExists"):
            made = make(
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
                EnableCloudwatchLogsExports=list(EXPORTS),
                DeletionProtection=self.protected,
                PubliclyAccessible=False,
                AutoMinorVersionUpgrade=True,
                EngineLifecycleSupport=self._support,
                Tags=[*aws.tags(self), {"Key": PASSWORD_VERSION, "Value": password_version(aws, self.password)}],
                **zone,
            )["DBInstance"]
            return aws.made(self, name, made, made["DBInstanceStatus"])
        return name

    @property
    def _support(self) -> str:
        return "open-source-rds-extended-support" + ("" if self.extended_support else "-disabled")

    def impossible(self, aws: Aws, observed: Observed) -> str:
        return downgrade(observed, self.version)

    def _restored(self, aws: Aws) -> Callable[..., dict[str, Any]]:
        """Call that restores: a create without the parameters of the snapshot, and no tag for its old password."""

        def restore(**settings: Any) -> dict[str, Any]:
            given = {name: value for name, value in settings.items() if name not in OF_THE_SNAPSHOT}
            tags = [tag for tag in settings["Tags"] if tag["Key"] != PASSWORD_VERSION]
            given["Tags"] = [*tags, {"Key": RESTORED, "Value": self.restore}]
            return aws.rds.restore_db_instance_from_db_snapshot(DBSnapshotIdentifier=self.restore, **given)

        return restore

    def conflict(self, aws: Aws) -> str:
        """A restore that has not finished, or a snapshot that does not fit what is declared: AWS would say so only
        when much else is made."""
        for one in aws.all(Database):
            if one.key.startswith(f"{self.key}/") and beside.role_in(one.key) != beside.DRILL:
                return f"{one.id} is {beside.purpose(one.key)}."
        if not self.restore:
            return ""
        found: list[dict[str, Any]] = []
        with tolerate("DBSnapshotNotFound"):
            found = aws.rds.describe_db_snapshots(DBSnapshotIdentifier=self.restore)["DBSnapshots"]
        if not found:
            return f"There is no DB snapshot {self.restore} in {aws.region}."
        (snapshot,) = found
        unfit = misfit(snapshot, self.version, self.username, self.max_storage)
        return f"The DB snapshot {self.restore} {': '.join(filter(None, unfit))}." if unfit else ""

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        raw = observed.raw
        if observed.status == "stopped":
            start = _later(aws.rds.start_db_instance, DBInstanceIdentifier=observed.id)
            yield Change("status", "stopped", "available", start)
            return
        wanted = [row for row in self._compared(aws, raw) if row[1] is None or not aws.ignores(self, row[0])]
        found = differences(raw, wanted, version=self.version, gigabytes=self.storage, logs=EXPORTS)
        # With a full disk AWS takes no other change until there is room.
        taken = (one for one in found if observed.status != FULL or one.field == "AllocatedStorage")
        yield from changes_of(aws.rds.modify_db_instance, observed.id, taken)
        # A parameter deleted by hand comes back with another password: the database must learn it.
        version, effect = password_version(aws, self.password), Effect("clients must reconnect", Danger.OUTAGE)
        yield from password_change(aws.rds, observed, version, lambda: reveal(aws, self.password), effect)

    def _compared(self, aws: Aws, raw: Mapping[str, Any]) -> Iterator[Compared]:
        """Fields that ModifyDBInstance changes in place; each change is made at once."""
        parameters = [one["DBParameterGroupName"] for one in raw["DBParameterGroups"]]
        # AWS lists a group that it is taking out as `removing`.
        security = sorted(
            one["VpcSecurityGroupId"] for one in raw["VpcSecurityGroups"] if one.get("Status") != "removing"
        )
        yield "DBInstanceClass", raw["DBInstanceClass"], self.size, another_class(raw)
        yield "MultiAZ", raw["MultiAZ"], self.multi_az, NO_EFFECT
        if not self._too_low(raw):
            yield "MaxAllocatedStorage", raw.get("MaxAllocatedStorage"), self.max_storage, NO_EFFECT
        yield "StorageType", raw["StorageType"], "gp3", NO_EFFECT
        days = raw["BackupRetentionPeriod"]
        yield "BackupRetentionPeriod", days, self.backup_days, fewer_backups(days, self.backup_days)
        yield "DeletionProtection", raw["DeletionProtection"], self.protected, NO_EFFECT
        yield "PubliclyAccessible", raw["PubliclyAccessible"], False, NO_EFFECT
        yield "CopyTagsToSnapshot", raw["CopyTagsToSnapshot"], True, NO_EFFECT
        yield "AutoMinorVersionUpgrade", raw["AutoMinorVersionUpgrade"], True, NO_EFFECT
        yield "EngineLifecycleSupport", raw.get("EngineLifecycleSupport", self._support), self._support, NO_EFFECT
        yield "DBParameterGroupName", parameters[0] if parameters else None, aws[self.parameters].id, NO_EFFECT
        ids = [aws[one].id for one in self.security]
        yield "VpcSecurityGroupIds", security, UNKNOWN if UNKNOWN in ids else sorted(ids), NO_EFFECT

    def _too_low(self, raw: Mapping[str, Any]) -> bool:
        """True if AWS refuses the declared limit: storage never shrinks, and a limit is at least 10 % above it."""
        return self.max_storage < lowest_limit(max(int(raw["AllocatedStorage"]), self.storage))

    def advisory(self, aws: Aws, observed: Observed) -> str:
        size = int(observed.raw["AllocatedStorage"])
        if not self._too_low(observed.raw):
            return ""
        return (
            f"database.max_storage_gb = {self.max_storage} is too low for the {size} GB that the database has. AWS "
            f"cannot shrink storage, so nothing was changed. Set max_storage_gb to at least {lowest_limit(size)}"
        )

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        endpoint = observed.raw.get("Endpoint") or {}
        if "Address" not in endpoint:
            return {}
        return {"endpoint": f"{endpoint['Address']}:{endpoint.get('Port', 3306)}"}

    @classmethod
    def restorable(cls, aws: Aws, observed: Observed) -> Iterator[Restorable]:
        """AWS: automated backups reach every moment of their window; they cost nothing up to the database's size."""
        asked = aws.rds.describe_db_instance_automated_backups(DBInstanceIdentifier=observed.id)
        for one in asked["DBInstanceAutomatedBackups"]:
            window, days = one.get("RestoreWindow", {}), one.get("BackupRetentionPeriod", 0)
            yield Restorable(
                what="automatic backups",
                of=observed.key,
                id=observed.id,
                status=one.get("Status", ""),
                at=window.get("LatestTime"),
                since=window.get("EarliestTime"),
                note=f"any time in the last {days} days; free up to the size of the database",
            )

    @classmethod
    def back_up(cls, aws: Aws, observed: Observed, stamp: str) -> str:
        if observed.status == "stopped":  # CreateDBSnapshot: the database must be available
            raise AwsFailure(
                f"{observed.id} is stopped, and AWS takes no snapshot of it.", f"To start it: {next_command('resume')}"
            )
        name = f"{observed.id}-manual-{stamp}"
        tags = [tag for tag in observed.raw.get("TagList", ()) if tag["Key"] not in (PASSWORD_VERSION, RESTORED)]
        with tolerate("DBSnapshotAlreadyExists"):
            aws.rds.create_db_snapshot(DBInstanceIdentifier=observed.id, DBSnapshotIdentifier=name, Tags=tags)
        return name

    @classmethod
    def is_protected(cls, observed: Observed) -> bool:
        return bool(observed.raw.get("DeletionProtection"))

    @classmethod
    def unlocking(cls, observed: Observed) -> str:
        return unlocking(observed)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        delete_database(aws, observed, options)


def identifier(stack: Stack, database: Database, generation: str) -> str:
    """Identifier of the database in RDS, and part of the names of its logs."""
    return beside.name_of(stack, database.key, generation)


def restored_from(observed: Observed) -> str:
    """The DB snapshot that an instance was made from, or nothing."""
    return tags_to_dict(observed.raw.get("TagList")).get(RESTORED, "")


def _later(call: Callable[..., object], **fixed: Any) -> Callable[[], object]:
    """The call to make when the change is applied."""
    return lambda: call(**fixed)
