"""The database, what it stands on and its password, changed by hand."""

from __future__ import annotations

from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, SETTLED, by_hand


@by_hand("database in other subnets", "database/subnets", "rds:CreateDBSubnetGroup.SubnetIds")
def _(aws: World, observed: dict[str, Observed]) -> None:
    names = ("private-a", "private-c", "public-a")
    aws.client("rds").modify_db_subnet_group(
        DBSubnetGroupName=observed["database/subnets"].id, SubnetIds=[observed[f"network/{name}"].id for name in names]
    )


def _mysql(words: str, name: str, value: str) -> None:
    @by_hand(words, "database/parameters", "rds:ModifyDBParameterGroup.Parameters")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("rds").modify_db_parameter_group(
            DBParameterGroupName=observed["database/parameters"].id,
            Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}],
        )


_mysql("MySQL setting", "slow_query_log", "0")
_mysql("queries are slow after 5 s", "long_query_time", "5")
_mysql("connections without TLS allowed", "require_secure_transport", "0")


def _database(field: str, value: Any) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("rds").modify_db_instance(
            DBInstanceIdentifier=observed["database/mysql"].id, ApplyImmediately=True, **{field: value}
        )

    by_hand(f"database {field}", "database/mysql", f"rds:CreateDBInstance.{field}")(hand)


for field, value in {
    "DBInstanceClass": "db.t3.medium",
    "MultiAZ": False,
    "MaxAllocatedStorage": 500,
    "StorageType": "gp2",
    "BackupRetentionPeriod": 1,
    "DeletionProtection": True,
    "PubliclyAccessible": True,
    "CopyTagsToSnapshot": False,
    "AutoMinorVersionUpgrade": False,
    "EngineLifecycleSupport": "open-source-rds-extended-support",
}.items():
    _database(field, value)


@by_hand("database without one of its logs", "database/mysql", "rds:CreateDBInstance.EnableCloudwatchLogsExports")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=observed["database/mysql"].id,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["general"], "DisableLogTypes": ["slowquery"]},
        ApplyImmediately=True,
    )


@by_hand("database open to another group", "database/mysql", "rds:CreateDBInstance.VpcSecurityGroupIds")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=observed["database/mysql"].id,
        VpcSecurityGroupIds=[observed["security/alb"].id],
        ApplyImmediately=True,
    )


@by_hand("database with other parameters", "database/mysql", "rds:CreateDBInstance.DBParameterGroupName")
def _(aws: World, observed: dict[str, Observed]) -> None:
    rds = aws.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="by-hand", DBParameterGroupFamily="mysql8.4", Description="by hand"
    )
    rds.modify_db_instance(
        DBInstanceIdentifier=observed["database/mysql"].id, DBParameterGroupName="by-hand", ApplyImmediately=True
    )


@by_hand(
    "password changed",
    "database/mysql",
    "ssm:PutParameter.Value",
    "rds:CreateDBInstance.MasterUserPassword",
)
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ssm").put_parameter(
        Name=observed["database/DB_PASSWORD"].id, Value="ByHand1234567890", Type="SecureString", Overwrite=True
    )


@by_hand("host of the database changed", "database/DB_HOST")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ssm").put_parameter(
        Name=observed["database/DB_HOST"].id, Value="db.example.com", Type="String", Overwrite=True
    )


SETTLED.update(
    {
        "rds:CreateDBInstance.AllocatedStorage": "AWS never shrinks it, and what has grown is kept",
        "rds:CreateDBInstance.DBName": EDGE,
        "rds:CreateDBInstance.Engine": EDGE,
        "rds:CreateDBInstance.EngineVersion": "AWS never goes back to an older version",
        "rds:CreateDBInstance.DBSubnetGroupName": "only within another VPC",
        "rds:CreateDBInstance.MasterUsername": EDGE,
        "rds:CreateDBInstance.StorageEncrypted": EDGE,
        "rds:CreateDBParameterGroup.DBParameterGroupFamily": EDGE,
        "rds:CreateDBParameterGroup.Description": EDGE,
        "rds:CreateDBSubnetGroup.DBSubnetGroupDescription": "words for people, with no effect",
        "ssm:PutParameter.Overwrite": "how the stack's own record is written",
        "ssm:PutParameter.Type": "AWS refuses to change it",
    }
)
