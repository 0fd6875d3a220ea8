"""Every attribute that awsdeploy sets is read again: changed by hand, `plan` shows it and `up` mends it.

`HANDS` changes one thing through a plain client. `SETTLED` names the parameters that nobody can change
afterwards, each with the reason. What awsdeploy sends is recorded; a parameter in neither fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from awsdeploy.aws import Client
from awsdeploy.resource import Live
from tests.simulated import READS, World, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "drift"
environment = "dev"
domain = "example.com"
platform = "supported"

[network]
nat = true

[database]
multi_az = true
"""

Hand = Callable[[World, dict[str, Live]], None]
HANDS: dict[str, tuple[str, Hand]] = {}
"""What is changed → the resource whose plan must show it, and how it is changed."""
COVERS: dict[str, str] = {}
"""A parameter awsdeploy sends → the row of `HANDS` that proves it is read."""


def by_hand(name: str, key: str, *covers: str) -> Callable[[Hand], Hand]:
    def enter(hand: Hand) -> Hand:
        HANDS[name] = (key, hand)
        COVERS.update(dict.fromkeys(covers, name))
        return hand

    return enter


@by_hand("DNS support", "network/vpc")
def _(aws: World, live: dict[str, Live]) -> None:
    ec2 = aws.client("ec2")
    # AWS: host names need DNS support, so they go first.
    ec2.modify_vpc_attribute(VpcId=live["network/vpc"].id, EnableDnsHostnames={"Value": False})
    ec2.modify_vpc_attribute(VpcId=live["network/vpc"].id, EnableDnsSupport={"Value": False})


@by_hand("DNS host names", "network/vpc", "ec2:ModifyVpcAttribute.EnableDnsHostnames")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").modify_vpc_attribute(VpcId=live["network/vpc"].id, EnableDnsHostnames={"Value": False})


@by_hand("public addresses", "network/public-a", "ec2:ModifySubnetAttribute.MapPublicIpOnLaunch")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").modify_subnet_attribute(
        SubnetId=live["network/public-a"].id, MapPublicIpOnLaunch={"Value": False}
    )


@by_hand(
    "private default route deleted",
    "network/private-routes",
    "ec2:CreateRoute.DestinationCidrBlock",
    "ec2:CreateRoute.NatGatewayId",
)
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").delete_route(RouteTableId=live["network/private-routes"].id, DestinationCidrBlock="0.0.0.0/0")


@by_hand("public default route bent", "network/public-routes", "ec2:CreateRoute.GatewayId")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").replace_route(
        RouteTableId=live["network/public-routes"].id,
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=live["network/nat"].id,
    )


@by_hand("subnet out of its route table", "network/private-routes", "ec2:AssociateRouteTable.SubnetId")
def _(aws: World, live: dict[str, Live]) -> None:
    for one in live["network/private-routes"].raw["Associations"]:
        if one.get("SubnetId") == live["network/private-a"].id:
            aws.client("ec2").disassociate_route_table(AssociationId=one["RouteTableAssociationId"])


def _web(source: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": source}]}]


@by_hand("rule taken", "security/alb", "ec2:AuthorizeSecurityGroupIngress.IpPermissions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").revoke_security_group_ingress(GroupId=live["security/alb"].id, IpPermissions=_web("0.0.0.0/0"))


@by_hand("rule added", "security/rds")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").authorize_security_group_ingress(GroupId=live["security/rds"].id, IpPermissions=_web("0.0.0.0/0"))


@by_hand("way out opened", "security/rds", "ec2:RevokeSecurityGroupEgress.IpPermissions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").authorize_security_group_egress(
        GroupId=live["security/rds"].id,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )


@by_hand("database in other subnets", "database/subnets", "rds:CreateDBSubnetGroup.SubnetIds")
def _(aws: World, live: dict[str, Live]) -> None:
    names = ("private-a", "private-c", "public-a")
    aws.client("rds").modify_db_subnet_group(
        DBSubnetGroupName=live["database/subnets"].id, SubnetIds=[live[f"network/{name}"].id for name in names]
    )


@by_hand("MySQL setting", "database/parameters", "rds:ModifyDBParameterGroup.Parameters")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("rds").modify_db_parameter_group(
        DBParameterGroupName=live["database/parameters"].id,
        Parameters=[{"ParameterName": "slow_query_log", "ParameterValue": "0", "ApplyMethod": "immediate"}],
    )


def _database(field: str, value: Any) -> None:
    def hand(aws: World, live: dict[str, Live]) -> None:
        aws.client("rds").modify_db_instance(
            DBInstanceIdentifier=live["database/mysql"].id, ApplyImmediately=True, **{field: value}
        )

    by_hand(f"database {field}", "database/mysql", f"rds:CreateDBInstance.{field}")(hand)


for field, value in {
    "DBInstanceClass": "db.t3.medium",
    "MultiAZ": False,
    "MaxAllocatedStorage": 500,
    "StorageType": "gp2",
    "BackupRetentionPeriod": 1,
    "DeletionProtection": True,
    "PubliclyAccessible": True,
    "CopyTagsToSnapshot": False,
    "AutoMinorVersionUpgrade": False,
}.items():
    _database(field, value)


@by_hand("database open to another group", "database/mysql", "rds:CreateDBInstance.VpcSecurityGroupIds")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=live["database/mysql"].id,
        VpcSecurityGroupIds=[live["security/alb"].id],
        ApplyImmediately=True,
    )


