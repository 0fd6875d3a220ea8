"""Rules of RDS for a MySQL instance."""

from __future__ import annotations

import re
from typing import Any

from awsdeploy.sandbox.aws.monitoring import logs
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

# The newest minor version of each major one, and its parameter family.
VERSIONS = {"8.0": "8.0.43", "8.4": "8.4.6"}
CLASSES = {
    f"db.{family}.{size}"
    for family, sizes in {
        "t3": "micro small medium large xlarge 2xlarge",
        "t4g": "micro small medium large xlarge 2xlarge",
        "m5": "large xlarge 2xlarge 4xlarge",
        "m6g": "large xlarge 2xlarge 4xlarge",
        "m6i": "large xlarge 2xlarge 4xlarge",
        "r5": "large xlarge 2xlarge 4xlarge",
        "r6g": "large xlarge 2xlarge 4xlarge",
    }.items()
    for size in sizes.split()
}
# AWS: MySQL 8.0 left standard support on 2026-07-31; without Extended Support none is made any more.
PAST_SUPPORT = {"8.0"}
EXTENDED = "open-source-rds-extended-support"
NAME = re.compile(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{0,62}(?<!-)")
PASSWORD = re.compile(r"[!-~]*")


def full_version(asked: str | None) -> str:
    """AWS reports 8.0.43 where 8.0 was asked for."""
    if asked is None:
        return VERSIONS["8.4"]
    return VERSIONS.get(asked, asked)


def family_of(version: str) -> str:
    return "mysql" + ".".join(version.split(".")[:2])


def zones_of(group: Any) -> list[str]:
    return sorted({subnet.availability_zone for subnet in group._subnets})


def creation(world: World, call: ApiCall) -> None:
    """Raises `AwsRefuses` as CreateDBInstance does."""
    wanted = call.parameters
    name = wanted["DBInstanceIdentifier"]
    if not NAME.fullmatch(name):
        message = (
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; must "
            "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens."
        )
        raise AwsRefuses("InvalidParameterValue", message)
    if wanted.get("Engine") != "mysql":
        return
    version = _version(wanted.get("EngineVersion"))
    _support(wanted, version)
    _class(wanted["DBInstanceClass"], version)
    _password(wanted)
    logs.exports_there_are(wanted)
    _storage(wanted, int(wanted.get("AllocatedStorage") or 0))
    _retention(wanted)
    _username(str(wanted.get("MasterUsername") or ""))
    if not re.fullmatch(r"([a-zA-Z][a-zA-Z0-9_]{0,63})?", wanted.get("DBName") or ""):
        raise AwsRefuses("InvalidParameterValue", "DBName must begin with a letter and contain only alphanumerics.")
    if wanted.get("MultiAZ") and wanted.get("AvailabilityZone"):
        message = "Requesting a specific availability zone is not valid for Multi-AZ instances."
        raise AwsRefuses("InvalidParameterCombination", message)
    _family(world, call, wanted.get("DBParameterGroupName"), version)
    _network(world, call, wanted.get("DBSubnetGroupName"))


def modification(world: World, call: ApiCall, database: Any) -> None:
    """Raises `AwsRefuses` as ModifyDBInstance does."""
    wanted = call.parameters
    logs.exports_there_are(wanted)
    version = database.engine_version
    if "EngineVersion" in wanted:
        version = _version(wanted["EngineVersion"])
        major = family_of(version) != family_of(database.engine_version)
        if major and not wanted.get("AllowMajorVersionUpgrade"):
            message = "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
            raise AwsRefuses("InvalidParameterCombination", message)
    _support(wanted, version)
    if "DBInstanceClass" in wanted:
        _class(wanted["DBInstanceClass"], version)
    if "MasterUserPassword" in wanted:
        _password(wanted)
    if int(wanted.get("AllocatedStorage") or database.allocated_storage) < int(database.allocated_storage):
        raise AwsRefuses("InvalidParameterCombination", "Allocated storage size can't be decreased.")
    if "AllocatedStorage" in wanted or "MaxAllocatedStorage" in wanted:
        _storage(wanted, int(wanted.get("AllocatedStorage") or database.allocated_storage))
    group = wanted.get("DBParameterGroupName") or database.db_parameter_group_name
    _family(world, call, group, version)
    _retention(wanted)
    its_own = getattr(database, "db_subnet_group", None)
    _network(world, call, its_own.name if its_own else None)


def deletion(call: ApiCall, database: Any) -> None:
    """Raises `AwsRefuses` as DeleteDBInstance does."""
    wanted = call.parameters
    if database.deletion_protection:
        message = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise AwsRefuses("InvalidParameterCombination", message)
    skip, last = bool(wanted.get("SkipFinalSnapshot")), wanted.get("FinalDBSnapshotIdentifier")
    if not skip and not last:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise AwsRefuses("InvalidParameterCombination", message)
    if skip and last:
        message = "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot."
        raise AwsRefuses("InvalidParameterCombination", message)
    if last and not re.fullmatch(r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]{0,254}(?<!-)", last):
        raise AwsRefuses("InvalidParameterValue", "The parameter FinalDBSnapshotIdentifier is not a valid identifier.")


def _version(asked: str | None) -> str:
    full = full_version(asked)
    major = ".".join(full.split(".")[:2])
    if major not in VERSIONS or not re.fullmatch(r"\d+\.\d+\.\d+", full):
        raise AwsRefuses("InvalidParameterCombination", f"Cannot find version {asked} for mysql")
    return full


def _support(wanted: dict[str, Any], version: str) -> None:
    support = wanted.get("EngineLifecycleSupport", EXTENDED)
    if support not in {EXTENDED, f"{EXTENDED}-disabled"}:
        raise AwsRefuses("InvalidParameterValue", f"Invalid EngineLifecycleSupport: {support}")
    if support != EXTENDED and ".".join(version.split(".")[:2]) in PAST_SUPPORT:
        message = (
            f"The engine version {version} of mysql is past its end of standard support. "
            f"To use it, set EngineLifecycleSupport to {EXTENDED}."
        )
        raise AwsRefuses("InvalidParameterCombination", message)


def _class(size: str, version: str) -> None:
    if size not in CLASSES:
        if re.fullmatch(r"db\.[a-z0-9]+\.[a-z0-9]+", size):
            message = (
                "RDS does not support creating a DB instance with the following combination: "
                f"DBInstanceClass={size}, Engine=mysql, EngineVersion={version}, LicenseModel=general-public-license. "
                "For supported combinations of instance class and database engine version, see the documentation."
            )
            raise AwsRefuses("InvalidParameterCombination", message)
        raise AwsRefuses("InvalidParameterValue", f"Invalid DB Instance class: {size}")


def _password(wanted: dict[str, Any]) -> None:
    password = wanted.get("MasterUserPassword")
    if wanted.get("ManageMasterUserPassword"):
        if password is not None:
            message = "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled."
            raise AwsRefuses("InvalidParameterCombination", message)
        return
    label = "The parameter MasterUserPassword is not a valid password"
    if password is None:
        raise AwsRefuses("InvalidParameterValue", "The parameter MasterUserPassword must be provided.")
    if len(password) < 8:
        raise AwsRefuses("InvalidParameterValue", f"{label} because it is shorter than 8 characters.")
    if len(password) > 41:
        raise AwsRefuses("InvalidParameterValue", f"{label} because it is longer than 41 characters.")
    if not PASSWORD.fullmatch(password) or set(password) & set('/@"'):
        message = f"{label}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        raise AwsRefuses("InvalidParameterValue", message)


def _username(name: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,15}", name):
        message = "The parameter MasterUsername must begin with a letter and have at most 16 alphanumeric characters."
        raise AwsRefuses("InvalidParameterValue", message)
    if name.lower() == "rdsadmin":
        message = f"MasterUsername {name} cannot be used as it is a reserved word used by the engine"
        raise AwsRefuses("InvalidParameterValue", message)


def _storage(wanted: dict[str, Any], allocated: int) -> None:
    if not 20 <= allocated <= 65536:
        message = f"Invalid storage size for engine name mysql and storage type gp3: {allocated}"
        raise AwsRefuses("InvalidParameterValue", message)
    limit = wanted.get("MaxAllocatedStorage")
    if limit is not None and int(limit) * 10 < allocated * 11:
        raise AwsRefuses("InvalidParameterCombination", "Max storage size must be greater than storage size")
    if allocated < 400 and (wanted.get("Iops") or wanted.get("StorageThroughput")):
        message = "You can't specify IOPS or storage throughput for engine mysql and a storage size less than 400."
        raise AwsRefuses("InvalidParameterCombination", message)


def _retention(wanted: dict[str, Any]) -> None:
    if not 0 <= int(wanted.get("BackupRetentionPeriod") or 0) <= 35:
        raise AwsRefuses("InvalidParameterValue", "Invalid backup retention period: it must be between 0 and 35.")


def _family(world: World, call: ApiCall, name: str | None, version: str) -> None:
    if name is None or name.startswith("default."):
        return
    group = world.moto("rds", call.region).db_parameter_groups.get(name.lower())
    if group is None:
        raise AwsRefuses("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
    if group.family != family_of(version):
        message = (
            f"The parameter group {name} with DBParameterGroupFamily {group.family} can't be used for this instance. "
            f"Please use a parameter group with DBParameterGroupFamily {family_of(version)}."
        )
        raise AwsRefuses("InvalidParameterCombination", message)


def _network(world: World, call: ApiCall, subnet_group: str | None) -> None:
    ec2 = world.moto("ec2", call.region)
    vpc = ""
    if subnet_group:
        group = world.moto("rds", call.region).subnet_groups.get(subnet_group.lower())
        if group is None:
            message = f"DB subnet group '{subnet_group}' does not exist."
            raise AwsRefuses("DBSubnetGroupNotFoundFault", message, 404)
        vpc = group.vpc_id
        zone = call.parameters.get("AvailabilityZone")
        if zone and zone not in zones_of(group):
            message = f"DB Subnet Group doesn't cover the availability zone {zone}."
            raise AwsRefuses("InvalidVPCNetworkStateFault", message)
    for group_id in call.parameters.get("VpcSecurityGroupIds") or ():
        security = ec2.get_security_group_from_id(group_id)
        if security is None:
            raise AwsRefuses("InvalidParameterValue", f"Invalid security group , groupId= {group_id}, groupName=.")
        if vpc and security.vpc_id != vpc:
            message = (
                "The DB instance and EC2 security group are in different VPCs. "
                f"The DB instance is in {vpc} and the EC2 security group is in {security.vpc_id}"
            )
            raise AwsRefuses("InvalidParameterCombination", message)
