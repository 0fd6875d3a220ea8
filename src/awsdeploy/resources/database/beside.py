"""Instances that a restore has beside the database: which there are, and how they are told apart.

All have the tags of the database. Their names differ, and a name changes in one step with a rename, so the name alone
says what an instance is for. RDS User Guide, "Renaming a DB instance": tags, snapshots and the resource ID stay, and
the endpoint follows the name.
"""

from __future__ import annotations

from awsdeploy.config.stack import Stack
from awsdeploy.errors import next_command

RESTORED = "restored"
"""Made from a backup, and not in use yet."""
REPLACED = "replaced"
"""The database until the restore; kept until `restore finish` or `restore undo`."""
DISCARDED = "discarded"
"""The restored database after `restore undo`, to be deleted."""
DRILL = "drill"
"""Made by `drill`, measured and deleted."""
ROLES = (RESTORED, REPLACED, DISCARDED, DRILL)


def name_of(stack: Stack, key: str, generation: str, role: str = "") -> str:
    """Identifier in RDS of the database with this key, or of the instance with this role beside it."""
    return stack.called(f"{key}/{role}" if role else key, generation, 63)


def role_of(stack: Stack, key: str, generation: str, name: str) -> str:
    """Role of the instance with this identifier; empty for the database itself."""
    return next((role for role in ROLES if name_of(stack, key, generation, role) == name), "")


def role_in(key: str) -> str:
    """Role in the key of an observed instance (`database/mysql/restored`), or nothing."""
    role = key.rpartition("/")[2]
    return role if role in ROLES else ""


def purpose(key: str) -> str:
    """Purpose of an instance beside the database and the next command, in words; empty for the database itself."""
    finish, undo = f"`{next_command('restore', 'finish')}`", f"`{next_command('restore', 'undo')}`"
    again = f"`{next_command('restore', 'database', '--to', 'TIME')}`"
    return {
        RESTORED: f"restored from a backup, not in use yet; the same {again} continues, {undo} deletes it",
        REPLACED: f"the database before the restore; {finish} deletes it, {undo} brings it back",
        DISCARDED: f"the restored database that was undone; {undo} deletes it",
        DRILL: f"made by a restore drill; `{next_command('drill')}` continues and deletes it",
    }.get(role_in(key), "")
