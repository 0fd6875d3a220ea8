"""Deletion of services, names and permissions, which AWS refuses while something else needs them."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.sandbox.sample_application import SampleApplication, a_role, a_target_group, refused, without_rules


def test_a_target_group_is_held_by_a_listener_and_by_a_rule(sample: SampleApplication) -> None:
    second = a_target_group(sample.elbv2, "second", sample.vpc)
    rule = sample.elbv2.create_rule(
        ListenerArn=sample.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/api"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": second}],
    )["Rules"][0]["RuleArn"]
    for group in (sample.group, second):
        with refused("ResourceInUse"):
            sample.elbv2.delete_target_group(TargetGroupArn=group)
    sample.elbv2.delete_rule(RuleArn=rule)
    sample.elbv2.delete_target_group(TargetGroupArn=second)
    sample.elbv2.delete_listener(ListenerArn=sample.listener)
    sample.elbv2.delete_target_group(TargetGroupArn=sample.group)


def test_a_protected_load_balancer_stays(sample: SampleApplication) -> None:
    for value in ("true", "false"):
        attributes = [{"Key": "deletion_protection.enabled", "Value": value}]
        sample.elbv2.modify_load_balancer_attributes(LoadBalancerArn=sample.balancer, Attributes=attributes)
        if value == "true":
            with refused("OperationNotPermitted"):
                sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)


def test_a_certificate_is_held_by_the_listener_that_shows_it(sample: SampleApplication) -> None:
    sample.change("CREATE", sample.proof(sample.certificate))
    sample.pass_time(200)
    listener = sample.elbv2.create_listener(
        LoadBalancerArn=sample.balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": sample.certificate}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": sample.group}],
    )["Listeners"][0]["ListenerArn"]
    shown = sample.acm.describe_certificate(CertificateArn=sample.certificate)["Certificate"]
    assert shown["InUseBy"] == [sample.balancer]
    with refused("ResourceInUseException"):
        sample.acm.delete_certificate(CertificateArn=sample.certificate)
    sample.elbv2.delete_listener(ListenerArn=listener)
    sample.acm.delete_certificate(CertificateArn=sample.certificate)


def test_a_database_is_not_deleted_without_a_word_about_its_data(sample: SampleApplication) -> None:
    with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required"):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main")
    with refused("InvalidParameterCombination"):
        sample.rds.delete_db_instance(
            DBInstanceIdentifier="main", SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="last"
        )


def test_a_database_that_is_not_available_leaves_no_snapshot(sample: SampleApplication) -> None:
    sample.rds.reboot_db_instance(DBInstanceIdentifier="main")
    with refused("InvalidDBInstanceState"):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("InvalidDBInstanceState", "already being deleted"):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


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
"""Codes with which AWS refuses a change and a final snapshot; "" where it does not."""


@pytest.mark.parametrize("status", STATUSES)
def test_a_databases_status_decides_what_is_refused(sample: SampleApplication, status: str) -> None:
    def put() -> None:
        assert sample.world is not None
        sample.world.control("POST", "database", {"id": "main", "status": status})

    def taken(code: str) -> AbstractContextManager[object]:
        return refused(code) if code else nullcontext()

    put()
    change, snapshot = STATUSES[status]
    with taken(change):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=3, ApplyImmediately=True)
    put()
    with taken(change if status != "storage-full" else ""):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", AllocatedStorage=40, ApplyImmediately=True)
    put()
    with taken("" if status == "storage-optimization" else "InvalidDBInstanceState"):
        sample.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="now")
    with taken(snapshot):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    if snapshot:
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


def test_a_protected_database_stays(sample: SampleApplication) -> None:
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", DeletionProtection=True, ApplyImmediately=True)
    sample.pass_time(301)
    with refused("InvalidParameterCombination", "disable deletion pro"):
        sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)


def test_the_groups_of_a_database_stay_until_it_is_gone(sample: SampleApplication) -> None:
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    sample.pass_time(119)
    with refused("InvalidDBSubnetGroupStateFault"):
        sample.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    with refused("InvalidDBParameterGroupState"):
        sample.rds.delete_db_parameter_group(DBParameterGroupName="main")
    sample.pass_time(2)
    sample.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    sample.rds.delete_db_parameter_group(DBParameterGroupName="main")


def test_a_zone_with_records_stays(sample: SampleApplication) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    sample.change("CREATE", record)
    with refused("HostedZoneNotEmpty"):
        sample.route53.delete_hosted_zone(Id=sample.zone)
    sample.change("DELETE", record)
    sample.route53.delete_hosted_zone(Id=sample.zone)


def test_a_role_stays_while_it_has_policies_or_a_profile(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    a_role(iam, "second")
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="second", PolicyName="inline", PolicyDocument=document)
    for role in ("app", "second"):
        with refused("DeleteConflict"):
            iam.delete_role(RoleName=role)
    iam.delete_role_policy(RoleName="second", PolicyName="inline")
    iam.delete_role(RoleName="second")


def test_a_profile_stays_while_it_holds_a_role(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    with refused("DeleteConflict"):
        iam.delete_instance_profile(InstanceProfileName="app")
    iam.remove_role_from_instance_profile(InstanceProfileName="app", RoleName="app")
    iam.delete_instance_profile(InstanceProfileName="app")


def test_the_whole_comes_down_in_the_right_order(sample: SampleApplication) -> None:
    """Every refusal above goes away when what it names is gone."""
    ec2, iam = sample.ec2, sample.client("iam")
    without_rules(sample)
    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.elbv2.delete_target_group(TargetGroupArn=sample.group)
    ec2.terminate_instances(InstanceIds=[sample.machine])
    ec2.delete_nat_gateway(NatGatewayId=sample.nat)
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    sample.pass_time(200)
    ec2.release_address(AllocationId=sample.address)
    sample.rds.delete_db_subnet_group(DBSubnetGroupName="main")
    sample.rds.delete_db_parameter_group(DBParameterGroupName="main")
    ec2.detach_internet_gateway(InternetGatewayId=sample.gateway, VpcId=sample.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=sample.gateway)
    for subnet in sample.public + sample.private:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_route_table(RouteTableId=sample.routes)
    for group in (sample.web, sample.app, sample.data):
        ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=sample.vpc)
    iam.remove_role_from_instance_profile(InstanceProfileName="app", RoleName="app")
    iam.delete_instance_profile(InstanceProfileName="app")
    iam.delete_role(RoleName="app")
    assert sample.vpc not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
