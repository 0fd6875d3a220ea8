"""The database and what it stands on."""

from __future__ import annotations

from awsdeploy.blueprint.network import Network, SecurityGroups
from awsdeploy.config import Settings
from awsdeploy.resource import Resource
from awsdeploy.resources.database import Database
from awsdeploy.resources.database_groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.parameter import Parameter, Password

MYSQL_SETTINGS = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "log_output": "FILE",  # tables, the default, never reach CloudWatch
    "long_query_time": "1",
    "slow_query_log": "1",
}


class DatabaseTier:
    """MySQL in the private subnets, with a generated password, and the parameters that say how to reach it."""

    def __init__(self, settings: Settings, network: Network, groups: SecurityGroups) -> None:
        wanted = settings.database
        group = SubnetGroup(key="database/subnets", subnets=network.private)
        parameters = ParameterGroup(
            key="database/parameters", family=f"mysql{wanted.engine_version}", settings=MYSQL_SETTINGS
        )
        password = Password(key="database/DB_PASSWORD")
        self.mysql = Database(
            key="database/mysql",
            group=group,
            parameters=parameters,
            security=(groups.rds,),
            password=password,
            version=wanted.engine_version,
            size=wanted.instance_class,
            storage=wanted.storage_gb,
            max_storage=wanted.max_storage_gb,
            multi_az=wanted.multi_az,
            zone=network.private[0].zone,
            backup_days=wanted.backup_days,
            protected=wanted.deletion_protection,
            name=wanted.name,
            username=wanted.username,
        )
        told = (
            Parameter(key="database/DB_HOST", source=self.mysql, at=("Endpoint", "Address")),
            Parameter(key="database/DB_PORT", source=self.mysql, at=("Endpoint", "Port")),
            Parameter(key="database/DB_NAME", value=wanted.name),
            Parameter(key="database/DB_USER", value=wanted.username),
        )
        self.resources: list[Resource] = [group, parameters, password, self.mysql, *told]
