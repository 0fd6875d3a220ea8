"""The VPC, its subnets, and the ways in and out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import TAG_STACK, tags_to_dict
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
from awsdeploy.resources.network import existing_vpc
from awsdeploy.resources.network.existing_vpc import ANYWHERE as ANYWHERE
from awsdeploy.resources.network.existing_vpc import SWITCHES, UNFIT, ExistingVpc


@dataclass(frozen=True, eq=False, kw_only=True)
class Vpc(Resource):
    """A private network, with DNS names inside it. With `existing` it is only used, and has no `cidr` of ours."""

    cidr: str = ""

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
    BY_DEFAULT = ("EnableDnsSupport",)

    def brief(self) -> str:
        return f"VPC {self.existing or self.cidr}"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for vpc in aws.ec2.pages("describe_vpcs", "Vpcs", Filters=aws.filters):
            yield from aws.found(cls, vpc["VpcId"], vpc.get("Tags"), vpc, vpc["State"])

    def adopt(self, aws: Aws) -> Observed:
        """The existing VPC. What it lacks is the reason of the status `UNFIT`."""
        found = aws.once(_existing, self.existing)
        faults = list(found.faults())
        if tags_to_dict(found.raw.get("Tags")).get(TAG_STACK) == aws.stack.tag:
            faults.append(f"{self.existing} belongs to this stack: remove network.vpc from config.toml")
        return _referenced(self, aws, found.raw, faults)

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_vpc(CidrBlock=self.cidr, TagSpecifications=aws.tag_spec(self, "vpc"))
        return aws.made(self, made["Vpc"]["VpcId"], made["Vpc"], made["Vpc"]["State"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        for name, attribute in SWITCHES.items():
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
    """A range of addresses in one zone of the VPC. Public ones give their machines a public address.

    With `existing` it is only used: AWS says its `cidr` and `zone`, and `among` are all subnets named with it.
    """

    vpc: Vpc
    cidr: str = ""
    zone: str = ""
    public: bool
    among: tuple[str, ...] = ()

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

    @property
    def place(self) -> str:
        """Letter of its zone; its id where only AWS knows the zone."""
        return self.zone[-1:] or self.existing

    def adopt(self, aws: Aws) -> Observed:
        """The existing subnet. What it lacks is the reason of the status `UNFIT`."""
        found = aws.once(_existing, self.vpc.existing)
        faults = list(found.subnet_faults(self.existing, public=self.public, all=self.among))
        return _referenced(self, aws, found.subnets.get(self.existing, {}), faults)

    def conflict(self, aws: Aws) -> str:
        """A subnet of the same VPC that has these addresses until it is deleted, which is last."""
        ours = IPv4Network(self.cidr)
        for one in aws.all(Subnet):
            if one.raw["VpcId"] == aws[self.vpc].id and IPv4Network(one.raw["CidrBlock"]).overlaps(ours):
                return (
                    f"{self.key} needs {self.cidr}, but {one.key} ({one.id}) has {one.raw['CidrBlock']}. Keep the "
                    "ranges of the subnets that exist, and give new ones others: network.public and network.private."
                )
        return ""

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


def _existing(aws: Aws, vpc: str) -> ExistingVpc:
    return existing_vpc.read(aws.ec2, aws.each, vpc, aws.region)


def _referenced(resource: Vpc | Subnet, aws: Aws, raw: Mapping[str, Any], faults: Sequence[str]) -> Observed:
    """Object that the stack uses and does not own. Its id is that of the config, also if AWS has no such object."""
    status = "available" if raw and not faults else UNFIT
    reason = "; ".join(faults)
    return Observed(
        type(resource), resource.key, resource.existing, status=status, raw=raw, region=aws.region, reason=reason
    )
