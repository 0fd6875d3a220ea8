"""RDS subnet groups and parameter groups, and what RDS says it offers."""

from __future__ import annotations

import copy
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.database.rules import VERSIONS, family_of
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

PARAMETERS = set(
    "binlog_cache_size binlog_format binlog_row_image character_set_client character_set_connection "
    "character_set_database character_set_filesystem character_set_results character_set_server collation_connection "
    "collation_server connect_timeout default_time_zone event_scheduler explicit_defaults_for_timestamp "
    "general_log group_concat_max_len innodb_buffer_pool_size innodb_flush_log_at_trx_commit innodb_io_capacity "
    "innodb_lock_wait_timeout innodb_print_all_deadlocks interactive_timeout local_infile "
    "log_bin_trust_function_creators log_output log_queries_not_using_indexes log_slow_extra long_query_time "
    "lower_case_table_names max_allowed_packet max_connect_errors max_connections max_execution_time "
    "min_examined_row_limit net_read_timeout net_write_timeout performance_schema read_only require_secure_transport "
    "slow_query_log sort_buffer_size sql_mode sync_binlog table_open_cache time_zone tls_version tmp_table_size "
    "transaction_isolation wait_timeout".split()
)
STATIC = {"lower_case_table_names", "performance_schema", "tls_version", "innodb_flush_method"}
PARAMETERS_A_CALL = 20


@before("rds:CreateDBSubnetGroup", "rds:ModifyDBSubnetGroup")
def subnet_group(world: World, call: ApiCall) -> Answer | None:
    rds, ec2 = world.moto("rds", call.region), world.moto("ec2", call.region)
    name, ids = call.parameters["DBSubnetGroupName"].lower(), call.parameters["SubnetIds"]
    present = rds.subnet_groups.get(name)
    if call.operation == "CreateDBSubnetGroup" and present is not None:
        raise AwsRefuses("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    if call.operation == "ModifyDBSubnetGroup" and present is None:
        raise AwsRefuses("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.", 404)
    known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    missing = [subnet_id for subnet_id in ids if subnet_id not in known]
    if missing:
        raise AwsRefuses("InvalidSubnet", f"Some input subnets in :[{', '.join(missing)}] are invalid.")
    subnets = [known[subnet_id] for subnet_id in ids]
    if len({subnet.vpc_id for subnet in subnets} | ({present.vpc_id} if present else set())) > 1:
        raise AwsRefuses("InvalidSubnet", "The specified subnets are not all in the same VPC.")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        message = (
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
            "Current AZ coverage: one. Add subnets to cover at least 2 AZs."
        )
        raise AwsRefuses("DBSubnetGroupDoesNotCoverEnoughAZs", message)
    if present is None:
        return None
    _still_used(rds, present, {subnet.id for subnet in subnets})
    present.subnets = subnets
    if call.parameters.get("DBSubnetGroupDescription"):
        present.description = call.parameters["DBSubnetGroupDescription"]
    return {"DBSubnetGroup": _shown(present)}


def _still_used(rds: Any, group: Any, wanted: set[str]) -> None:
    kept = {subnet.availability_zone for subnet in group._subnets if subnet.id in wanted}
    for database in rds.databases.values():
        its_own: Any = getattr(database, "db_subnet_group", None)
        if its_own is group and database.availability_zone not in kept:
            message = f"Some of the subnets to be deleted are currently in use: {its_own.name}"
            raise AwsRefuses("SubnetInUse", message)


def _shown(group: Any) -> dict[str, Any]:
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "VpcId": group.vpc_id,
        "SubnetGroupStatus": group.subnet_group_status,
        "Subnets": copy.deepcopy(group.subnets),
        "DBSubnetGroupArn": group.arn,
    }


@before("rds:DeleteDBSubnetGroup")
def subnet_group_in_use(world: World, call: ApiCall) -> None:
    name = call.parameters["DBSubnetGroupName"].lower()
    for database in world.moto("rds", call.region).databases.values():
        group = getattr(database, "db_subnet_group", None)
        if group is not None and group.name == name:
            message = (
                f"Cannot delete the subnet group '{name}' because at least one database instance: "
                f"{database.db_instance_identifier} is still using it."
            )
            raise AwsRefuses("InvalidDBSubnetGroupStateFault", message)


@before("rds:DeleteDBParameterGroup")
def parameter_group_in_use(world: World, call: ApiCall) -> None:
    name = call.parameters["DBParameterGroupName"].lower()
    if name.startswith("default."):
        raise AwsRefuses("InvalidDBParameterGroupState", "A default DB parameter group can't be deleted.")
    for database in world.moto("rds", call.region).databases.values():
        if (database.db_parameter_group_name or "").lower() == name:
            message = f"One or more database instances are still members of this parameter group {name}."
            raise AwsRefuses("InvalidDBParameterGroupState", message)


@before("rds:CreateDBParameterGroup")
def known_family(world: World, call: ApiCall) -> None:
    family = call.parameters["DBParameterGroupFamily"]
    if family.startswith("mysql") and family not in {family_of(version) for version in VERSIONS.values()}:
        raise AwsRefuses(
            "InvalidParameterValue", f"ParameterGroupFamily {family} is not a valid parameter group family"
        )


@before("rds:ModifyDBParameterGroup")
def known_parameters(world: World, call: ApiCall) -> None:
    parameters = call.parameters["Parameters"]
    if len(parameters) > PARAMETERS_A_CALL:
        message = f"The number of parameters exceeds the limit of {PARAMETERS_A_CALL} for one request."
        raise AwsRefuses("InvalidParameterValue", message)
    for one in parameters:
        if one["ParameterName"] not in PARAMETERS | STATIC:
            raise AwsRefuses("InvalidParameterValue", f"Could not find parameter with name: {one['ParameterName']}")
        if one["ParameterName"] in STATIC and one.get("ApplyMethod") == "immediate":
            message = "cannot use immediate apply method for static parameter"
            raise AwsRefuses("InvalidParameterCombination", message)


@after("rds:DescribeDBParameters")
def from_the_user(_: World, call: ApiCall, answer: Answer) -> None:
    """AWS (API_Parameter): a parameter says who set it. moto knows only those that a user has set."""
    for one in answer.get("Parameters", ()):
        one.setdefault("Source", "user")


@before("rds:DescribeDBEngineVersions")
def engine_versions(world: World, call: ApiCall) -> Answer:
    asked = call.parameters.get("EngineVersion") or ""
    rows = [
        {
            "Engine": "mysql",
            "MajorEngineVersion": major,
            "EngineVersion": full,
            "DBParameterGroupFamily": family_of(full),
            "DBEngineDescription": "MySQL Community Edition",
            "Status": "available",
            "ExportableLogTypes": ["audit", "error", "general", "slowquery"],
        }
        for major, full in VERSIONS.items()
        if call.parameters.get("Engine", "mysql") == "mysql" and f"{full}.".startswith(f"{asked}.".lstrip("."))
    ]
    return {"DBEngineVersions": rows}
