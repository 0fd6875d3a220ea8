"""The VPC, its subnets, and the ways in and out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from awsdeploy.aws import tolerate
from awsdeploy.resource import Again, Aws, Blocker, Change, Live, Parting, Passing, Resource, Wait
from awsdeploy.resources import blockers, tag_calls

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, eq=False, kw_only=True)
class Vpc(Resource):
    """A private network, with DNS names inside it."""

    cidr: str

    tagging = tag_calls.EC2
    title = "VPC"
    replaces = {"cidr"}
    wait = Wait(pending={"pending"}, leaving={"deleting"}, usual=2)
    passing = (
        Passing("ModifyVpcAttribute", "InvalidVpcID.NotFound", seconds=120),
        Passing("DescribeVpcAttribute", "InvalidVpcID.NotFound", seconds=120),
    )
    blocked = {"DependencyViolation"}
    arns = (":vpc/",)

    # One attribute a call, DNS support before host names (AWS: EC2 API, ModifyVpcAttribute).
    SWITCHES = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for vpc in aws.ec2.pages("describe_vpcs", "Vpcs", Filters=aws.filters):
            yield from aws.found(cls, vpc["VpcId"], vpc.get("Tags"), vpc, vpc["State"])

    def create(self, aws: Aws) -> str:
        made = aws.ec2.create_vpc(CidrBlock=self.cidr, TagSpecifications=aws.tag_spec(self, "vpc"))
        return str(made["Vpc"]["VpcId"])

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        for name, attribute in self.SWITCHES.items():
            answer = aws.ec2.describe_vpc_attribute(VpcId=live.id, Attribute=attribute)
            if not answer[name]["Value"]:

                def switch_on(name: str = name) -> None:
                    aws.ec2.modify_vpc_attribute(VpcId=live.id, **{name: {"Value": True}})

                yield Change(name, False, True, switch_on)

    @classmethod
    def blockers(cls, aws: Aws, live: Live) -> Iterator[Blocker]:
        return blockers.inside(aws, live.id)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("InvalidVpcID.NotFound"):
            aws.ec2.delete_vpc(VpcId=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class Subnet(Resource):
    """A range of addresses in one zone of the VPC. Public ones give their machines a public address."""

    vpc: Vpc
    cidr: str
    zone: str
    public: bool

    tagging = tag_calls.EC2
    replaces = {"vpc", "cidr", "zone"}
    wait = Wait(pending={"pending", "unavailable"}, failed={"failed", "failed-insufficient-capacity"}, usual=2)
    passing = (
        Passing("CreateSubnet", "InvalidVpcID.NotFound", seconds=120),
        Passing("ModifySubnetAttribute", "InvalidSubnetID.NotFound", seconds=300),
    )
    blocked = {"DependencyViolation"}
    arns = (":subnet/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for subnet in aws.ec2.pages("describe_subnets", "Subnets", Filters=aws.filters):
            yield from aws.found(cls, subnet["SubnetId"], subnet.get("Tags"), subnet, subnet["State"])

    def create(self, aws: Aws) -> str:
        made = aws.ec2.create_subnet(
            VpcId=aws[self.vpc].id,
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=aws.tag_spec(self, "subnet"),
        )
        return str(made["Subnet"]["SubnetId"])

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        old = bool(live.raw.get("MapPublicIpOnLaunch"))
        if old != self.public:

            def switch() -> None:
                aws.ec2.modify_subnet_attribute(SubnetId=live.id, MapPublicIpOnLaunch={"Value": self.public})

            yield Change("MapPublicIpOnLaunch", old, self.public, switch)

    @classmethod
    def blockers(cls, aws: Aws, live: Live) -> Iterator[Blocker]:
        return blockers.interfaces(aws, "subnet-id", live.id)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("InvalidSubnetID.NotFound"):
            aws.ec2.delete_subnet(SubnetId=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class InternetGateway(Resource):
    """The VPC's way to the internet."""

    vpc: Vpc

    tagging = tag_calls.EC2
    replaces = {"vpc"}
    passing = (
        Passing("AttachInternetGateway", "InvalidInternetGatewayID.NotFound", seconds=120),
        Passing("AttachInternetGateway", "InvalidVpcID.NotFound", seconds=120),
    )
    # "has some mapped public address(es)": load balancer, NAT gateway or machines are still going.
    blocked = {"DependencyViolation"}
    arns = (":internet-gateway/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for gateway in aws.ec2.pages("describe_internet_gateways", "InternetGateways", Filters=aws.filters):
            yield from aws.found(cls, gateway["InternetGatewayId"], gateway.get("Tags"), gateway)

    def create(self, aws: Aws) -> str:
        made = aws.ec2.create_internet_gateway(TagSpecifications=aws.tag_spec(self, "internet-gateway"))
        return str(made["InternetGateway"]["InternetGatewayId"])

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        vpc = aws[self.vpc].id
        attached = [one["VpcId"] for one in live.raw.get("Attachments", ())]
        if vpc not in attached:

            def attach() -> None:
                with tolerate("Resource.AlreadyAssociated"):
                    aws.ec2.attach_internet_gateway(InternetGatewayId=live.id, VpcId=vpc)

            yield Change("attachment", ", ".join(attached) or None, vpc, attach)

    @classmethod
    def blockers(cls, aws: Aws, live: Live) -> Iterator[Blocker]:
        """AWS detaches it only when nothing in the VPC has a public address."""
        for one in live.raw.get("Attachments", ()):
            yield from blockers.interfaces(aws, "vpc-id", one["VpcId"], public=True)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("InvalidInternetGatewayID.NotFound"):
            for one in live.raw.get("Attachments", ()):
                with tolerate("Gateway.NotAttached"):
                    aws.ec2.detach_internet_gateway(InternetGatewayId=live.id, VpcId=one["VpcId"])
            aws.ec2.delete_internet_gateway(InternetGatewayId=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class ElasticIp(Resource):
    """A lasting public address, for the NAT gateway."""

    tagging = tag_calls.EC2
    title = "elastic IP"
    # AWS: after its NAT gateway is deleted an address stays in use for about a minute.
    blocked = {"InvalidIPAddress.InUse", "AuthFailure", "DependencyViolation"}
    arns = (":elastic-ip/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for address in aws.ec2.describe_addresses(Filters=aws.filters)["Addresses"]:
            yield from aws.found(cls, address["AllocationId"], address.get("Tags"), address)

    def create(self, aws: Aws) -> str:
        made = aws.ec2.allocate_address(Domain="vpc", TagSpecifications=aws.tag_spec(self, "elastic-ip"))
        return str(made["AllocationId"])

    @classmethod
    def blockers(cls, aws: Aws, live: Live) -> Iterator[Blocker]:
        return blockers.address(aws, live.id)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("InvalidAllocationID.NotFound"):
            aws.ec2.release_address(AllocationId=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class RouteTable(Resource):
    """Where a group of subnets sends what leaves the VPC: `default` is a gateway, or nowhere."""

    vpc: Vpc
    subnets: tuple[Subnet, ...]
    default: InternetGateway | NatGateway | None = None

    tagging = tag_calls.EC2
    replaces = {"vpc"}
    again = Again.TOKEN
    passing = (
        Passing("CreateRouteTable", "InvalidVpcID.NotFound", seconds=120),
        Passing("CreateRoute", "InvalidRouteTableID.NotFound", seconds=300),
        Passing("CreateRoute", "InvalidNatGatewayID.NotFound", seconds=120),
        Passing("AssociateRouteTable", "InvalidRouteTableID.NotFound", seconds=300),
        Passing("AssociateRouteTable", "InvalidSubnetID.NotFound", seconds=300),
    )
    blocked = {"DependencyViolation"}
    arns = (":route-table/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for table in aws.ec2.pages("describe_route_tables", "RouteTables", Filters=aws.filters):
            yield from aws.found(cls, table["RouteTableId"], table.get("Tags"), table)

    def create(self, aws: Aws) -> str:
        made = aws.ec2.create_route_table(
            VpcId=aws[self.vpc].id, ClientToken=aws.token, TagSpecifications=aws.tag_spec(self, "route-table")
        )
        return str(made["RouteTable"]["RouteTableId"])

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        yield from self._repair_default(aws, live)
        associated = {one["SubnetId"]: one for one in live.raw.get("Associations", ()) if one.get("SubnetId")}
        wanted = {aws[subnet].id: subnet for subnet in self.subnets}
        for id, subnet in wanted.items():
            if id not in associated:

                def associate(id: str = id) -> None:
                    aws.ec2.associate_route_table(RouteTableId=live.id, SubnetId=id)

                yield Change("association", None, subnet.key, associate)
        for id in associated.keys() - wanted.keys():

            def dissociate(association: str = associated[id]["RouteTableAssociationId"]) -> None:
                with tolerate("InvalidAssociationID.NotFound"):
                    aws.ec2.disassociate_route_table(AssociationId=association)

            yield Change("association", id, None, dissociate)

    def _repair_default(self, aws: Aws, live: Live) -> Iterator[Change]:
        """A route whose gateway is gone stays as a black hole and is replaced."""
        route = next((r for r in live.raw.get("Routes", ()) if r.get("DestinationCidrBlock") == ANYWHERE), None)
        old = None if route is None else route.get("GatewayId") or route.get("NatGatewayId") or "something else"
        if self.default is None:
            if route is not None:

                def remove() -> None:
                    with tolerate("InvalidRoute.NotFound"):
                        aws.ec2.delete_route(RouteTableId=live.id, DestinationCidrBlock=ANYWHERE)

                yield Change("default route", old, None, remove)
            return
        new = aws[self.default].id
        broken = route is not None and route.get("State") == "blackhole"
        if old == new and not broken:
            return
        target = {"GatewayId" if isinstance(self.default, InternetGateway) else "NatGatewayId": new}

        def point() -> None:
            change = aws.ec2.create_route if route is None else aws.ec2.replace_route
            with tolerate("RouteAlreadyExists"):
                change(RouteTableId=live.id, DestinationCidrBlock=ANYWHERE, **target)

        yield Change("default route", f"{old} (blackhole)" if broken else old, new, point)

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        with tolerate("InvalidRouteTableID.NotFound"):
            for one in live.raw.get("Associations", ()):
                with tolerate("InvalidAssociationID.NotFound"):
                    aws.ec2.disassociate_route_table(AssociationId=one["RouteTableAssociationId"])
            aws.ec2.delete_route_table(RouteTableId=live.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class NatGateway(Resource):
    """The private subnets' way out; it stands in a public subnet and needs that subnet's internet route first."""

    subnet: Subnet
    address: ElasticIp

    tagging = tag_calls.EC2
    title = "NAT gateway"
    replaces = {"subnet", "address"}
    again = Again.TOKEN
    # AWS: 84–121 s to create, 42–61 s to delete.
    wait = Wait(pending={"pending"}, failed={"failed"}, leaving={"deleting", "deleted"}, usual=105, deadline=900)
    passing = (
        Passing("CreateNatGateway", "InvalidSubnetID.NotFound", seconds=120),
        Passing("CreateNatGateway", "InvalidAllocationID.NotFound", seconds=120),
        Passing("CreateNatGateway", "InvalidSubnet", seconds=120),
    )
    arns = (":natgateway/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        for nat in aws.ec2.pages("describe_nat_gateways", "NatGateways", Filter=aws.filters):
            if nat["State"] != "deleted":
                reason = f"{nat.get('FailureCode', '')} {nat.get('FailureMessage', '')}".strip()
                yield from aws.found(cls, nat["NatGatewayId"], nat.get("Tags"), nat, nat["State"], reason)

    def create(self, aws: Aws) -> str:
        made = aws.ec2.create_nat_gateway(
            SubnetId=aws[self.subnet].id,
            AllocationId=aws[self.address].id,
            ConnectivityType="public",
            ClientToken=aws.token,
            TagSpecifications=aws.tag_spec(self, "natgateway"),
        )
        return str(made["NatGateway"]["NatGatewayId"])

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        if not live.state.leaving:
            with tolerate("NatGatewayNotFound"):
                aws.ec2.delete_nat_gateway(NatGatewayId=live.id)
