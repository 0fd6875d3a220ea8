"""A small web application in simulated AWS, built call by call with a plain client: what the tests here start from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from awsdeploy.resources.compute import placeholder
from awsdeploy.sandbox.server.anonymous_access import PLAIN
from tests.simulated import World

ANYWHERE = "0.0.0.0/0"
PORT = 9999
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
PASSWORD = "correct-horse-battery"
STILL = 1e-6
"""AWS seconds in a real second: time passes only when a test says so."""


@contextmanager
def refused(code: str, words: str = "") -> Iterator[None]:
    """AWS must refuse the call inside with this code, and these words in its message."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert words in error["Message"], error


@contextmanager
def by_plain_http(client: Any) -> Iterator[None]:
    """The sandbox takes the client's requests inside for requests without TLS."""

    def mark(request: Any, **_: Any) -> None:
        request.headers[PLAIN[0]] = PLAIN[1]

    client.meta.events.register("before-send", mark)
    yield
    client.meta.events.unregister("before-send", mark)


@dataclass
class SampleApplication:
    """Ids of the resources, and their world."""

    vpc: str
    gateway: str
    public: tuple[str, str]
    private: tuple[str, str]
    routes: str
    web: str
    app: str
    data: str
    address: str
    nat: str
    image: str
    root: str
    machine: str
    balancer: str
    group: str
    listener: str
    zone: str
    certificate: str
    world: World | None = None

    def client(self, service: str) -> Any:
        assert self.world is not None
        return self.world.client(service)

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def rds(self) -> Any:
        return self.client("rds")

    @property
    def elbv2(self) -> Any:
        return self.client("elbv2")

    @property
    def route53(self) -> Any:
        return self.client("route53")

    @property
    def acm(self) -> Any:
        return self.client("acm")

    def pass_time(self, seconds: float) -> None:
        assert self.world is not None
        self.world.pass_time(seconds)

    def run(self, **other: Any) -> str:
        """Start a machine like the one that stands, but for what is given; its id."""
        made = self.ec2.run_instances(**(machine(self.public[0], self.app, self.image, self.root) | other))
        return str(made["Instances"][0]["InstanceId"])

    def state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    def health(self, group: str = "") -> tuple[str, str]:
        """State and reason of the group's only target."""
        (row,) = self.elbv2.describe_target_health(TargetGroupArn=group or self.group)["TargetHealthDescriptions"]
        return row["TargetHealth"]["State"], row["TargetHealth"].get("Reason", "")

    def database(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
        return found

    def change(self, action: str, record: dict[str, Any]) -> str:
        """One change in the zone; its id."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        answer = self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch=batch)
        return str(answer["ChangeInfo"]["Id"])

    def proof(self, certificate: str) -> dict[str, Any]:
        """The record that proves a certificate."""
        shown = self.acm.describe_certificate(CertificateArn=certificate)["Certificate"]
        record = shown["DomainValidationOptions"][0]["ResourceRecord"]
        values = [{"Value": record["Value"]}]
        return {"Name": record["Name"], "Type": record["Type"], "TTL": 300, "ResourceRecords": values}

    def other_network(self) -> tuple[str, str]:
        """A second VPC and a security group in it."""
        vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        group = self.ec2.create_security_group(GroupName="elsewhere", Description="elsewhere", VpcId=vpc)
        return str(vpc), str(group["GroupId"])


def machine(subnet: str, group: str, image: str, root: str, **other: Any) -> dict[str, Any]:
    """Parameters of RunInstances."""
    return {
        "ImageId": image,
        "InstanceType": "t3.micro",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": subnet,
        "SecurityGroupIds": [group],
        "IamInstanceProfile": {"Name": "app"},
        "BlockDeviceMappings": [{"DeviceName": root, "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}],
        "UserData": placeholder.user_data("al2023", PORT, "/", "ap-northeast-2", "s3://none/none"),
    } | other


def database(**other: Any) -> dict[str, Any]:
    """Parameters of CreateDBInstance."""
    return {
        "DBInstanceIdentifier": "main",
        "Engine": "mysql",
        "EngineVersion": "8.4",
        "DBInstanceClass": "db.t3.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "admin",
        "MasterUserPassword": PASSWORD,
        "DBSubnetGroupName": "main",
        "DBParameterGroupName": "main",
    } | other


def linked_roles(world: World) -> None:
    """Service-linked roles of an account in which RDS and Auto Scaling were used before."""
    for service in ("rds", "autoscaling"):
        world.client("iam").create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")
    world.pass_time(11)


def build(world: World) -> SampleApplication:
    """Everything at once, in an order that AWS accepts; then an hour passes."""
    world.control("POST", "speed", {"speed": STILL})
    ec2, iam, elbv2, rds = (world.client(name) for name in ("ec2", "iam", "elbv2", "rds"))
    linked_roles(world)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"ap-northeast-2{letter}")
        for number, letter in enumerate("acac")
    ]
    one, two, three, four = (made["Subnet"]["SubnetId"] for made in subnets)
    for subnet in (one, two):
        ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    routes = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=routes, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    for subnet in (one, two):
        ec2.associate_route_table(RouteTableId=routes, SubnetId=subnet)
    web, app, data = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("web", "app", "data")
    )
    open_port(ec2, app, PORT, web)
    open_port(ec2, data, 3306, app)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=one, AllocationId=address)["NatGateway"]["NatGatewayId"]
    a_role(iam, "app")
    iam.create_instance_profile(InstanceProfileName="app")
    iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName="app")
    rds.create_db_subnet_group(DBSubnetGroupName="main", DBSubnetGroupDescription="main", SubnetIds=[three, four])
    rds.create_db_parameter_group(DBParameterGroupName="main", DBParameterGroupFamily="mysql8.4", Description="main")
    rds.create_db_instance(**database(VpcSecurityGroupIds=[data]))
    balancer = elbv2.create_load_balancer(Name="main", Subnets=[one, two], SecurityGroups=[web])
    balancer_arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    group = a_target_group(elbv2, "main", vpc)
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elbv2.create_listener(LoadBalancerArn=balancer_arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    image, root = newest_image(world)
    world.pass_time(20)
    instance = ec2.run_instances(**machine(one, app, image, root))["Instances"][0]["InstanceId"]
    world.pass_time(20)
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    certificate = world.client("acm").request_certificate(DomainName="example.com", ValidationMethod="DNS")
    world.pass_time(3600)
    return SampleApplication(
        vpc=vpc,
        gateway=gateway,
        public=(one, two),
        private=(three, four),
        routes=routes,
        web=web,
        app=app,
        data=data,
        address=address,
        nat=nat,
        image=image,
        root=root,
        machine=instance,
        balancer=balancer_arn,
        group=group,
        listener=listener["Listeners"][0]["ListenerArn"],
        zone=world.client("route53").list_hosted_zones()["HostedZones"][0]["Id"],
        certificate=certificate["CertificateArn"],
    )


def open_port(ec2: Any, group: str, port: int, source: str) -> None:
    """Let one group's members reach a TCP port of another's."""
    pair = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": source}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])


def without_rules(sample: SampleApplication) -> None:
    """Take away every rule, so that only their members hold the security groups."""
    for group in sample.ec2.describe_security_groups(GroupIds=[sample.app, sample.data])["SecurityGroups"]:
        sample.ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def a_role(iam: Any, name: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


def a_target_group(elbv2: Any, name: str, vpc: str, **other: Any) -> str:
    """Target group with two checks, ten seconds apart; returns its ARN."""
    checks = {"HealthyThresholdCount": 2, "UnhealthyThresholdCount": 2, "HealthCheckIntervalSeconds": 10}
    made = elbv2.create_target_group(Name=name, Protocol="HTTP", Port=PORT, VpcId=vpc, **(checks | other))
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def newest_image(world: World) -> tuple[str, str]:
    """The image that AWS's public parameter names, and its root device."""
    image = world.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    found = world.client("ec2").describe_images(ImageIds=[image])["Images"][0]
    return str(image), str(found["RootDeviceName"])
