"""Security groups: nothing that is referenced or in use can be deleted, nothing of another network referenced."""

from __future__ import annotations

import ipaddress
from typing import Any

from awsdeploy.sandbox.aws import before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@before("ec2:CreateSecurityGroup")
def names(world: World, call: ApiCall) -> None:
    name, description = call.parameters.get("GroupName", ""), call.parameters.get("Description", "")
    if name.lower().startswith("sg-"):
        message = f"invalid value for parameter groupName: {name}. Group names may not be in the format sg-*."
        raise AwsRefuses("InvalidParameterValue", message)
    for label, value in (("groupName", name), ("GroupDescription", description)):
        if len(value) > 255 or not value.isascii():
            raise AwsRefuses("InvalidParameterValue", f"Value ({value}) for parameter {label} is invalid.")
    groups = world.moto("ec2", call.region).groups.get(call.parameters.get("VpcId"), {})
    if any(group.name.lower() == name.lower() for group in groups.values()):
        message = f"The security group '{name}' already exists for VPC '{call.parameters.get('VpcId')}'"
        raise AwsRefuses("InvalidGroup.Duplicate", message)


@before("ec2:DeleteSecurityGroup")
def in_use(world: World, call: ApiCall) -> None:
    ec2 = world.moto("ec2", call.region)
    group = ec2.get_security_group_by_name_or_id(call.parameters.get("GroupId") or call.parameters.get("GroupName"))
    if group is None:
        return
    if group.is_default:
        message = f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
        raise AwsRefuses("CannotDelete", message)
    held = any(group.id in {one.id for one in eni.group_set} for eni in ec2.enis.values())
    if held or any(group.id in referenced(other) for other in _all(ec2) if other.id != group.id):
        raise AwsRefuses("DependencyViolation", f"resource {group.id} has a dependent object")


@before("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")
def same_network(world: World, call: ApiCall) -> None:
    ec2 = world.moto("ec2", call.region)
    group = ec2.get_security_group_from_id(call.parameters.get("GroupId"))
    if group is None:
        return
    for permission in call.parameters.get("IpPermissions") or ():
        for pair in permission.get("UserIdGroupPairs") or ():
            other = ec2.get_security_group_from_id(pair.get("GroupId"))
            if other is None:
                message = f"The security group '{pair.get('GroupId')}' does not exist"
                raise AwsRefuses("InvalidGroup.NotFound", message)
            if other.vpc_id != group.vpc_id:
                message = "You have specified two resources that belong to different networks."
                raise AwsRefuses("InvalidGroup.NotFound", message)


def referenced(group: Any) -> set[str]:
    """The ids of the groups that this group's rules name."""
    rules = [*group.ingress_rules, *group.egress_rules]
    return {rule.source_group["GroupId"] for rule in rules if rule.source_group}


def admits(ec2: Any, group_ids: set[str], port: int, source: Any) -> bool:
    """Do the rules of any of these groups let the source interface reach a TCP port?"""
    source_groups = {one.id for one in source.group_set}
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is not None and any(_lets(rule, port, source, source_groups) for rule in group.ingress_rules):
            return True
    return False


def lets_out(ec2: Any, source: Any, port: int, target_groups: set[str]) -> bool:
    """Do the source interface's groups let it send to a TCP port of a machine in these groups?"""
    for group in source.group_set:
        for rule in group.egress_rules:
            if _covers(rule, port) and (rule.ip_range or (rule.source_group or {}).get("GroupId") in target_groups):
                return True
    return False


def _lets(rule: Any, port: int, source: Any, source_groups: set[str]) -> bool:
    if not _covers(rule, port):
        return False
    if rule.source_group and rule.source_group.get("GroupId") in source_groups:
        return True
    cidr = (rule.ip_range or {}).get("CidrIp")
    if cidr is None:
        return False
    return ipaddress.ip_address(source.private_ip_address) in ipaddress.ip_network(cidr, strict=False)


def _covers(rule: Any, port: int) -> bool:
    if str(rule.ip_protocol) == "-1":
        return True
    ports = range(int(rule.from_port), int(rule.to_port) + 1)
    return str(rule.ip_protocol) in {"tcp", "6"} and port in ports


def _all(ec2: Any) -> list[Any]:
    return [group for groups in ec2.groups.values() for group in groups.values()]
