"""RDS's own words for how a database is, and what each allows: AWS's list of DB instance statuses.

AWS: a final snapshot is impossible in `failed`, `incompatible-network` and `incompatible-restore` alone
(API_DeleteDBInstance). In `storage-full` AWS takes a change of the storage and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from awsdeploy.engine.resource import Status

AT_WORK = """\
backing-up configuring-associations configuring-enhanced-monitoring configuring-iam-database-auth
configuring-log-exports converting-to-vpc delete-precheck maintenance modifying moving-to-vpc rebooting renaming
resetting-master-credentials starting stopping storage-config-upgrade upgrading
"""
"""These end by themselves."""

FULL = "storage-full"

RESTORE = (
    "{backups} lists the backups that can be restored. `aws rds delete-db-instance --skip-final-snapshot "
    "--db-instance-identifier {id} --region {region}` deletes it, with its automated backups and without a final "
    "snapshot, once its deletion protection is off (aws rds modify-db-instance --no-deletion-protection); after that "
    "{restore} creates it again"
)
KEY = (
    "Enable its KMS key and let RDS use it (aws rds describe-db-instances --db-instance-identifier {id} --region "
    "{region} shows the KmsKeyId)"
)


def _stuck(meaning: str, remedy: str, snapshot: bool = True, modifiable: bool = False) -> Status:
    return Status(snapshot=snapshot, modifiable=modifiable, meaning=meaning, remedy=f"{remedy}.")


STATUSES: Mapping[str, Status] = {
    **{name: Status() for name in AT_WORK.split()},
    **dict.fromkeys(
        ("available", "storage-optimization", "storage-initialization"),
        Status(usable=True, modifiable=True, snapshot=True),
    ),
    "creating": Status(empty=True),
    "deleting": Status(leaving=True),
    "stopped": Status(modifiable=True),
    FULL: Status(
        snapshot=True,
        modifiable=True,
        limited=True,
        meaning="its disk is full, and it accepts no connections",
        remedy="Set database.storage_gb in config.toml to at least 10 % more than now, then run {up}: AWS accepts no "
        "other change until there is free space.",
    ),
    "failed": _stuck("the database has failed and AWS cannot recover it", RESTORE, snapshot=False),
    "inaccessible-encryption-credentials": _stuck(
        "its KMS key cannot be used, and AWS cannot recover the database",
        f"{KEY}. If the key was deleted, restore a backup. {RESTORE}",
    ),
    "inaccessible-encryption-credentials-recoverable": _stuck(
        "its KMS key cannot be used",
        f"{KEY}, then start it: aws rds start-db-instance --db-instance-identifier {{id}} --region {{region}}",
    ),
    "incompatible-create": _stuck("AWS could not create the database with what it was asked for", RESTORE),
    "incompatible-network": _stuck(
        "AWS tries to recover the database, and its subnets have no free address, or its network has changed",
        "Free addresses in its subnets and undo manual changes to its network. If this does not help: " + RESTORE,
        snapshot=False,
    ),
    "incompatible-option-group": _stuck(
        "AWS could not apply its option group",
        "Restore the option group that was changed manually: aws rds modify-db-instance --option-group-name "
        "default:mysql-8-4 --apply-immediately --db-instance-identifier {id} --region {region}",
        modifiable=True,
    ),
    "incompatible-parameters": _stuck(
        "the database cannot start with the values in its parameter group",
        "{up} restores the values that it declares. Reset other manual changes, then reboot it: "
        "aws rds reboot-db-instance --db-instance-identifier {id} --region {region}",
        modifiable=True,
    ),
    "incompatible-restore": _stuck("AWS cannot restore the database to that time", RESTORE, snapshot=False),
    "insufficient-capacity": _stuck(
        "AWS has no capacity for this class in this zone now",
        "Wait until AWS has capacity, or choose another database.instance_class. The database must be created again: "
        + RESTORE,
    ),
    "restore-error": _stuck("AWS could not restore the database from the snapshot or to the requested time", RESTORE),
}
