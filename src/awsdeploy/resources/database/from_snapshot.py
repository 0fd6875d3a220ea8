"""A database from a DB snapshot: the settings that come with it, and the reasons why it may not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_THE_SNAPSHOT = {
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "DBName",
    "Engine",
    "EngineVersion",
    "MasterUserPassword",
    "MasterUsername",
    "MaxAllocatedStorage",
    "StorageEncrypted",
}
"""Parameters that RestoreDBInstanceFromDBSnapshot refuses or takes from the snapshot; `diff` finds differences."""


def misfit(snapshot: Mapping[str, Any], version: str, user: str, max_storage: int) -> str:
    """Reason why a snapshot (DescribeDBSnapshots) does not fit a declared database, with the remedy; or nothing.

    `max_storage` is in GB.
    """
    its, size = snapshot["EngineVersion"], int(snapshot["AllocatedStorage"])
    for wrong, why in (
        (snapshot["Engine"] != "mysql", f"is of {snapshot['Engine']}, not of MySQL"),
        (not f"{its}.".startswith(f"{version}."), f"is of MySQL {its}: set database.engine_version"),
        (snapshot["MasterUsername"] != user, f"uses the user {snapshot['MasterUsername']}: set database.username"),
        (size > max_storage, f"needs {size} GB: set database.max_storage_gb"),
        (not snapshot["Encrypted"], "is not encrypted: create an encrypted copy of it"),
    ):
        if wrong:
            return why
    return ""
