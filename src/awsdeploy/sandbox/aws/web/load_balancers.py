"""Load balancers: minutes to come, interfaces in every subnet that outlive them, names, subnets and protection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.network import interfaces
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall, asked
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

ZONES = {"ap-northeast-2": "ZWKZPGTI48KDX", "us-east-1": "Z35SXDOTRQ7X7K"}
"""The Route 53 zone of a region's application load balancers."""

DEFAULTS = {
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "ipv6.deny_all_igw_traffic": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""Attributes that AWS always shows (API_LoadBalancerAttribute), with the values of a new load balancer."""

DESYNC_MODES = ("monitor", "defensive", "strictest")
NAME_LIMIT = 32
ARNS_OF_ONE_QUESTION = 20


@dataclass
class Balancers:
    """Time at which each became active, and the ones that are being deleted."""

    active_since: dict[str, float] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)


def describe_interfaces(balancer: Any) -> str:
    """Description of a load balancer's interfaces."""
    return f"ELB {balancer.arn.partition(':loadbalancer/')[2]}"


@before("elbv2:CreateLoadBalancer", "elbv2:CreateTargetGroup")
def names(_: World, call: ApiCall) -> None:
    name = str(call.parameters.get("Name", ""))
    usable = name.replace("-", "").isalnum() and name.isascii() and not (name.startswith("-") or name.endswith("-"))
    if not usable or len(name) > NAME_LIMIT:
        raise AwsRefuses(
            "ValidationError", f"The name '{name}' must be {NAME_LIMIT} letters, digits or hyphens at most"
        )
    if name.startswith("internal-") and call.operation == "CreateLoadBalancer":
        raise AwsRefuses("ValidationError", "The load balancer name cannot begin with 'internal-'")


@before("elbv2:CreateLoadBalancer")
def same_name(world: World, call: ApiCall) -> Answer | None:
    """The same settings give the one that exists, other settings a refusal."""
    wanted = call.parameters
    for balancer in world.moto("elbv2", call.region).load_balancers.values():
        if balancer.name != wanted["Name"]:
            continue
        subnets = {subnet.id for subnet in balancer.subnets}
        alike = (
            subnets == set(wanted.get("Subnets") or ())
            and set(balancer.security_groups or ()) == set(wanted.get("SecurityGroups") or ())
            and balancer.scheme == wanted.get("Scheme", "internet-facing")
        )
        if not alike or balancer.arn in world.of(Balancers).leaving:
            message = f"A load balancer with the same name '{balancer.name}' exists, but with different settings"
            raise AwsRefuses("DuplicateLoadBalancerName", message)
        return asked(call, "DescribeLoadBalancers", {"LoadBalancerArns": [balancer.arn]})
    return None


@before("elbv2:CreateLoadBalancer")
def placement(world: World, call: ApiCall) -> None:
    ec2, wanted = world.moto("ec2", call.region), call.parameters
    present = {one: subnet for zone in ec2.subnets.values() for one, subnet in zone.items()}
    for subnet_id in wanted.get("Subnets") or ():
        if subnet_id not in present:
            raise AwsRefuses("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
    subnets = [present[one] for one in wanted.get("Subnets") or ()]
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        message = "At least two subnets in two different Availability Zones must be specified"
        raise AwsRefuses("ValidationError", message)
    vpc_id = subnets[0].vpc_id
    _groups_of(ec2, vpc_id, wanted.get("SecurityGroups") or ())
    public = wanted.get("Scheme", "internet-facing") == "internet-facing"
    if public and not any(one.vpc and one.vpc.id == vpc_id for one in ec2.internet_gateways.values()):
        raise AwsRefuses("InvalidSubnet", f"VPC {vpc_id} has no internet gateway")


@before("elbv2:SetSecurityGroups")
def groups_of_its_network(world: World, call: ApiCall) -> None:
    balancer = world.moto("elbv2", call.region).load_balancers.get(call.parameters["LoadBalancerArn"])
    if balancer is not None:
        _groups_of(world.moto("ec2", call.region), balancer.vpc_id, call.parameters["SecurityGroups"])


def _groups_of(ec2: Any, vpc_id: str, group_ids: Iterable[str]) -> None:
    for group_id in group_ids:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise AwsRefuses("InvalidSecurityGroup", f"Security group '{group_id}' does not exist")
        if group.vpc_id != vpc_id:
            message = f"Security group '{group_id}' does not belong to VPC '{vpc_id}'"
            raise AwsRefuses("InvalidConfigurationRequest", message)


@after("elbv2:CreateLoadBalancer")
def create(world: World, call: ApiCall, answer: Answer) -> None:
    for shown in answer["LoadBalancers"]:
        balancer = world.moto("elbv2", call.region).load_balancers[shown["LoadBalancerArn"]]
        balancer.activate = _not_because_someone_looks
        balancer.canonical_hosted_zone_id = ZONES.get(call.region, balancer.canonical_hosted_zone_id)
        shown["CanonicalHostedZoneId"] = balancer.canonical_hosted_zone_id
        # AWS: facing the internet unless told otherwise; moto leaves it open.
        balancer.scheme = shown["Scheme"] = balancer.scheme or "internet-facing"
        balancer.attrs.setdefault("routing.http.desync_mitigation_mode", "defensive")
        _cover(world, call.region, balancer)
        world.agenda.after(durations.BALANCER_CREATED, partial(_active, world, balancer))


def _not_because_someone_looks() -> None:
    """moto makes a load balancer active on the first look."""


def _active(world: World, balancer: Any) -> None:
    balancer.state = "active"
    world.of(Balancers).active_since[balancer.arn] = world.now


def _cover(world: World, region: str, balancer: Any) -> None:
    """An interface in each of its subnets, none elsewhere."""
    text = describe_interfaces(balancer)
    present = {eni.subnet.id: eni.id for eni in interfaces.described(world, region, text)}
    wanted = {subnet.id for subnet in balancer.subnets}
    interfaces.remove(world, region, [eni for subnet, eni in present.items() if subnet not in wanted])
    public = balancer.scheme == "internet-facing"
    for subnet in wanted - present.keys():
        interfaces.make(world, region, subnet, balancer.security_groups or (), text, public=public)


@after("elbv2:SetSubnets")
def moved(world: World, call: ApiCall, _: Answer) -> None:
    _cover(world, call.region, world.moto("elbv2", call.region).load_balancers[call.parameters["LoadBalancerArn"]])


@after("elbv2:SetSecurityGroups")
def secured(world: World, call: ApiCall, _: Answer) -> None:
    ec2 = world.moto("ec2", call.region)
    balancer = world.moto("elbv2", call.region).load_balancers[call.parameters["LoadBalancerArn"]]
    groups = [ec2.get_security_group_from_id(one) for one in balancer.security_groups]
    for eni in interfaces.described(world, call.region, describe_interfaces(balancer)):
        eni._group_set = groups


@before("elbv2:DeleteLoadBalancer")
def delete(world: World, call: ApiCall) -> Answer:
    arn = call.parameters["LoadBalancerArn"]
    elb, leaving = world.moto("elbv2", call.region), world.of(Balancers).leaving
    balancer = elb.load_balancers.get(arn)
    if balancer is None or arn in leaving:
        return {}
    if balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise AwsRefuses("OperationNotPermitted", message)
    leaving.add(arn)
    balancer.listeners.clear()
    for group in elb.target_groups.values():
        group.load_balancer_arns = [one for one in group.load_balancer_arns if one != arn]
    world.agenda.after(durations.BALANCER_DELETED, partial(_gone, world, call.region, balancer))
    return {}


def _gone(world: World, region: str, balancer: Any) -> None:
    world.moto("elbv2", region).load_balancers.pop(balancer.arn, None)
    ids = [eni.id for eni in interfaces.described(world, region, describe_interfaces(balancer))]
    world.agenda.after(durations.BALANCER_INTERFACES_LINGER, partial(interfaces.remove, world, region, ids))


@before("elbv2:ModifyLoadBalancerAttributes")
def desync_mode(_: World, call: ApiCall) -> None:
    for one in call.parameters["Attributes"]:
        if one["Key"] == "routing.http.desync_mitigation_mode" and one.get("Value") not in DESYNC_MODES:
            message = f"Load balancer attribute value '{one.get('Value')}' is not valid for '{one['Key']}'"
            raise AwsRefuses("ValidationError", message)


@after("elbv2:DescribeLoadBalancerAttributes")
def all_attributes(_: World, __: ApiCall, answer: Answer) -> None:
    shown = {one["Key"] for one in answer["Attributes"]}
    answer["Attributes"] += [{"Key": key, "Value": value} for key, value in DEFAULTS.items() if key not in shown]


@before("elbv2:DescribeTags")
def twenty_at_most(_: World, call: ApiCall) -> None:
    if len(call.parameters.get("ResourceArns") or ()) > ARNS_OF_ONE_QUESTION:
        raise AwsRefuses("ValidationError", f"The number of resources cannot exceed '{ARNS_OF_ONE_QUESTION}'")