@by_hand("database with other parameters", "database/mysql", "rds:CreateDBInstance.DBParameterGroupName")
def _(aws: World, live: dict[str, Live]) -> None:
    rds = aws.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="by-hand", DBParameterGroupFamily="mysql8.4", Description="by hand"
    )
    rds.modify_db_instance(
        DBInstanceIdentifier=live["database/mysql"].id, DBParameterGroupName="by-hand", ApplyImmediately=True
    )


@by_hand(
    "password changed",
    "database/mysql",
    "ssm:PutParameter.Value",
    "rds:CreateDBInstance.MasterUserPassword",
)
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ssm").put_parameter(
        Name=live["database/password"].id, Value="ByHand1234567890", Type="SecureString", Overwrite=True
    )


@by_hand("role policy", "machines/role", "iam:PutRolePolicy.PolicyDocument")
def _(aws: World, live: dict[str, Live]) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    aws.client("iam").put_role_policy(
        RoleName=live["machines/role"].id, PolicyName="awsdeploy", PolicyDocument=json.dumps(everything)
    )


@by_hand("role policy deleted", "machines/role", "iam:PutRolePolicy.PolicyName")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("iam").delete_role_policy(RoleName=live["machines/role"].id, PolicyName="awsdeploy")


@by_hand("who may be the role", "machines/role", "iam:CreateRole.AssumeRolePolicyDocument")
def _(aws: World, live: dict[str, Live]) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(
        RoleName=live["machines/role"].id,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@by_hand("profile without its role", "machines/profile", "iam:AddRoleToInstanceProfile.RoleName")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("iam").remove_role_from_instance_profile(
        InstanceProfileName=live["machines/profile"].id, RoleName=live["machines/role"].id
    )


@by_hand("machine in another group", "machines/frontend-1", "ec2:RunInstances.SecurityGroupIds")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").modify_instance_attribute(
        InstanceId=live["machines/frontend-1"].id, Groups=[live["security/alb"].id]
    )


@by_hand("metadata without a token", "machines/frontend-1", "ec2:RunInstances.MetadataOptions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("ec2").modify_instance_metadata_options(InstanceId=live["machines/frontend-1"].id, HttpTokens="optional")


@by_hand("machine without its profile", "machines/frontend-1", "ec2:RunInstances.IamInstanceProfile")
def _(aws: World, live: dict[str, Live]) -> None:
    ec2 = aws.client("ec2")
    (one,) = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [live["machines/frontend-1"].id]}]
    )["IamInstanceProfileAssociations"]
    ec2.disassociate_iam_instance_profile(AssociationId=one["AssociationId"])


@by_hand("machine stopped", "machines/frontend-1")
def _(aws: World, live: dict[str, Live]) -> None:
    _stop(aws, live["machines/frontend-1"].id)


@by_hand("machine of another type", "machines/frontend-1", "ec2:RunInstances.InstanceType")
def _(aws: World, live: dict[str, Live]) -> None:
    id = live["machines/frontend-1"].id
    _stop(aws, id)
    aws.client("ec2").modify_instance_attribute(InstanceId=id, InstanceType={"Value": "t3.large"})
    aws.client("ec2").start_instances(InstanceIds=[id])


@by_hand("user data", "machines/frontend-1", "ec2:RunInstances.UserData")
def _(aws: World, live: dict[str, Live]) -> None:
    id = live["machines/frontend-1"].id
    _stop(aws, id)
    aws.client("ec2").modify_instance_attribute(InstanceId=id, UserData={"Value": b"#!/bin/sh\n"})
    aws.client("ec2").start_instances(InstanceIds=[id])


def _stop(aws: World, id: str) -> None:
    aws.client("ec2").stop_instances(InstanceIds=[id])
    aws.pass_time(600)


