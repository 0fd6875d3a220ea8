"""Permissions for the database."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.database import beside


def rds(scope: Scope) -> Iterator[Statement]:
    """RDS, by names. A stack can be restored from a snapshot of any name."""
    looks = """\
    DescribeDBInstanceAutomatedBackups DescribeDBInstances DescribeDBParameterGroups DescribeDBParameters
    DescribeDBSnapshots DescribeDBSubnetGroups ListTagsForResource
    """
    yield allow("DatabaseOffers", ["rds:DescribeOrderableDBInstanceOptions"], ["*"])
    yield allow("DatabaseLook", actions("rds", looks), [scope.arn("rds", "*")])
    changes = """\
    AddTagsToResource CreateDBInstance CreateDBParameterGroup CreateDBSnapshot CreateDBSubnetGroup DeleteDBInstance
    DeleteDBParameterGroup DeleteDBSnapshot DeleteDBSubnetGroup ModifyDBInstance ModifyDBParameterGroup
    ModifyDBSubnetGroup RemoveTagsFromResource RestoreDBInstanceFromDBSnapshot RestoreDBInstanceToPointInTime
    StartDBInstance StopDBInstance
    """
    database, others = scope.named("mysql"), [scope.named(role) for role in beside.ROLES]
    names = {"pg": [scope.named("parameters")], "subgrp": [scope.named("subnets")], "db": [database, *others]}
    # The name ends with a time of 14 digits.
    names["snapshot"] = [f"{database}-manual-{'?' * 14}", *(f"{one}-final-{'?' * 14}" for one in (database, *others))]
    own = [scope.arn("rds", f"{kind}:{name}") for kind, found in names.items() for name in found]
    yield allow("Database", actions("rds", changes), [*own, scope.arn("rds", "og:default:*")])
    yield allow(
        "DatabaseRestore", ["rds:RestoreDBInstanceFromDBSnapshot"], [scope.arn("rds", "snapshot:*")], scope.not_others
    )
