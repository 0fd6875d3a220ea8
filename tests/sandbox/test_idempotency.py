"""The same call twice: AWS gives the same thing, or says that it exists; it never makes a second one quietly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.standing import ANYWHERE, PORT, Standing, a_role, a_target_group, database, open_port, refused


def test_one_token_starts_one_machine(stands: Standing) -> None:
    first = stands.run(ClientToken="once")
    assert stands.run(ClientToken="once") == first
    stands.pass_time(60)
    assert stands.run(ClientToken="once") == first
    with refused("IdempotentParameterMismatch"):
        stands.run(ClientToken="once", InstanceType="t3.small")
    assert stands.run(ClientToken="again") != first


def test_one_token_makes_one_nat_gateway(stands: Standing) -> None:
    address = stands.ec2.allocate_address(Domain="vpc")["AllocationId"]
    asked = {"SubnetId": stands.public[0], "AllocationId": address, "ClientToken": "once"}
    first, second = (stands.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] for _ in range(2))
    assert first == second
    with refused("IdempotentParameterMismatch"):
        stands.ec2.create_nat_gateway(**asked | {"SubnetId": stands.public[1]})


@pytest.mark.parametrize(
    ("create", "key", "asked", "other"),
    [
        ("create_route_table", "RouteTable.RouteTableId", {"VpcId": "vpc"}, {"TagSpecifications": []}),
        (
            "create_launch_template",
            "LaunchTemplate.LaunchTemplateId",
            {"LaunchTemplateName": "one", "LaunchTemplateData": {"InstanceType": "t3.micro"}},
            {"LaunchTemplateData": {"InstanceType": "t3.small"}},
        ),
        (
            "create_vpc_endpoint",
            "VpcEndpoint.VpcEndpointId",
            {"VpcId": "vpc", "ServiceName": "com.amazonaws.ap-northeast-2.s3"},
            {"ServiceName": "com.amazonaws.ap-northeast-2.dynamodb"},
        ),
        ("create_volume", "VolumeId", {"AvailabilityZone": "ap-northeast-2a", "Size": 1}, {"Size": 2}),
    ],
)
def test_one_token_makes_one_of_everything_else_in_ec2(
    stands: Standing, create: str, key: str, asked: dict[str, Any], other: dict[str, Any]
) -> None:
    given = asked | {"ClientToken": "once"} | ({"VpcId": stands.vpc} if "VpcId" in asked else {})
    found = []
    for _ in range(2):
        answer = getattr(stands.ec2, create)(**given)
        for part in key.split("."):
            answer = answer[part]
        found.append(answer)
    assert found[0] == found[1]
    if create == "create_route_table":
        other = {"TagSpecifications": [{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}]}
    with refused("IdempotentParameterMismatch"):
        getattr(stands.ec2, create)(**given | other)


def test_one_token_gives_one_certificate_for_an_hour(stands: Standing) -> None:
    def request(**other: Any) -> str:
        asked = {"DomainName": "one.example.com", "ValidationMethod": "DNS", "IdempotencyToken": "once"} | other
        return str(stands.acm.request_certificate(**asked)["CertificateArn"])

    first = request()
    assert request(Tags=[{"Key": "stack", "Value": "other"}]) == first
    stands.pass_time(3599)
    assert request() == first
    stands.pass_time(2)
    assert request() != first


def test_a_caller_reference_makes_one_hosted_zone(stands: Standing) -> None:
    stands.route53.create_hosted_zone(Name="one.test", CallerReference="once")
    for name in ("one.test", "two.test"):
        with refused("HostedZoneAlreadyExists"):
            stands.route53.create_hosted_zone(Name=name, CallerReference="once")


def test_a_load_balancer_of_the_same_name_is_the_same_or_refused(stands: Standing) -> None:
    asked = {"Name": "main", "Subnets": list(stands.public), "SecurityGroups": [stands.web]}
    (same,) = stands.elbv2.create_load_balancer(**asked)["LoadBalancers"]
    assert same["LoadBalancerArn"] == stands.balancer
    with refused("DuplicateLoadBalancerName"):
        stands.elbv2.create_load_balancer(**asked | {"SecurityGroups": [stands.app]})
    assert len(stands.elbv2.describe_load_balancers()["LoadBalancers"]) == 1


def test_a_target_group_of_the_same_name_is_the_same_or_refused(stands: Standing) -> None:
    assert a_target_group(stands.elbv2, "main", stands.vpc) == stands.group
    with refused("DuplicateTargetGroupName"):
        a_target_group(stands.elbv2, "main", stands.vpc, HealthCheckPath="/health")


def test_a_port_has_one_listener(stands: Standing) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": stands.group}]
    with refused("DuplicateListener"):
        stands.elbv2.create_listener(LoadBalancerArn=stands.balancer, Protocol="HTTP", Port=80, DefaultActions=forward)


def test_a_priority_has_one_rule(stands: Standing) -> None:
    asked = {
        "ListenerArn": stands.listener,
        "Priority": 10,
        "Conditions": [{"Field": "path-pattern", "Values": ["/api"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": stands.group}],
    }
    stands.elbv2.create_rule(**asked)
    with refused("PriorityInUse"):
        stands.elbv2.create_rule(**asked)


def test_a_subnet_group_of_the_same_name_is_refused_and_unharmed(stands: Standing) -> None:
    group = {"DBSubnetGroupName": "Main", "DBSubnetGroupDescription": "other", "SubnetIds": list(stands.public)}
    with refused("DBSubnetGroupAlreadyExists"):
        stands.rds.create_db_subnet_group(**group)
    (shown,) = stands.rds.describe_db_subnet_groups(DBSubnetGroupName="main")["DBSubnetGroups"]
    assert {one["SubnetIdentifier"] for one in shown["Subnets"]} == set(stands.private)


def test_a_parameter_group_of_the_same_name_is_refused(stands: Standing) -> None:
    with refused("DBParameterGroupAlreadyExists"):
        stands.rds.create_db_parameter_group(
            DBParameterGroupName="main", DBParameterGroupFamily="mysql8.4", Description="again"
        )


def test_a_database_of_the_same_name_is_refused_until_the_first_is_gone(stands: Standing) -> None:
    with refused("DBInstanceAlreadyExists"):
        stands.rds.create_db_instance(**database())
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("DBInstanceAlreadyExists"):
        stands.rds.create_db_instance(**database())
    stands.pass_time(121)
    stands.rds.create_db_instance(**database())


def test_a_snapshot_of_the_same_name_is_refused(stands: Standing) -> None:
    stands.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="last")
    stands.pass_time(200)
    with refused("DBSnapshotAlreadyExists"):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    assert stands.database()["DBInstanceStatus"] == "available"


def test_a_security_groups_name_is_taken_whatever_its_case(stands: Standing) -> None:
    for name in ("app", "APP"):
        with refused("InvalidGroup.Duplicate"):
            stands.ec2.create_security_group(GroupName=name, Description="again", VpcId=stands.vpc)


def test_the_same_rule_twice_is_refused(stands: Standing) -> None:
    with refused("InvalidPermission.Duplicate"):
        open_port(stands.ec2, stands.app, PORT, stands.web)


def test_the_same_route_twice_is_refused(stands: Standing) -> None:
    with refused("RouteAlreadyExists"):
        stands.ec2.create_route(RouteTableId=stands.routes, DestinationCidrBlock=ANYWHERE, GatewayId=stands.gateway)


@pytest.mark.parametrize(
    ("block", "code"), [("10.0.0.0/24", "InvalidSubnet.Conflict"), ("10.1.0.0/24", "InvalidSubnet.Range")]
)
def test_a_subnet_has_a_range_of_its_own_in_the_networks(stands: Standing, block: str, code: str) -> None:
    with refused(code):
        stands.ec2.create_subnet(VpcId=stands.vpc, CidrBlock=block)


def test_a_role_and_a_profile_of_the_same_name_are_refused(stands: Standing) -> None:
    iam = stands.client("iam")
    with refused("EntityAlreadyExists"):
        a_role(iam, "app")
    with refused("EntityAlreadyExists"):
        iam.create_instance_profile(InstanceProfileName="app")


def test_a_profile_holds_one_role(stands: Standing) -> None:
    iam = stands.client("iam")
    a_role(iam, "second")
    with refused("LimitExceeded"):
        iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName="second")


def test_a_parameter_is_written_once_unless_overwritten(stands: Standing) -> None:
    ssm = stands.client("ssm")
    ssm.put_parameter(Name="/deploy/one", Value="first", Type="String")
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name="/deploy/one", Value="second", Type="String")
    assert ssm.get_parameter(Name="/deploy/one")["Parameter"]["Value"] == "first"
