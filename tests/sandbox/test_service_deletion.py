"""Deletion of services, names and permissions, which AWS refuses while something else needs them."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.sandbox.standing import Standing, a_role, a_target_group, refused, without_rules


def test_a_target_group_is_held_by_a_listener_and_by_a_rule(stands: Standing) -> None:
    second = a_target_group(stands.elbv2, "second", stands.vpc)
    rule = stands.elbv2.create_rule(
        ListenerArn=stands.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/api"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": second}],
    )["Rules"][0]["RuleArn"]
    for group in (stands.group, second):
        with refused("ResourceInUse"):
            stands.elbv2.delete_target_group(TargetGroupArn=group)
    stands.elbv2.delete_rule(RuleArn=rule)
    stands.elbv2.delete_target_group(TargetGroupArn=second)
    stands.elbv2.delete_listener(ListenerArn=stands.listener)
    stands.elbv2.delete_target_group(TargetGroupArn=stands.group)


def test_a_protected_load_balancer_stays(stands: Standing) -> None:
    for value in ("true", "false"):
        attributes = [{"Key": "deletion_protection.enabled", "Value": value}]
        stands.elbv2.modify_load_balancer_attributes(LoadBalancerArn=stands.balancer, Attributes=attributes)
        if value == "true":
            with refused("OperationNotPermitted"):
                stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)


def test_a_certificate_is_held_by_the_listener_that_shows_it(stands: Standing) -> None:
    stands.change("CREATE", stands.proof(stands.certificate))
    stands.pass_time(200)
    listener = stands.elbv2.create_listener(
        LoadBalancerArn=stands.balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": stands.certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": stands.group}],
    )["Listeners"][0]["ListenerArn"]
    shown = stands.acm.describe_certificate(CertificateArn=stands.certificate)["Certificate"]
    assert shown["InUseBy"] == [stands.balancer]
    with refused("ResourceInUseException"):
        stands.acm.delete_certificate(CertificateArn=stands.certificate)
    stands.elbv2.delete_listener(ListenerArn=listener)
    stands.acm.delete_certificate(CertificateArn=stands.certificate)


def test_a_database_is_not_deleted_without_a_word_about_its_data(stands: Standing) -> None:
    with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required"):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main")
    with refused("InvalidParameterCombination"):
        stands.rds.delete_db_instance(
            DBInstanceIdentifier="main", SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="last"
        )


def test_a_database_that_is_not_available_leaves_no_snapshot(stands: Standing) -> None:
    stands.rds.reboot_db_instance(DBInstanceIdentifier="main")
    with refused("InvalidDBInstanceState"):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("InvalidDBInstanceState", "already being deleted"):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


STATUSES = {
    "failed": ("InvalidDBInstanceState", "InvalidDBInstanceState"),
    "incompatible-network": ("InvalidDBInstanceState", "InvalidDBInstanceState"),
    "incompatible-parameters": ("", ""),
    "inaccessible-encryption-credentials": ("InvalidDBInstanceState", "KMSKeyNotAccessibleFault"),
    "modifying": ("InvalidDBInstanceState", "InvalidDBInstanceState"),
    "stopped": ("InvalidDBInstanceState", "InvalidDBInstanceState"),
    "storage-full": ("InvalidDBInstanceState", ""),
    "storage-optimization": ("", ""),
}
"""How AWS refuses a change and a final snapshot; "" where it does not."""


@pytest.mark.parametrize("status", STATUSES)
def test_a_databases_status_decides_what_is_refused(stands: Standing, status: str) -> None:
    def put() -> None:
        assert stands.world is not None
        stands.world.control("POST", "database", {"id": "main", "status": status})

    def taken(code: str) -> AbstractContextManager[object]:
        return refused(code) if code else nullcontext()

    put()
    change, snapshot = STATUSES[status]
    with taken(change):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=3, ApplyImmediately=True)
    put()
    with taken(change if status != "storage-full" else ""):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", AllocatedStorage=40, ApplyImmediately=True)
    put()
    with taken("" if status == "storage-optimization" else "InvalidDBInstanceState"):
        stands.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="now")
    with taken(snapshot):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    if snapshot:
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


def test_a_protected_database_stays(stands: Standing) -> None:
    stands.rds.modify_db_instance(DBInstanceIdentifier="main", DeletionProtection=True, ApplyImmediately=True)
    stands.pass_time(301)
    with refused("InvalidParameterCombination", "disable deletion pro"):
        stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


def test_the_groups_of_a_database_stay_until_it_is_gone(stands: Standing) -> None:
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    stands.pass_time(119)
    with refused("InvalidDBSubnetGroupStateFault"):
        stands.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    with refused("InvalidDBParameterGroupState"):
        stands.rds.delete_db_parameter_group(DBParameterGroupName="main")
    stands.pass_time(2)
    stands.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    stands.rds.delete_db_parameter_group(DBParameterGroupName="main")


def test_a_zone_with_records_stays(stands: Standing) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    stands.change("CREATE", record)
    with refused("HostedZoneNotEmpty"):
        stands.route53.delete_hosted_zone(Id=stands.zone)
    stands.change("DELETE", record)
    stands.route53.delete_hosted_zone(Id=stands.zone)


def test_a_role_stays_while_it_has_policies_or_a_profile(stands: Standing) -> None:
    iam = stands.client("iam")
    a_role(iam, "second")
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="second", PolicyName="inline", PolicyDocument=document)
    for role in ("app", "second"):
        with refused("DeleteConflict"):
            iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName="second", PolicyName="inline")
    iam.delete_role(RoleName="second")


def test_a_profile_stays_while_it_holds_a_role(stands: Standing) -> None:
    iam = stands.client("iam")
    with refused("DeleteConflict"):
        iam.delete_instance_profile(InstanceProfileName="app")
    iam.remove_role_from_instance_profile(InstanceProfileName="app", RoleName="app")
    iam.delete_instance_profile(InstanceProfileName="app")


def test_the_whole_comes_down_in_the_right_order(stands: Standing) -> None:
    """Every refusal above goes away when what it names is gone."""
    ec2, iam = stands.ec2, stands.client("iam")
    without_rules(stands)
    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.elbv2.delete_target_group(TargetGroupArn=stands.group)
    ec2.terminate_instances(InstanceIds=[stands.machine])
    ec2.delete_nat_gateway(NatGatewayId=stands.nat)
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    stands.pass_time(200)
    ec2.release_address(AllocationId=stands.address)
    stands.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    stands.rds.delete_db_parameter_group(DBParameterGroupName="main")
    ec2.detach_internet_gateway(InternetGatewayId=stands.gateway, VpcId=stands.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=stands.gateway)
    for subnet in stands.public + stands.private:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_route_table(RouteTableId=stands.routes)
    for group in (stands.web, stands.app, stands.data):
        ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=stands.vpc)
    iam.remove_role_from_instance_profile(InstanceProfileName="app", RoleName="app")
    iam.delete_instance_profile(InstanceProfileName="app")
    iam.delete_role(RoleName="app")
    assert stands.vpc not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
