"""The same call twice: AWS gives the same thing, or says that it exists; it never makes a second one quietly."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.sample_application import (
    ANYWHERE,
    PORT,
    SampleApplication,
    a_role,
    a_target_group,
    database,
    open_port,
    refused,
)


def test_one_token_starts_one_machine(sample: SampleApplication) -> None:
    first = sample.run(ClientToken="once")
    assert sample.run(ClientToken="once") == first
    sample.pass_time(60)
    assert sample.run(ClientToken="once") == first
    with refused("IdempotentParameterMismatch"):
        sample.run(ClientToken="once", InstanceType="t3.small")
    assert sample.run(ClientToken="again") != first


def test_one_token_makes_one_nat_gateway(sample: SampleApplication) -> None:
    address = sample.ec2.allocate_address(Domain="vpc")["AllocationId"]
    asked = {"SubnetId": sample.public[0], "AllocationId": address, "ClientToken": "once"}
    first, second = (sample.ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] for _ in range(2))
    assert first == second
    with refused("IdempotentParameterMismatch"):
        sample.ec2.create_nat_gateway(**asked | {"SubnetId": sample.public[1]})


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
    sample: SampleApplication, create: str, key: str, asked: dict[str, Any], other: dict[str, Any]
) -> None:
    given = asked | {"ClientToken": "once"} | ({"VpcId": sample.vpc} if "VpcId" in asked else {})
    found = []
    for _ in range(2):
        answer = getattr(sample.ec2, create)(**given)
        for part in key.split("."):
            answer = answer[part]
        found.append(answer)
    assert found[0] == found[1]
    if create == "create_route_table":
        other = {"TagSpecifications": [{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}]}
    with refused("IdempotentParameterMismatch"):
        getattr(sample.ec2, create)(**given | other)


def test_one_token_gives_one_certificate_for_an_hour(sample: SampleApplication) -> None:
    def request(**other: Any) -> str:
        asked = {"DomainName": "one.example.com", "ValidationMethod": "DNS", "IdempotencyToken": "once"} | other
        return str(sample.acm.request_certificate(**asked)["CertificateArn"])

    first = request()
    assert request(Tags=[{"Key": "stack", "Value": "other"}]) == first
    sample.pass_time(3599)
    assert request() == first
    sample.pass_time(2)
    assert request() != first


def test_a_caller_reference_makes_one_hosted_zone(sample: SampleApplication) -> None:
    sample.route53.create_hosted_zone(Name="one.test", CallerReference="once")
    for name in ("one.test", "two.test"):
        with refused("HostedZoneAlreadyExists"):
            sample.route53.create_hosted_zone(Name=name, CallerReference="once")


def test_a_load_balancer_of_the_same_name_is_the_same_or_refused(sample: SampleApplication) -> None:
    asked = {"Name": "main", "Subnets": list(sample.public), "SecurityGroups": [sample.web]}
    (same,) = sample.elbv2.create_load_balancer(**asked)["LoadBalancers"]
    assert same["LoadBalancerArn"] == sample.balancer
    with refused("DuplicateLoadBalancerName"):
        sample.elbv2.create_load_balancer(**asked | {"SecurityGroups": [sample.app]})
    assert len(sample.elbv2.describe_load_balancers()["LoadBalancers"]) == 1


def test_a_target_group_of_the_same_name_is_the_same_or_refused(sample: SampleApplication) -> None:
    assert a_target_group(sample.elbv2, "main", sample.vpc) == sample.group
    with refused("DuplicateTargetGroupName"):
        a_target_group(sample.elbv2, "main", sample.vpc, HealthCheckPath="/health")


def test_a_port_has_one_listener(sample: SampleApplication) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": sample.group}]
    with refused("DuplicateListener"):
        sample.elbv2.create_listener(LoadBalancerArn=sample.balancer, Protocol="HTTP", Port=80, DefaultActions=forward)


def test_a_priority_has_one_rule(sample: SampleApplication) -> None:
    asked = {
        "ListenerArn": sample.listener,
        "Priority": 10,
        "Conditions": [{"Field": "path-pattern", "Values": ["/api"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": sample.group}],
    }
    sample.elbv2.create_rule(**asked)
    with refused("PriorityInUse"):
        sample.elbv2.create_rule(**asked)


def test_a_subnet_group_of_the_same_name_is_refused_and_unharmed(sample: SampleApplication) -> None:
    group = {"DBSubnetGroupName": "Main", "DBSubnetGroupDescription": "other", "SubnetIds": list(sample.public)}
    with refused("DBSubnetGroupAlreadyExists"):
        sample.rds.create_db_subnet_group(**group)
    (shown,) = sample.rds.describe_db_subnet_groups(DBSubnetGroupName="main")["DBSubnetGroups"]
    assert {one["SubnetIdentifier"] for one in shown["Subnets"]} == set(sample.private)


def test_a_parameter_group_of_the_same_name_is_refused(sample: SampleApplication) -> None:
    with refused("DBParameterGroupAlreadyExists"):
        sample.rds.create_db_parameter_group(
            DBParameterGroupName="main", DBParameterGroupFamily="mysql8.4", Description="again"
        )


def test_a_database_of_the_same_name_is_refused_until_the_first_is_gone(sample: SampleApplication) -> None:
    with refused("DBInstanceAlreadyExists"):
        sample.rds.create_db_instance(**database())
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("DBInstanceAlreadyExists"):
        sample.rds.create_db_instance(**database())
    sample.pass_time(121)
    sample.rds.create_db_instance(**database())


def test_a_snapshot_of_the_same_name_is_refused(sample: SampleApplication) -> None:
    sample.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="last")
    sample.pass_time(200)
    with refused("DBSnapshotAlreadyExists"):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    assert sample.database()["DBInstanceStatus"] == "available"


def test_a_security_groups_name_is_taken_whatever_its_case(sample: SampleApplication) -> None:
    for name in ("app", "APP"):
        with refused("InvalidGroup.Duplicate"):
            sample.ec2.create_security_group(GroupName=name, Description="again", VpcId=sample.vpc)


def test_the_same_rule_twice_is_refused(sample: SampleApplication) -> None:
    with refused("InvalidPermission.Duplicate"):
        open_port(sample.ec2, sample.app, PORT, sample.web)


def test_the_same_route_twice_is_refused(sample: SampleApplication) -> None:
    with refused("RouteAlreadyExists"):
        sample.ec2.create_route(RouteTableId=sample.routes, DestinationCidrBlock=ANYWHERE, GatewayId=sample.gateway)


@pytest.mark.parametrize(
    ("block", "code"), [("10.0.0.0/24", "InvalidSubnet.Conflict"), ("10.1.0.0/24", "InvalidSubnet.Range")]
)
def test_a_subnet_has_a_range_of_its_own_in_the_networks(sample: SampleApplication, block: str, code: str) -> None:
    with refused(code):
        sample.ec2.create_subnet(VpcId=sample.vpc, CidrBlock=block)


def test_a_role_and_a_profile_of_the_same_name_are_refused(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    with refused("EntityAlreadyExists"):
        a_role(iam, "app")
    with refused("EntityAlreadyExists"):
        iam.create_instance_profile(InstanceProfileName="app")


def test_a_profile_holds_one_role(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    a_role(iam, "second")
    with refused("LimitExceeded"):
        iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName="second")


def test_a_parameter_is_written_once_unless_overwritten(sample: SampleApplication) -> None:
    ssm = sample.client("ssm")
    ssm.put_parameter(Name="/deploy/one", Value="first", Type="String")
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name="/deploy/one", Value="second", Type="String")
    assert ssm.get_parameter(Name="/deploy/one")["Parameter"]["Value"] == "first"
