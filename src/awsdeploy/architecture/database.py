"""The database, its subnet group and its parameter group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from awsdeploy.architecture.network import Network, SecurityGroups
from awsdeploy.config import Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.errors import next_command
from awsdeploy.resources.compute.parameter import Parameter, Password
from awsdeploy.resources.database.existing_database import ExistingDatabase
from awsdeploy.resources.database.groups import TLS, ParameterGroup, SubnetGroup
from awsdeploy.resources.database.instance import Database

PAST_SUPPORT = {"8.0"}
"""MySQL versions whose standard support on RDS is over: they take Extended Support, which no other shall be billed."""

MYSQL_SETTINGS = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "log_output": "FILE",  # tables, the default, never reach CloudWatch
    "long_query_time": "1",
    # 8.4 asks new users for caching_sha2_password, which the drivers of the supported platform (mysql2) speak: that
    # stays, native passwords have no future.
    "slow_query_log": "1",
}

PARAMETERS, AUTHORITY = "database/parameters", "database/DB_SSL_CA"
CA_ON_MACHINES = "/opt/awsdeploy/rds-ca.pem"
"""Path at which the release agent stores the CA certificates of the region's databases."""


class Transport(Enum):
    """TLS for connections: required, optional or left unchanged. RDS supports TLS in each case.

    MySQL's default for `require_secure_transport` is 0 up to 8.4 and 1 later, so the value is always written, except
    where it stays as it is.
    """

    REQUIRED = "1"
    OPTIONAL = "0"
    UNCHANGED = "unchanged"
    """A stack older than the setting, which is not written: nothing is required, no certificates are given."""

    @property
    def settings(self) -> Mapping[str, str]:
        return {} if self is Transport.UNCHANGED else {TLS: self.value}

    @property
    def advice(self) -> str:
        if self is not Transport.UNCHANGED:
            return ""
        return (
            "The database accepts connections without TLS. That does not change by itself, because it would stop an "
            f'application that connects without TLS. To require TLS: set database.tls = "optional", run '
            f'{next_command("up")} and {next_command("deploy", "--force")}; then set database.tls = "required"'
        )


class DatabaseTier:
    """MySQL in the private subnets, with a generated password, and the parameters that say how to reach it.

    It is made from the DB snapshot `restore`, if one is given. Without `transport` it is a new stack's. With an
    existing database there is no `mysql`: the parameters say how to reach that one, and `env set` sets its password.
    """

    mysql: Database | None = None
    resources: tuple[Resource, ...]

    def __init__(
        self,
        settings: Settings,
        network: Network,
        groups: SecurityGroups,
        restore: str = "",
        transport: Transport | None = None,
    ) -> None:
        wanted = settings.database
        if wanted.instance:
            self.resources = self._existing(settings, network, groups)
            return
        if transport is None:
            transport = Transport.REQUIRED if wanted.tls == "required" else Transport.OPTIONAL
        # Created before the group: a group without it belongs to an older stack.
        authority = () if transport is Transport.UNCHANGED else (Parameter(key=AUTHORITY, value=CA_ON_MACHINES),)
        group = SubnetGroup(key="database/subnets", subnets=network.private)
        parameters = ParameterGroup(
            key=PARAMETERS,
            family=f"mysql{wanted.engine_version}",
            settings={**MYSQL_SETTINGS, **transport.settings},
            advice=transport.advice,
            after=authority,
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
        self.resources = (
            group,
            *authority,
            parameters,
            password,
            self.mysql,
            *_connection(self.mysql, settings),
        )

    @staticmethod
    def _existing(settings: Settings, network: Network, groups: SecurityGroups) -> tuple[Resource, ...]:
        database = ExistingDatabase(
            key="database/existing",
            existing=settings.database.instance,
            vpc=network.vpc,
            clients=tuple(groups.services[name] for name in settings.database_users),
            subnets=network.public,
        )
        authority = Parameter(key=AUTHORITY, value=CA_ON_MACHINES)
        return (database, authority, *_connection(database, settings))


def _connection(database: Resource, settings: Settings) -> Iterator[Parameter]:
    """The parameters with the address of a database."""
    yield Parameter(key="database/DB_HOST", source=database, at=("Endpoint", "Address"))
    yield Parameter(key="database/DB_PORT", source=database, at=("Endpoint", "Port"))
    yield Parameter(key="database/DB_NAME", value=settings.database.name)
    yield Parameter(key="database/DB_USER", value=settings.database.username)
