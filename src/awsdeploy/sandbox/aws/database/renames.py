"""A new identifier for an instance: its endpoint follows, and meanwhile it is `renaming`.

AWS, RDS User Guide, "Renaming a DB instance": the name must be free; the old DNS name is deleted at once, the new one
is effective in about 10 minutes, and the instance is not available until then. Tags, snapshots, replicas and the
resource ID stay. API_ModifyDBInstance: the instance is rebooted.
"""

from __future__ import annotations

from typing import Any

from awsdeploy.sandbox.aws.database import rules
from awsdeploy.sandbox.aws.database.memory import Databases
from awsdeploy.sandbox.aws.monitoring import logs
from awsdeploy.sandbox.machines import mysql
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

PENDING = "DBInstanceIdentifier"
"""Field of PendingModifiedValues with the new identifier (API_PendingModifiedValues)."""


def request(world: World, call: ApiCall, database: Any) -> None:
    """Raises `AwsRefuses` as ModifyDBInstance with NewDBInstanceIdentifier does."""
    old, new = database.db_instance_identifier, str(call.parameters["NewDBInstanceIdentifier"]).lower()
    if not rules.NAME.fullmatch(new):
        raise AwsRefuses("InvalidParameterValue", f"The parameter NewDBInstanceIdentifier is not valid: {new}.")
    if new == old:
        return
    if new in world.moto("rds", call.region).databases:
        raise AwsRefuses("DBInstanceAlreadyExists", "DB instance already exists")
    pending = world.of(Databases).pending.setdefault(old, {})
    pending[PENDING] = new
    if not call.parameters.get("ApplyImmediately"):
        return

    def begin() -> None:
        if database.status == "available" and database.db_instance_identifier == old:
            database.status = "renaming"
            left = durations.DATABASE_RENAMED - durations.DATABASE_BEGINS
            world.agenda.after(left, lambda: _renamed(world, call.region, database, new))

    world.agenda.after(durations.DATABASE_BEGINS, begin)


def _renamed(world: World, region: str, database: Any, new: str) -> None:
    databases, old = world.moto("rds", region).databases, database.db_instance_identifier
    if database.status != "renaming":
        return
    memory, snapshots = world.of(Databases), world.moto("rds", region).database_snapshots
    memory.pending.get(old, {}).pop(PENDING, None)
    database.status = "available"
    if new in databases:  # taken meanwhile: AWS gives it up
        return
    del databases[old]
    database.db_instance_identifier = new
    databases[new] = database
    memory.rename(old, new)
    for name in [one for one in snapshots if one.startswith(f"rds:{old}-")]:
        del snapshots[name]  # moto's, made with the instance: its name would be taken
    # Its server starts again with the next command, with a certificate for the new name: as after the reboot by AWS.
    world.of(mysql.MysqlServers).stop(database.dbi_resource_id, for_good=False)
    logs.written(world, region, new)