@by_hand("disk of another type", "machines/frontend-1", "ec2:RunInstances.BlockDeviceMappings")
def _(aws: World, live: dict[str, Live]) -> None:
    (one,) = live["machines/frontend-1"].raw["BlockDeviceMappings"]
    aws.client("ec2").modify_volume(VolumeId=one["Ebs"]["VolumeId"], VolumeType="gp2")


def _balancer_attribute(key: str, value: str) -> None:
    def hand(aws: World, live: dict[str, Live]) -> None:
        aws.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=live["web/alb"].id, Attributes=[{"Key": key, "Value": value}]
        )

    by_hand(f"load balancer {key}", "web/alb", "elbv2:ModifyLoadBalancerAttributes.Attributes")(hand)


for key, text in {
    "idle_timeout.timeout_seconds": "10",
    "client_keep_alive.seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "deletion_protection.enabled": "true",
}.items():
    _balancer_attribute(key, text)


@by_hand("load balancer in another group", "web/alb", "elbv2:CreateLoadBalancer.SecurityGroups")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").set_security_groups(
        LoadBalancerArn=live["web/alb"].id, SecurityGroups=[live["security/frontend"].id]
    )


def _group_setting(field: str, value: Any) -> None:
    def hand(aws: World, live: dict[str, Live]) -> None:
        aws.client("elbv2").modify_target_group(TargetGroupArn=live["web/backend"].id, **{field: value})

    by_hand(f"target group {field}", "web/backend", f"elbv2:CreateTargetGroup.{field}")(hand)


for field, value in {
    "HealthCheckPath": "/elsewhere",
    "HealthCheckProtocol": "HTTPS",
    "HealthCheckIntervalSeconds": 60,
    "HealthCheckTimeoutSeconds": 9,
    "HealthyThresholdCount": 7,
    "UnhealthyThresholdCount": 9,
    "Matcher": {"HttpCode": "418"},
}.items():
    _group_setting(field, value)


@by_hand("deregistration delay", "web/backend", "elbv2:ModifyTargetGroupAttributes.Attributes")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=live["web/backend"].id,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}],
    )


@by_hand("target deregistered", "web/backend", "elbv2:RegisterTargets.Targets")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").deregister_targets(
        TargetGroupArn=live["web/backend"].id, Targets=[{"Id": live["machines/backend-1"].id}]
    )
    aws.pass_time(600)


@by_hand("another target", "web/backend")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").register_targets(
        TargetGroupArn=live["web/backend"].id, Targets=[{"Id": live["machines/frontend-1"].id, "Port": 9999}]
    )


def _forward(live: dict[str, Live], to: str) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": live[to].id}]


@by_hand("port 80 forwards", "web/http", "elbv2:CreateListener.DefaultActions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").modify_listener(ListenerArn=live["web/http"].id, DefaultActions=_forward(live, "web/backend"))


@by_hand("old TLS", "web/https", "elbv2:CreateListener.SslPolicy")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").modify_listener(ListenerArn=live["web/https"].id, SslPolicy="ELBSecurityPolicy-2016-08")


def _rules(aws: World, live: dict[str, Live]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = aws.client("elbv2").describe_rules(ListenerArn=live["web/https"].id)["Rules"]
    return sorted((rule for rule in rules if rule["Priority"] != "default"), key=lambda rule: int(rule["Priority"]))


@by_hand("rule deleted", "web/https", "elbv2:CreateRule.Priority")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").delete_rule(RuleArn=_rules(aws, live)[0]["RuleArn"])


@by_hand("rule leads elsewhere", "web/https", "elbv2:CreateRule.Actions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").modify_rule(RuleArn=_rules(aws, live)[1]["RuleArn"], Actions=_forward(live, "web/frontend"))


@by_hand("rule for other paths", "web/https", "elbv2:CreateRule.Conditions")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").modify_rule(
        RuleArn=_rules(aws, live)[1]["RuleArn"],
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/other"]}}],
    )


@by_hand("rule added to the listener", "web/https")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("elbv2").create_rule(
        ListenerArn=live["web/https"].id,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/by-hand"]}}],
        Actions=_forward(live, "web/frontend"),
    )


@by_hand("alias without health", "dns/example.com", "route53:ChangeResourceRecordSets.ChangeBatch")
def _(aws: World, live: dict[str, Live]) -> None:
    record = {name: part for name, part in live["dns/example.com"].raw.items() if name != "Zone"}
    changed = {**record, "AliasTarget": {**record["AliasTarget"], "EvaluateTargetHealth": False}}
    _record(aws, live["dns/example.com"].raw["Zone"], changed)


@by_hand("proof with another TTL", "dns/proof/example.com")
def _(aws: World, live: dict[str, Live]) -> None:
    raw = live["dns/proof/example.com"].raw
    _record(aws, raw["Zone"], {**{name: part for name, part in raw.items() if name != "Zone"}, "TTL": 60})


