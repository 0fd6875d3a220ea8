"""The database and what it stands on."""

from __future__ import annotations

from awsdeploy.blueprint.network import Network, SecurityGroups
from awsdeploy.config import Settings
from awsdeploy.resource import Resource
from awsdeploy.resources.database import Database
from awsdeploy.resources.database_groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.parameter import Parameter, Password

PAST_SUPPORT = {"8.0"}
"""MySQL versions whose standard support on RDS is over: they take Extended Support, which no other shall be billed."""

MYSQL_SETTINGS = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "log_output": "FILE",  # tables, the default, never reach CloudWatch
    "long_query_time": "1",
    # The documented application connects without TLS, inside the VPC. 0 is the default up to 8.4 and 1 later; said here
    # so that no other version changes it. 8.4 asks new users for caching_sha2_password, which the drivers of the
    # supported platform (mysql2) speak: that stays, native passwords have no future.
    "require_secure_transport": "0",
    "slow_query_log": "1",
}


class DatabaseTier:
    """MySQL in the private subnets, with a generated password, and the parameters that say how to reach it.

    It is made from the DB snapshot `restore`, if one is given.
    """

    def __init__(self, settings: Settings, network: Network, groups: SecurityGroups, restore: str = "") -> None:
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
            extended_support=wanted.engine_version in PAST_SUPPORT,
            restore=restore,
        )
        told = (
            Parameter(key="database/DB_HOST", source=self.mysql, at=("Endpoint", "Address")),
            Parameter(key="database/DB_PORT", source=self.mysql, at=("Endpoint", "Port")),
            Parameter(key="database/DB_NAME", value=wanted.name),
            Parameter(key="database/DB_USER", value=wanted.username),
        )
        self.resources: list[Resource] = [group, parameters, password, self.mysql, *told]
