"""Blockers of the deletion of network parts: whose they are, whether they go by themselves, and what to type.

AWS: DependencyViolation does not say which object it means. A network interface does, by its owner's name in its
description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import TAG_STACK, Aws, Blocker


def ours(aws: Aws, tags: Iterable[Mapping[str, str]] | None) -> bool:
    """True for the stack's tags: what carries them is being deleted as well."""
    return tags_to_dict(tags).get(TAG_STACK) == aws.stack.tag


def named(tags: Iterable[Mapping[str, str]] | None) -> str:
    """The name that an object has by its tag, in brackets."""
    name = tags_to_dict(tags).get("Name")
    return f" ({name})" if name else ""


def interfaces(aws: Aws, name: str, value: str, public: bool = False) -> Iterator[Blocker]:
    """The network interfaces for which EC2's filter `name` has this value; `public`: those with a public address."""
    filters = [{"Name": name, "Values": [value]}]
    for one in aws.ec2.pages("describe_network_interfaces", "NetworkInterfaces", Filters=filters):
        if not public or one.get("Association"):
            yield _interface(aws, one)


def _interface(aws: Aws, one: Mapping[str, Any]) -> Blocker:
    id, description, tags = str(one["NetworkInterfaceId"]), str(one.get("Description") or ""), one.get("TagSet", ())
    what = f"network interface {id}{named(tags)}"
    if description:
        what += f' "{description}"'
    for owner in OWNERS:
        if found := owner.pattern.search(description):
            words = {**found.groupdict(), "region": aws.region, "id": id}
            remedy = "" if owner.is_going(aws, found, one) else owner.remedy.format(**words)
            return Blocker(f"{what} of {owner.whose.format(**words)}", remedy)
    instance = str(one.get("Attachment", {}).get("InstanceId") or "")
    if ours(aws, tags) or (instance and all(not found.remedy for found in machine(aws, instance, ""))):
        return Blocker(f"{what} of this stack")
    if one.get("RequesterManaged"):
        return Blocker(f"{what}, which AWS manages for a service", "delete it in that service")
    if instance:
        remedy = f"aws ec2 terminate-instances --region {aws.region} --instance-ids {instance}"
        return Blocker(f"{what} of the EC2 instance {instance}", remedy)
    return Blocker(what, f"aws ec2 delete-network-interface --region {aws.region} --network-interface-id {id}")


@dataclass(frozen=True)
class Owner:
    """Owner of an interface, by its description. `is_going`: the owner, and so the interface, goes by itself."""

    pattern: re.Pattern[str]
    whose: str
    remedy: str
    is_going: Callable[[Aws, re.Match[str], Mapping[str, Any]], bool] = lambda *_: False


def balancer_is_ours(aws: Aws, name: str) -> bool:
    """True for the name of the stack's load balancer. It may be deleted already, while its interfaces still exist."""
    return aws.stack.has_called(name, "web/alb", 32)


def _our_balancer(aws: Aws, found: re.Match[str], _: Mapping[str, Any]) -> bool:
    return balancer_is_ours(aws, found["name"])


def _our_gateway(aws: Aws, found: re.Match[str], _: Mapping[str, Any]) -> bool:
    """AWS shows a deleted NAT gateway for about an hour."""
    with tolerate("NatGatewayNotFound"):
        shown = aws.ec2.describe_nat_gateways(NatGatewayIds=[found["name"]])["NatGateways"]
        return all(ours(aws, one.get("Tags")) or one["State"] in ("deleting", "deleted") for one in shown)
    return True


def _our_database(aws: Aws, _: re.Match[str], interface: Mapping[str, Any]) -> bool:
    return not list(_databases(aws, lambda one: one.get("DBSubnetGroup", {}).get("VpcId") == interface.get("VpcId")))


OWNERS = (
    Owner(
        re.compile(r"^ELB (app|net|gwy)/(?P<name>[^/]+)/"),
        "the load balancer {name}",
        "aws elbv2 delete-load-balancer --region {region} --load-balancer-arn $(aws elbv2 describe-load-balancers "
        "--region {region} --names {name} --query LoadBalancers[0].LoadBalancerArn --output text)",
        _our_balancer,
    ),
    Owner(
        re.compile(r"^ELB (?P<name>[^/ ]+)$"),
        "the Classic Load Balancer {name}",
        "aws elb delete-load-balancer --region {region} --load-balancer-name {name}",
    ),
    Owner(
        re.compile(r"NAT Gateway (?P<name>nat-\w+)"),
        "the NAT gateway {name}",
        "aws ec2 delete-nat-gateway --region {region} --nat-gateway-id {name}",
        _our_gateway,
    ),
    Owner(
        re.compile(r"^RDSNetworkInterface$"),
        "a database of RDS",
        "delete the other databases in this VPC (aws rds describe-db-instances --region {region})",
        _our_database,
    ),
    Owner(
        re.compile(r"VPC Endpoint Interface (?P<name>vpce-\w+)"),
        "the VPC endpoint {name}",
        "aws ec2 delete-vpc-endpoints --region {region} --vpc-endpoint-ids {name}",
    ),
    Owner(
        re.compile(r"EFS mount target for (?P<name>fs-\w+) \((?P<target>fsmt-\w+)\)"),
        "the EFS file system {name}",
        "aws efs delete-mount-target --region {region} --mount-target-id {target}",
    ),
    Owner(
        re.compile(r"^AWS Lambda VPC ENI-(?P<name>.+?)(-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"),
        "the Lambda function {name}",
        "delete the function or take it out of the VPC (aws lambda update-function-configuration --region {region} "
        "--function-name {name} --vpc-config SubnetIds=[],SecurityGroupIds=[]); AWS removes the interface within 45 "
        "minutes",
    ),
    Owner(re.compile(r"^arn:aws:ecs:"), "an ECS task", "stop the service that runs it (aws ecs list-clusters)"),
)


