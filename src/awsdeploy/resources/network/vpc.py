"""The VPC, its subnets, and the ways in and out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Change,
    Deletion,
    DestroyOptions,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.resources import blockers, tag_calls

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, eq=False, kw_only=True)
class Vpc(Resource):
    """A private network, with DNS names inside it."""

    cidr: str

    tagging = tag_calls.EC2
    title = "VPC"
    immediate = True
    replaces = {"cidr"}
    wait = Wait(pending={"pending"}, leaving={"deleting"}, usual=2)
    transient = (
        TransientError("ModifyVpcAttribute", "InvalidVpcID.NotFound", seconds=120),
        TransientError("DescribeVpcAttribute", "InvalidVpcID.NotFound", seconds=120),
    )
    deletion = Deletion(retry_on={"DependencyViolation"}, immediate=True)
    arns = (":vpc/",)

    # One attribute a call, DNS support before host names (AWS: EC2 API, ModifyVpcAttribute).
    SWITCHES = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}
    BY_DEFAULT = ("EnableDnsSupport",)

    def brief(self) -> str:
        return f"VPC {self.cidr}"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for vpc in aws.ec2.pages("describe_vpcs", "Vpcs", Filters=aws.filters):
            yield from aws.found(cls, vpc["VpcId"], vpc.get("Tags"), vpc, vpc["State"])

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_vpc(CidrBlock=self.cidr, TagSpecifications=aws.tag_spec(self, "vpc"))
        return aws.made(self, made["Vpc"]["VpcId"], made["Vpc"], made["Vpc"]["State"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        for name, attribute in self.SWITCHES.items():
            if observed.new:
                on = name in self.BY_DEFAULT
            else:
                on = aws.ec2.describe_vpc_attribute(VpcId=observed.id, Attribute=attribute)[name]["Value"]
            if not on:
                switch_on = partial(aws.ec2.modify_vpc_attribute, VpcId=observed.id, **{name: {"Value": True}})
                yield Change(name, False, True, switch_on)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.inside(aws, observed.id)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidVpcID.NotFound"):
            aws.ec2.delete_vpc(VpcId=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class Subnet(Resource):
    """A range of addresses in one zone of the VPC. Public ones give their machines a public address."""

    vpc: Vpc
    cidr: str
    zone: str
    public: bool

    tagging = tag_calls.EC2
    immediate = True
    replaces = {"vpc", "cidr", "zone"}
    wait = Wait(pending={"pending", "unavailable"}, failed={"failed", "failed-insufficient-capacity"}, usual=2)
    transient = (
        TransientError("CreateSubnet", "InvalidVpcID.NotFound", seconds=120),
        TransientError("ModifySubnetAttribute", "InvalidSubnetID.NotFound", seconds=300),
    )
    deletion = Deletion(retry_on={"DependencyViolation"}, immediate=True)  # interfaces of a load balancer
    arns = (":subnet/",)

    def brief(self) -> str:
        return self.key.removeprefix("network/")

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for subnet in aws.ec2.pages("describe_subnets", "Subnets", Filters=aws.filters):
            yield from aws.found(cls, subnet["SubnetId"], subnet.get("Tags"), subnet, subnet["State"])

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_subnet(
            VpcId=aws[self.vpc].id,
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=aws.tag_spec(self, "subnet"),
        )
        return aws.made(self, made["Subnet"]["SubnetId"], made["Subnet"], made["Subnet"]["State"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        old = bool(observed.raw.get("MapPublicIpOnLaunch"))
        if old != self.public:
            wanted = {"Value": self.public}
            switch = partial(aws.ec2.modify_subnet_attribute, SubnetId=observed.id, MapPublicIpOnLaunch=wanted)
            yield Change("MapPublicIpOnLaunch", old, self.public, switch)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.interfaces(aws, "subnet-id", observed.id)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidSubnetID.NotFound"):
            aws.ec2.delete_subnet(SubnetId=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class InternetGateway(Resource):
    """The VPC's way to the internet."""

    vpc: Vpc

    tagging = tag_calls.EC2
    immediate = True
    replaces = {"vpc"}
    transient = (
        TransientError("AttachInternetGateway", "InvalidInternetGatewayID.NotFound", seconds=120),
        TransientError("AttachInternetGateway", "InvalidVpcID.NotFound", seconds=120),
    )
    # "has some mapped public address(es)": load balancer, NAT gateway or machines are still going.
    deletion = Deletion(retry_on={"DependencyViolation"}, immediate=True)
    arns = (":internet-gateway/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for gateway in aws.ec2.pages("describe_internet_gateways", "InternetGateways", Filters=aws.filters):
            yield from aws.found(cls, gateway["InternetGatewayId"], gateway.get("Tags"), gateway)

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_internet_gateway(TagSpecifications=aws.tag_spec(self, "internet-gateway"))
        return aws.made(self, made["InternetGateway"]["InternetGatewayId"], made["InternetGateway"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        vpc = aws[self.vpc].id
        attached = [one["VpcId"] for one in observed.raw.get("Attachments", ())]
        if vpc not in attached:

            def attach() -> None:
                with tolerate("Resource.AlreadyAssociated"):
                    aws.ec2.attach_internet_gateway(InternetGatewayId=observed.id, VpcId=vpc)

            yield Change("attachment", ", ".join(attached) or None, vpc, attach)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        """AWS detaches it only when nothing in the VPC has a public address."""
        for one in observed.raw.get("Attachments", ()):
            yield from blockers.interfaces(aws, "vpc-id", one["VpcId"], public=True)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidInternetGatewayID.NotFound"):
            for one in observed.raw.get("Attachments", ()):
                with tolerate("Gateway.NotAttached"):
                    aws.ec2.detach_internet_gateway(InternetGatewayId=observed.id, VpcId=one["VpcId"])
            aws.ec2.delete_internet_gateway(InternetGatewayId=observed.id)
