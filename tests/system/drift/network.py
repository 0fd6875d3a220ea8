"""The VPC, its subnets, routes and security groups, changed by hand."""

from __future__ import annotations

from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, NAME, SETTLED, by_hand


@by_hand("DNS support", "network/vpc")
def _(aws: World, observed: dict[str, Observed]) -> None:
    ec2 = aws.client("ec2")
    # AWS: host names need DNS support, so they go first.
    ec2.modify_vpc_attribute(VpcId=observed["network/vpc"].id, EnableDnsHostnames={"Value": False})
    ec2.modify_vpc_attribute(VpcId=observed["network/vpc"].id, EnableDnsSupport={"Value": False})


@by_hand("DNS host names", "network/vpc", "ec2:ModifyVpcAttribute.EnableDnsHostnames")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").modify_vpc_attribute(VpcId=observed["network/vpc"].id, EnableDnsHostnames={"Value": False})


@by_hand("public addresses", "network/public-a", "ec2:ModifySubnetAttribute.MapPublicIpOnLaunch")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").modify_subnet_attribute(
        SubnetId=observed["network/public-a"].id, MapPublicIpOnLaunch={"Value": False}
    )


@by_hand(
    "private default route deleted",
    "network/private-routes",
    "ec2:CreateRoute.DestinationCidrBlock",
    "ec2:CreateRoute.NatGatewayId",
)
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").delete_route(RouteTableId=observed["network/private-routes"].id, DestinationCidrBlock="0.0.0.0/0")


@by_hand("public default route bent", "network/public-routes", "ec2:CreateRoute.GatewayId")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").replace_route(
        RouteTableId=observed["network/public-routes"].id,
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=observed["network/nat"].id,
    )


@by_hand("subnet out of its route table", "network/private-routes", "ec2:AssociateRouteTable.SubnetId")
def _(aws: World, observed: dict[str, Observed]) -> None:
    for one in observed["network/private-routes"].raw["Associations"]:
        if one.get("SubnetId") == observed["network/private-a"].id:
            aws.client("ec2").disassociate_route_table(AssociationId=one["RouteTableAssociationId"])


def _web(source: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": source}]}]


@by_hand("rule taken", "security/alb", "ec2:AuthorizeSecurityGroupIngress.IpPermissions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").revoke_security_group_ingress(
        GroupId=observed["security/alb"].id, IpPermissions=_web("0.0.0.0/0")
    )


@by_hand("rule added", "security/rds")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").authorize_security_group_ingress(
        GroupId=observed["security/rds"].id, IpPermissions=_web("0.0.0.0/0")
    )


@by_hand("way out opened", "security/rds", "ec2:RevokeSecurityGroupEgress.IpPermissions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").authorize_security_group_egress(
        GroupId=observed["security/rds"].id,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )


SETTLED.update(
    {
        "ec2:AllocateAddress.Domain": "VPC is the only one left",
        "ec2:AttachInternetGateway.InternetGatewayId": NAME,
        "ec2:AttachInternetGateway.VpcId": "AWS refuses to detach it while public addresses are mapped",
        "ec2:CreateNatGateway.AllocationId": EDGE,
        "ec2:CreateNatGateway.ConnectivityType": EDGE,
        "ec2:CreateNatGateway.SubnetId": EDGE,
        "ec2:CreateRouteTable.VpcId": EDGE,
        "ec2:CreateSecurityGroup.Description": EDGE,
        "ec2:CreateSecurityGroup.VpcId": EDGE,
        "ec2:CreateSubnet.AvailabilityZone": EDGE,
        "ec2:CreateSubnet.CidrBlock": EDGE,
        "ec2:CreateSubnet.VpcId": EDGE,
        "ec2:CreateVpc.CidrBlock": EDGE,
    }
)
