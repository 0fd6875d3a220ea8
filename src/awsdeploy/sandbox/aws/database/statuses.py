"""Statuses of an RDS instance: what RDS refuses in each, and how a test puts an instance into one.

AWS: USER_ModifyInstance, API_DeleteDBInstance, API_CreateDBSnapshot. Where AWS's pages are silent, it refuses here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

WELL = {"available", "storage-optimization"}
MODIFIABLE = WELL | {"storage-initialization", "incompatible-parameters", "incompatible-option-group"}
SNAPSHOT_AT_THE_END = MODIFIABLE | {"storage-full"}
NEVER_A_SNAPSHOT = {"failed", "incompatible-network", "incompatible-restore"}
WITHOUT_ITS_KEY = {"inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable"}
STATUSES = (
    MODIFIABLE
    | NEVER_A_SNAPSHOT
    | WITHOUT_ITS_KEY
    | set(
        """
        backing-up configuring-associations configuring-enhanced-monitoring configuring-iam-database-auth
        configuring-log-exports converting-to-vpc creating delete-precheck deleting incompatible-create
        insufficient-capacity maintenance modifying moving-to-vpc rebooting renaming resetting-master-credentials
        restore-error starting stopped stopping storage-config-upgrade storage-full upgrading
        """.split()
    )
)
"""AWS's list: Viewing Amazon RDS DB instance status."""


def put(world: World, region: str, name: str, status: str, seconds: float = 0) -> None:
    """Put an instance into a status: for good, or for so many seconds. Raises `ValueError`, `KeyError`."""
    if status not in STATUSES:
        raise ValueError(f"RDS has no status {status}")
    database = world.moto("rds", region).databases[name]
    database.status = status

    def over() -> None:
        if database.status == status:
            database.status = "available"

    if seconds:
        world.agenda.after(seconds, over)


def modification(database: Any, fields: Iterable[str]) -> None:
    """Raises `AwsRefuses` as ModifyDBInstance of these fields does. A full disk takes more storage and nothing else."""
    if database.status in MODIFIABLE or (database.status == "storage-full" and set(fields) == {"AllocatedStorage"}):
        return
    _not_available(database)


def snapshot(database: Any) -> None:
    """Raises `AwsRefuses` as CreateDBSnapshot does."""
    if database.status not in WELL:
        _not_available(database)


def deletion(database: Any, wanted: Mapping[str, Any]) -> None:
    """Raises `AwsRefuses` as DeleteDBInstance does."""
    name, status = database.db_instance_identifier, database.status
    if status == "deleting":
        raise AwsRefuses("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    if not wanted.get("FinalDBSnapshotIdentifier") or status in SNAPSHOT_AT_THE_END:
        return
    if status in NEVER_A_SNAPSHOT:
        message = f"Instance {name} is in the {status} state and can only be deleted with SkipFinalSnapshot."
        raise AwsRefuses("InvalidDBInstanceState", message)
    if status in WITHOUT_ITS_KEY:
        raise AwsRefuses("KMSKeyNotAccessibleFault", f"The KMS key of {name} is not accessible.")
    message = f"Cannot create a snapshot because the database instance {name} is not currently in the available state."
    raise AwsRefuses("InvalidDBInstanceState", message)


def _not_available(database: Any) -> None:
    message = f"Database instance {database.db_instance_identifier} is not in available state."
    raise AwsRefuses("InvalidDBInstanceState", message)
