"""VPC, subnets, internet gateways and routes: what AWS does not let go of, and what it does not accept."""

from __future__ import annotations

from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before, limits
from awsdeploy.sandbox.aws.network import interfaces
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@before("ec2:CreateVpc")
def vpc_quota(world: World, call: ApiCall) -> None:
    """AWS: five VPCs a region unless the account's quota is another, the default one included."""
    if len(world.moto("ec2", call.region).vpcs) >= limits.quota(world, limits.VPCS):
        raise AwsRefuses("VpcLimitExceeded", "The maximum number of VPCs has been reached.")


@before("ec2:DeleteVpc")
def vpc_empty(world: World, call: ApiCall) -> None:
    ec2, vpc_id = world.moto("ec2", call.region), call.parameters["VpcId"]
    if vpc_id not in ec2.vpcs:
        return
    left = [
        any(subnet.vpc_id == vpc_id for zone in ec2.subnets.values() for subnet in zone.values()),
        any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in ec2.internet_gateways.values()),
        any(not group.is_default for group in ec2.groups[vpc_id].values()),
        any(table.vpc_id == vpc_id and table.main_association_id is None for table in ec2.route_tables.values()),
        any(one.vpc_id == vpc_id and one.state != "deleted" for one in ec2.vpc_end_points.values()),
        any(interfaces.in_vpc(world, call.region, vpc_id)),
        any(one.vpc_id == vpc_id and one.state in LIVE_NAT for one in ec2.nat_gateways.values()),
    ]
    if any(left):
        raise AwsRefuses("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


LIVE_NAT = {"pending", "available", "deleting"}


@before("ec2:DeleteSubnet")
def subnet_empty(world: World, call: ApiCall) -> None:
    subnet_id = call.parameters["SubnetId"]
    if interfaces.in_subnet(world, call.region, subnet_id):
        raise AwsRefuses("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")


@after("ec2:DeleteSubnet")
def subnet_leaves_its_route_table(world: World, call: ApiCall, _: Answer) -> None:
    for table in world.moto("ec2", call.region).route_tables.values():
        for association, subnet_id in list(table._associations.items()):
            if subnet_id == call.parameters["SubnetId"]:
                del table._associations[association]


@before("ec2:AttachInternetGateway")
def one_gateway_a_vpc(world: World, call: ApiCall) -> None:
    wanted = call.parameters
    for gateway in world.moto("ec2", call.region).internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == wanted["VpcId"] and gateway.id != wanted["InternetGatewayId"]:
            message = f"Network {wanted['VpcId']} already has an internet gateway attached"
            raise AwsRefuses("InvalidParameterValue", message)


@before("ec2:DetachInternetGateway")
def no_mapped_addresses(world: World, call: ApiCall) -> None:
    vpc_id = call.parameters["VpcId"]
    gateway = world.moto("ec2", call.region).internet_gateways.get(call.parameters["InternetGatewayId"])
    if gateway is None or gateway.vpc is None or gateway.vpc.id != vpc_id:
        return
    if any(eni.public_ip for eni in interfaces.in_vpc(world, call.region, vpc_id)):
        message = (
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )
        raise AwsRefuses("DependencyViolation", message)


@before("ec2:DeleteNetworkInterface")
def interface_in_use(world: World, call: ApiCall) -> None:
    eni = world.moto("ec2", call.region).enis.get(call.parameters["NetworkInterfaceId"])
    if eni is not None and (eni.instance or eni.requester_managed):
        message = f"Network interface '{eni.id}' is currently in use."
        raise AwsRefuses("InvalidParameterValue", message)


@before("ec2:AssociateRouteTable")
def one_table_a_subnet(world: World, call: ApiCall) -> None:
    wanted = call.parameters
    for table in world.moto("ec2", call.region).route_tables.values():
        if table.id != wanted["RouteTableId"] and wanted.get("SubnetId") in table._associations.values():
            message = f"the association of {wanted['RouteTableId']} conflicts with an existing association"
            raise AwsRefuses("Resource.AlreadyAssociated", message)


@before("ec2:CreateRoute", "ec2:ReplaceRoute")
def route_leads_somewhere(world: World, call: ApiCall) -> None:
    ec2, wanted = world.moto("ec2", call.region), call.parameters
    table = ec2.route_tables.get(wanted["RouteTableId"])
    if table is None:
        return
    if nat_id := wanted.get("NatGatewayId"):
        nat = ec2.nat_gateways.get(nat_id)
        if nat is None or nat.state not in {"pending", "available"}:
            raise AwsRefuses("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_id}' does not exist")
    gateway_id = str(wanted.get("GatewayId") or "")
    gateway = ec2.internet_gateways.get(gateway_id)
    if gateway is not None and (gateway.vpc is None or gateway.vpc.id != table.vpc_id):
        message = f"route table {table.id} and network gateway {gateway_id} belong to different networks"
        raise AwsRefuses("InvalidParameterValue", message)


@after("ec2:DescribeRouteTables")
def black_holes(world: World, call: ApiCall, answer: Answer) -> None:
    """A route whose target is gone stays, and leads nowhere."""
    ec2 = world.moto("ec2", call.region)
    for table in answer.get("RouteTables", ()):
        for route in table.get("Routes", ()):
            if _gone(ec2, route, table["VpcId"]):
                route["State"] = "blackhole"


def _gone(ec2: Any, route: dict[str, str], vpc_id: str) -> bool:
    if nat_id := route.get("NatGatewayId"):
        nat = ec2.nat_gateways.get(nat_id)
        return nat is None or nat.state not in {"pending", "available"}
    gateway_id = route.get("GatewayId", "")
    if gateway_id.startswith("igw-"):
        gateway = ec2.internet_gateways.get(gateway_id)
        return gateway is None or gateway.vpc is None or gateway.vpc.id != vpc_id
    return False
