"""The owner of what a stack only uses: makes it before, and sees that it is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.simulated import World

ZONES = ("ap-northeast-2a", "ap-northeast-2c")


@dataclass
class OwnVpc:
    """A VPC with a public and a private subnet in each of two zones."""

    world: World
    id: str = ""
    gateway: str = ""
    table: str = ""
    public: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)

    @property
    def config(self) -> str:
        """The [network] of a stack in it."""
        return (
            f'[network]\nvpc = "{self.id}"\npublic_subnets = {listed(self.public)}\n'
            f"private_subnets = {listed(self.private)}\n"
        )

    def description(self) -> dict[str, Any]:
        """Everything that a stack could change of it, as AWS describes it."""
        ec2, inside = self.world.client("ec2"), [{"Name": "vpc-id", "Values": [self.id]}]
        found: dict[str, Any] = {
            "vpc": ec2.describe_vpcs(VpcIds=[self.id])["Vpcs"],
            "subnets": ec2.describe_subnets(Filters=inside)["Subnets"],
            "tables": ec2.describe_route_tables(Filters=inside)["RouteTables"],
            "acls": ec2.describe_network_acls(Filters=inside)["NetworkAcls"],
            "gateways": ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [self.id]}])[
                "InternetGateways"
            ],
            "default": [
                one
                for one in ec2.describe_security_groups(Filters=inside)["SecurityGroups"]
                if one["GroupName"] == "default"
            ],
        }
        for one in found["subnets"]:
            one.pop("AvailableIpAddressCount")
        return found

    def groups(self) -> list[str]:
        """Security groups in it, besides its own default."""
        inside = [{"Name": "vpc-id", "Values": [self.id]}]
        found = self.world.client("ec2").describe_security_groups(Filters=inside)["SecurityGroups"]
        return [one["GroupName"] for one in found if one["GroupName"] != "default"]


def make_vpc(world: World, cidr: str = "10.9.0.0/16") -> OwnVpc:
    """Made by hand, as its owner does; each subnet is /24."""
    ec2 = world.client("ec2")
    made = OwnVpc(world, ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"])
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=made.id, **{name: {"Value": True}})
    made.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made.gateway, VpcId=made.id)
    made.table = ec2.create_route_table(VpcId=made.id)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=made.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=made.gateway)
    start = cidr.split(".0.0/")[0]
    for number, zone in enumerate(ZONES * 2):
        subnet = ec2.create_subnet(VpcId=made.id, CidrBlock=f"{start}.{number}.0/24", AvailabilityZone=zone)
        id = subnet["Subnet"]["SubnetId"]
        if number < len(ZONES):
            made.public.append(id)
            ec2.modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": True})
            ec2.associate_route_table(RouteTableId=made.table, SubnetId=id)
        else:
            made.private.append(id)
    return made


def listed(ids: list[str]) -> str:
    return "[" + ", ".join(f'"{id}"' for id in ids) + "]"


def writes(world: World) -> Iterator[dict[str, Any]]:
    """Writes since the log was emptied."""
    return (call for call in world.control("GET", "calls")["calls"] if call["write"])


@dataclass
class OwnDatabase:
    """A database in a VPC, which lets in nobody."""

    world: World
    id: str
    group: str
    """Its security group."""

    @property
    def config(self) -> str:
        """The [database] of a stack that uses it."""
        return f'\n[database]\ninstance = "{self.id}"\nname = "orders"\nusername = "shop"\n'

    def description(self) -> dict[str, Any]:
        """Everything that a stack could change of it."""
        rds, ec2 = self.world.client("rds"), self.world.client("ec2")
        instances = rds.describe_db_instances(DBInstanceIdentifier=self.id)["DBInstances"]
        for one in instances:
            one.pop("LatestRestorableTime", None)
        return {
            "instance": instances,
            "group": ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"],
            "snapshots": [
                one["DBSnapshotIdentifier"]
                for one in rds.describe_db_snapshots(DBInstanceIdentifier=self.id, SnapshotType="manual")["DBSnapshots"]
            ],
        }

    def let_in(self, source: str) -> None:
        """Add the rule that the owner is asked for: a security group that may connect."""
        rule = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": source}]}
        self.world.client("ec2").authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])

    def lock_out(self) -> None:
        """Delete all its rules."""
        ec2 = self.world.client("ec2")
        (group,) = ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        ec2.revoke_security_group_ingress(GroupId=self.group, IpPermissions=group["IpPermissions"])


def make_database(own: OwnVpc, engine: str = "mysql") -> OwnDatabase:
    """Made by hand, as its owner does, and available."""
    world = own.world
    rds = world.client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="orders", DBSubnetGroupDescription="-", SubnetIds=own.private)
    made = world.client("ec2").create_security_group(GroupName="orders", Description="-", VpcId=own.id)
    found = OwnDatabase(world, "orders-db", made["GroupId"])
    wanted = {
        "DBInstanceIdentifier": found.id,
        "DBInstanceClass": "db.t3.small",
        "Engine": engine,
        "AllocatedStorage": 20,
        "MasterUsername": "boss",
        "MasterUserPassword": "of-the-owner-1",
        "DBSubnetGroupName": "orders",
        "VpcSecurityGroupIds": [found.group],
    }
    try:
        rds.create_db_instance(**wanted)
    except ClientError:  # the first of an account: AWS makes its service-linked role
        world.pass_time(120)
        rds.create_db_instance(**wanted)
    while rds.describe_db_instances(DBInstanceIdentifier=found.id)["DBInstances"][0]["DBInstanceStatus"] != "available":
        world.pass_time(300)
    return found