def _record(aws: World, zone: str, record: dict[str, Any]) -> None:
    aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )


NAME = "names the object"
EDGE = "AWS has no call to move it"
IDENTITY = "tags are identity: without them it is not ours; a Name changed by hand is the owner's"
SETTLED = {
    "acm:RequestCertificate.DomainName": EDGE,
    "acm:RequestCertificate.IdempotencyToken": "not kept by AWS",
    "acm:RequestCertificate.SubjectAlternativeNames": EDGE,
    "acm:RequestCertificate.ValidationMethod": EDGE,
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
    "ec2:RunInstances.ImageId": EDGE,
    "ec2:RunInstances.MaxCount": "not kept by AWS",
    "ec2:RunInstances.MinCount": "not kept by AWS",
    "ec2:RunInstances.SubnetId": EDGE,
    "elbv2:CreateListener.Certificates": "one more certificate of the account would be needed; see the TLS tests",
    "elbv2:CreateListener.Port": "a listener of another port is another listener",
    "elbv2:CreateListener.Protocol": "follows from the certificate",
    "elbv2:CreateLoadBalancer.IpAddressType": "dual-stack needs IPv6 subnets, which the VPC has not",
    "elbv2:CreateLoadBalancer.Scheme": EDGE,
    "elbv2:CreateLoadBalancer.Subnets": "AWS keeps at least two, and the VPC has two public ones",
    "elbv2:CreateLoadBalancer.Type": EDGE,
    "elbv2:CreateTargetGroup.Port": EDGE,
    "elbv2:CreateTargetGroup.Protocol": EDGE,
    "elbv2:CreateTargetGroup.TargetType": EDGE,
    "elbv2:CreateTargetGroup.VpcId": EDGE,
    "iam:CreateInstanceProfile.Path": EDGE,
    "iam:CreateRole.Path": EDGE,
    "rds:CreateDBInstance.AllocatedStorage": "AWS never shrinks it, and what has grown is kept",
    "rds:CreateDBInstance.DBName": EDGE,
    "rds:CreateDBInstance.Engine": EDGE,
    "rds:CreateDBInstance.EngineVersion": "AWS never goes back to an older version",
    "rds:CreateDBInstance.DBSubnetGroupName": "only within another VPC",
    "rds:CreateDBInstance.MasterUsername": EDGE,
    "rds:CreateDBInstance.StorageEncrypted": EDGE,
    "rds:CreateDBParameterGroup.DBParameterGroupFamily": EDGE,
    "rds:CreateDBParameterGroup.Description": EDGE,
    "rds:CreateDBSubnetGroup.DBSubnetGroupDescription": "words for people, with no effect",
    "ssm:PutParameter.Type": "AWS refuses to change it",
}
NAMES = ("Name", "Identifier", "Id", "Arn", "Tags", "TagSpecifications", "ClientToken")


@pytest.fixture(scope="module")
def sent() -> Iterator[set[str]]:
    """Every parameter of every write that awsdeploy sends."""
    seen: set[str] = set()
    original = Client._once

    def once(self: Client, raw: Any, method: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if not operation.startswith(READS):
            seen.update(f"{self._service}:{operation}.{name}" for name in parameters)
        return original(self, raw, method, operation, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "_once", once)
        yield seen


@pytest.fixture(scope="module")
def stack(sent: set[str], module_world: World) -> tuple[World, set[str]]:
    module_world.up(module_world.settings(CONFIG))
    return module_world, set(sent)


def test_every_attribute_we_set_has_a_row(stack: tuple[World, set[str]]) -> None:
    _, seen = stack
    explained = {*COVERS, *SETTLED}
    unexplained = {name for name in seen - explained if not name.endswith(NAMES) and "/lock" not in name}
    assert unexplained == set()
    assert set(SETTLED) - seen == set(), "no longer sent"
    assert set(COVERS) - seen == set(), "no longer sent"


@pytest.mark.parametrize("name", HANDS)
def test_a_change_by_hand_is_shown_and_mended(stack: tuple[World, set[str]], name: str) -> None:
    world, _ = stack
    settings = world.settings(CONFIG)
    key, hand = HANDS[name]
    live = {one.key: one for one in world.everything(settings)}
    hand(world, live)
    world.pass_time(900)
    shown = {item.resource.key: item for item in world.plan(settings).items.values() if item.action != "none"}
    assert key in shown
    assert shown[key].changes, f"{key} {shown[key].action}"
    world.up(settings)
    world.pass_time(900)
    assert world.plan(settings).quiet
    assert writes(world.up(settings)) == {}
