"""The database, its groups and the parameters of the services in Terraform. No password is written."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import Data, ExportScope, Managed, describes
from awsdeploy.export.hcl import Expression, Section
from awsdeploy.resources.compute.parameter import Parameter, Password
from awsdeploy.resources.database.existing_database import ExistingDatabase
from awsdeploy.resources.database.groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.database.instance import EXPORTS, Database

HOLDS_DATA = Section(prevent_destroy=True)
"""Terraform refuses every plan that would delete what holds data."""
MINOR_VERSION = [Expression("engine_version"), Expression("apply_immediately")]
"""AWS installs new minor versions by itself. The other argument is not a setting of the database."""
SNAPSHOT = """\
Terraform imports a database with skip_final_snapshot = true and refuses to delete it (prevent_destroy). To delete
it later: set skip_final_snapshot = false and final_snapshot_identifier, apply, then remove prevent_destroy.
AWS installs minor versions itself, so engine_version is ignored; remove it from ignore_changes to upgrade.
The password is not in these files: awsdeploy generated it, and it is in Parameter Store."""


@describes(SubnetGroup, "aws_db_subnet_group")
def subnet_group(scope: ExportScope, one: SubnetGroup, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        name=observed.id,
        description=observed.raw["DBSubnetGroupDescription"],
        subnet_ids=scope.refs(one.subnets),
        tags=scope.tags(one, observed.tags),
    )


@describes(ParameterGroup, "aws_db_parameter_group")
def parameter_group(scope: ExportScope, one: ParameterGroup, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        name=observed.id,
        family=one.family,
        description=observed.raw["Description"],
        tags=scope.tags(one, observed.tags),
        parameter=[Section(name=name, value=value) for name, value in sorted(one.settings.items())],
    )


@describes(Password, "aws_ssm_parameter")
def password(scope: ExportScope, one: Password, observed: Observed) -> Iterator[Data]:
    """A reference: the value stays encrypted, so it is not in Terraform's state either."""
    yield scope.data("aws_ssm_parameter", one, name=observed.id, with_decryption=False)


@describes(Parameter, "aws_ssm_parameter")
def parameter(scope: ExportScope, one: Parameter, observed: Observed) -> Iterator[Managed]:
    value: object = one.value
    if isinstance(one.source, Database | ExistingDatabase):
        value = getattr(scope.ref(one.source), {"Address": "address", "Port": "port"}[one.at[-1]])
    elif one.source is not None:
        value = scope.ref(one.source).id
    yield scope.main(one, name=observed.id, type="String", value=value, tags=scope.tags(one))


@describes(ExistingDatabase, "aws_db_instance")
def existing_database(scope: ExportScope, one: ExistingDatabase, observed: Observed) -> Iterator[Data]:
    yield scope.data("aws_db_instance", one, db_instance_identifier=observed.id)


@describes(Database, "aws_db_instance")
def database(scope: ExportScope, one: Database, observed: Observed) -> Iterator[Managed]:
    raw = observed.raw
    yield scope.main(
        one,
        identifier=observed.id,
        engine="mysql",
        engine_version=one.version,
        engine_lifecycle_support=raw.get("EngineLifecycleSupport"),
        instance_class=one.size,
        allocated_storage=raw["AllocatedStorage"],
        max_allocated_storage=one.max_storage,
        storage_type="gp3",
        storage_encrypted=True,
        multi_az=one.multi_az,
        availability_zone=None if one.multi_az else one.zone or observed.raw["AvailabilityZone"],
        db_subnet_group_name=scope.ref(one.group).name,
        parameter_group_name=scope.ref(one.parameters).name,
        vpc_security_group_ids=scope.refs(one.security),
        db_name=one.name,
        username=one.username,
        backup_retention_period=one.backup_days,
        copy_tags_to_snapshot=True,
        enabled_cloudwatch_logs_exports=list(EXPORTS),
        deletion_protection=one.protected,
        publicly_accessible=False,
        auto_minor_version_upgrade=True,
        skip_final_snapshot=True,
        tags=scope.tags(one, observed.tags),
        lifecycle=Section(HOLDS_DATA, ignore_changes=MINOR_VERSION),
        comment=SNAPSHOT,
    )
