"""A database from a DB snapshot: the settings that come with it, and the reasons why it may not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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


class Misfit(NamedTuple):
    """Reason why a snapshot does not fit, as the end of a sentence, and the remedy in config.toml or at AWS."""

    why: str
    remedy: str = ""


def misfit(snapshot: Mapping[str, Any], version: str, user: str, max_storage: int) -> Misfit | None:
    """Reason why a snapshot (DescribeDBSnapshots) does not fit a database of this version of MySQL; or None.

    `version` is the beginning of a version (8.4), `max_storage` is in GB.
    """
    its, size = snapshot["EngineVersion"], int(snapshot["AllocatedStorage"])
    for wrong, why in (
        (snapshot["Engine"] != "mysql", Misfit(f"is of {snapshot['Engine']}, not of MySQL")),
        (not f"{its}.".startswith(f"{version}."), Misfit(f"is of MySQL {its}", "set database.engine_version")),
        (
            snapshot["MasterUsername"] != user,
            Misfit(f"uses the user {snapshot['MasterUsername']}", "set database.username"),
        ),
        (size > max_storage, Misfit(f"needs {size} GB", "set database.max_storage_gb")),
        (not snapshot["Encrypted"], Misfit("is not encrypted", "create an encrypted copy of it")),
    ):
        if wrong:
            return why
    return None