def references(aws: Aws, group: str) -> Iterator[Blocker]:
    """The rules of other security groups that name this one."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        filters = [{"Name": name, "Values": [group]}]
        for one in aws.ec2.pages("describe_security_groups", "SecurityGroups", Filters=filters):
            found[one["GroupId"]] = one
    for id, other in found.items():
        if id != group:
            yield from _rules(aws, other, group)


def _rules(aws: Aws, other: Mapping[str, Any], group: str) -> Iterator[Blocker]:
    id, filters = other["GroupId"], [{"Name": "group-id", "Values": [other["GroupId"]]}]
    for rule in aws.ec2.pages("describe_security_group_rules", "SecurityGroupRules", Filters=filters):
        if rule.get("ReferencedGroupInfo", {}).get("GroupId") == group:
            way = "egress" if rule["IsEgress"] else "ingress"
            what = f"rule {rule['SecurityGroupRuleId']} of the security group {id} ({other.get('GroupName', '')})"
            remedy = (
                f"aws ec2 revoke-security-group-{way} --region {aws.region} --group-id {id} "
                f"--security-group-rule-ids {rule['SecurityGroupRuleId']}"
            )
            yield Blocker(what, "" if ours(aws, other.get("Tags")) else remedy)


INSIDE = (
    ("describe_subnets", "Subnets", "SubnetId", "vpc-id", "subnet", "delete-subnet --subnet-id"),
    (
        "describe_security_groups",
        "SecurityGroups",
        "GroupId",
        "vpc-id",
        "security group",
        "delete-security-group --group-id",
    ),
    (
        "describe_route_tables",
        "RouteTables",
        "RouteTableId",
        "vpc-id",
        "route table",
        "delete-route-table --route-table-id",
    ),
    (
        *("describe_internet_gateways", "InternetGateways", "InternetGatewayId", "attachment.vpc-id"),
        *("internet gateway", "detach-internet-gateway --vpc-id {vpc} --internet-gateway-id"),
    ),
    (
        "describe_vpc_endpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        "vpc-id",
        "VPC endpoint",
        "delete-vpc-endpoints --vpc-endpoint-ids",
    ),
)
"""Things that can be left in a VPC: method, key of the answer, key of the id, filter, name, command that deletes it."""


def inside(aws: Aws, vpc: str) -> Iterator[Blocker]:
    """Things left in a VPC. AWS deletes its main route table and its default security group along with it."""
    yield from interfaces(aws, "vpc-id", vpc)
    for method, key, id, name, what, command in INSIDE:
        for one in aws.ec2.pages(method, key, Filters=[{"Name": name, "Values": [vpc]}]):
            main = any(association.get("Main") for association in one.get("Associations", ()))
            if main or one.get("GroupName") == "default" or one.get("State") in ("deleting", "deleted"):
                continue
            words = f" ({one['GroupName']})" if "GroupName" in one else named(one.get("Tags"))
            remedy = f"aws ec2 {command.format(vpc=vpc)} {one[id]} --region {aws.region}"
            yield Blocker(f"{what} {one[id]}{words}", "" if ours(aws, one.get("Tags")) else remedy)


def address(aws: Aws, allocation: str) -> Iterator[Blocker]:
    """The interface that a public address is attached to."""
    with tolerate("InvalidAllocationID.NotFound"):
        for one in aws.ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]:
            if "NetworkInterfaceId" in one:
                yield from interfaces(aws, "network-interface-id", one["NetworkInterfaceId"])


def machine(aws: Aws, id: str, command: str) -> Iterator[Blocker]:
    """The EC2 instance that something is attached to; `command` of `aws ec2` takes it off."""
    with tolerate("InvalidInstanceID.NotFound"):
        for reservation in aws.ec2.describe_instances(InstanceIds=[id])["Reservations"]:
            for one in reservation["Instances"]:
                remedy = "" if ours(aws, one.get("Tags")) else f"aws ec2 {command} --region {aws.region}"
                yield Blocker(f"EC2 instance {id}{named(one.get('Tags'))}, to which it is attached", remedy)


def databases(aws: Aws, uses: Callable[[Mapping[str, Any]], bool]) -> Iterator[Blocker]:
    """The databases of which this is true, which hold what they use."""
    for one in aws.rds.pages("describe_db_instances", "DBInstances"):
        if uses(one):
            id, status = one["DBInstanceIdentifier"], one["DBInstanceStatus"]
            remedy = f"aws rds delete-db-instance --region {aws.region} --db-instance-identifier {id}"
            going = ours(aws, one.get("TagList")) or status == "deleting"
            yield Blocker(f"database {id} ({status})", "" if going else remedy)


def _databases(aws: Aws, uses: Callable[[Mapping[str, Any]], bool]) -> Iterator[Blocker]:
    return (one for one in databases(aws, uses) if one.remedy)


def balancers(aws: Aws, arns: Iterable[str]) -> Iterator[Blocker]:
    """Load balancers, or whatever else AWS names by its ARN as a user."""
    for arn in arns:
        path = arn.partition(":loadbalancer/app/")[2]
        mine = balancer_is_ours(aws, path.partition("/")[0])
        remedy = f"aws elbv2 delete-load-balancer --region {aws.region} --load-balancer-arn {arn}"
        other = remedy if ":loadbalancer/" in arn else "remove it there"
        yield Blocker(arn, "" if mine else other)
