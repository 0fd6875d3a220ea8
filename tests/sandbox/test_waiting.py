"""Durations of AWS: nothing is ready a second early, and nothing waits for a look."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.standing import PORT, Standing, a_role, a_target_group, database, refused


def nat_state(stands: Standing, nat: str) -> str:
    return str(stands.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"])


def test_a_nat_gateway_comes_after_105_s_and_goes_after_50(stands: Standing) -> None:
    address = stands.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = stands.ec2.create_nat_gateway(SubnetId=stands.public[1], AllocationId=address)["NatGateway"]
    nat = made["NatGatewayId"]
    assert made["State"] == "pending"
    stands.pass_time(104)
    assert nat_state(stands, nat) == "pending"
    stands.pass_time(2)
    assert nat_state(stands, nat) == "available"
    stands.ec2.delete_nat_gateway(NatGatewayId=nat)
    stands.pass_time(49)
    assert nat_state(stands, nat) == "deleting"
    stands.pass_time(2)
    assert nat_state(stands, nat) == "deleted"


def test_a_nat_gateway_without_internet_gateway_fails(stands: Standing) -> None:
    vpc, _ = stands.other_network()
    subnet = stands.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    address = stands.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = stands.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    stands.pass_time(21)
    (shown,) = stands.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    assert (shown["State"], shown["FailureCode"]) == ("failed", "Gateway.NotAttached")


def test_a_machine_runs_after_15_s_is_checked_after_150_and_gone_after_45(stands: Standing) -> None:
    def checked(instance: str) -> str:
        (row,) = stands.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
        return str(row["InstanceStatus"]["Status"])

    instance = stands.run()
    stands.pass_time(14)
    assert stands.state(instance) == "pending"
    stands.pass_time(2)
    assert stands.state(instance) == "running"
    stands.pass_time(133)
    assert checked(instance) == "initializing"
    stands.pass_time(2)
    assert checked(instance) == "ok"
    stands.ec2.terminate_instances(InstanceIds=[instance])
    stands.pass_time(44)
    assert stands.state(instance) == "shutting-down"
    stands.pass_time(2)
    assert stands.state(instance) == "terminated"


def test_a_load_balancer_is_active_after_160_s(stands: Standing) -> None:
    made = stands.elbv2.create_load_balancer(Name="second", Subnets=list(stands.public), SecurityGroups=[stands.web])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]

    def state() -> str:
        (shown,) = stands.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        return str(shown["State"]["Code"])

    stands.pass_time(159)
    assert state() == "provisioning"
    stands.pass_time(2)
    assert state() == "active"


def test_a_load_balancer_goes_after_20_s_and_its_interfaces_120_s_later(stands: Standing) -> None:
    def interfaces() -> int:
        filters = [{"Name": "description", "Values": ["ELB app/main/*"]}]
        return len(stands.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"])

    stands.elbv2.delete_load_balancer(LoadBalancerArn=stands.balancer)
    stands.pass_time(19)
    stands.elbv2.describe_load_balancers(LoadBalancerArns=[stands.balancer])
    stands.pass_time(2)
    with refused("LoadBalancerNotFound"):
        stands.elbv2.describe_load_balancers(LoadBalancerArns=[stands.balancer])
    stands.pass_time(118)
    assert interfaces() == 2
    stands.pass_time(2)
    assert interfaces() == 0


@pytest.mark.parametrize(("multi_az", "seconds"), [(False, 300), (True, 600)])
def test_a_database_is_available_after_300_s_or_600_in_two_zones(
    stands: Standing, multi_az: bool, seconds: int
) -> None:
    stands.rds.create_db_instance(**database(DBInstanceIdentifier="second", MultiAZ=multi_az))

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = stands.rds.describe_db_instances(DBInstanceIdentifier="second")["DBInstances"][0]
        return found

    stands.pass_time(seconds * 0.9 - 2)
    assert (shown()["DBInstanceStatus"], "Endpoint" in shown()) == ("creating", False)
    stands.pass_time(seconds * 0.1)
    assert (shown()["DBInstanceStatus"], "Endpoint" in shown()) == ("backing-up", True)
    stands.pass_time(4)
    assert shown()["DBInstanceStatus"] == "available"


def test_a_database_is_modified_for_300_s(stands: Standing) -> None:
    stands.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=7, ApplyImmediately=True)
    stands.pass_time(9)
    assert stands.database()["DBInstanceStatus"] == "available"
    assert stands.database()["PendingModifiedValues"] == {"BackupRetentionPeriod": 7}
    stands.pass_time(2)
    assert stands.database()["DBInstanceStatus"] == "modifying"
    stands.pass_time(288)
    assert stands.database()["DBInstanceStatus"] == "modifying"
    with refused("InvalidDBInstanceState"):
        stands.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=8, ApplyImmediately=True)
    stands.pass_time(2)
    assert (stands.database()["DBInstanceStatus"], stands.database()["BackupRetentionPeriod"]) == ("available", 7)


@pytest.mark.parametrize(
    ("last", "seconds"), [({"SkipFinalSnapshot": True}, 120), ({"FinalDBSnapshotIdentifier": "last"}, 300)]
)
def test_a_database_is_deleted_after_120_s_or_300_with_a_last_snapshot(
    stands: Standing, last: dict[str, Any], seconds: int
) -> None:
    stands.rds.delete_db_instance(DBInstanceIdentifier="main", **last)
    stands.pass_time(seconds - 1)
    assert stands.database()["DBInstanceStatus"] == "deleting"
    stands.pass_time(2)
    with refused("DBInstanceNotFound"):
        stands.database()


def test_a_database_stops_in_180_s_starts_in_300_and_reboots_in_60(stands: Standing) -> None:
    for act, during, then, seconds in (
        (stands.rds.stop_db_instance, "stopping", "stopped", 180),
        (stands.rds.start_db_instance, "starting", "available", 300),
        (stands.rds.reboot_db_instance, "rebooting", "available", 60),
    ):
        act(DBInstanceIdentifier="main")
        stands.pass_time(seconds - 1)
        assert stands.database()["DBInstanceStatus"] == during
        stands.pass_time(2)
        assert stands.database()["DBInstanceStatus"] == then


def test_a_machine_stops_in_45_s(stands: Standing) -> None:
    stands.ec2.stop_instances(InstanceIds=[stands.machine])
    stands.pass_time(44)
    assert stands.state(stands.machine) == "stopping"
    stands.pass_time(2)
    assert stands.state(stands.machine) == "stopped"
    assert stands.health() == ("unused", "Target.InvalidState")


def test_a_snapshot_is_made_after_180_s(stands: Standing) -> None:
    def status() -> str:
        return str(stands.rds.describe_db_snapshots(DBSnapshotIdentifier="one")["DBSnapshots"][0]["Status"])

    stands.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="one")
    stands.pass_time(179)
    assert status() == "creating"
    with refused("InvalidDBSnapshotState"):
        stands.rds.delete_db_snapshot(DBSnapshotIdentifier="one")
    stands.pass_time(2)
    assert status() == "available"


def test_a_certificate_names_its_record_after_5_s_and_is_issued_120_s_after_that_is_insync(stands: Standing) -> None:
    arn = stands.acm.request_certificate(DomainName="new.example.com", ValidationMethod="DNS")["CertificateArn"]

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = stands.acm.describe_certificate(CertificateArn=arn)["Certificate"]
        return found

    stands.pass_time(4)
    assert "ResourceRecord" not in shown()["DomainValidationOptions"][0]
    stands.pass_time(2)
    stands.change("CREATE", stands.proof(arn))
    stands.pass_time(45 + 119)
    assert shown()["Status"] == "PENDING_VALIDATION"
    stands.pass_time(2)
    assert shown()["Status"] == "ISSUED"
    assert (shown()["NotAfter"] - shown()["IssuedAt"]).days == 198


def test_a_certificate_is_never_issued_without_its_record(stands: Standing) -> None:
    def status() -> str:
        return str(stands.acm.describe_certificate(CertificateArn=stands.certificate)["Certificate"]["Status"])

    assert status() == "PENDING_VALIDATION"
    stands.pass_time(72 * 3600)
    assert status() == "VALIDATION_TIMED_OUT"


def test_a_certificate_waits_for_its_zone_to_be_delegated(stands: Standing) -> None:
    made = stands.route53.create_hosted_zone(Name="apart.example.com", CallerReference="apart")
    arn = stands.acm.request_certificate(DomainName="apart.example.com", ValidationMethod="DNS")["CertificateArn"]

    def status() -> str:
        return str(stands.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    stands.pass_time(6)
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": stands.proof(arn)}]}
    stands.route53.change_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"], ChangeBatch=changes)
    stands.pass_time(3600)
    assert status() == "PENDING_VALIDATION"
    servers = [{"Value": name} for name in made["DelegationSet"]["NameServers"]]
    record = {"Name": "apart.example.com", "Type": "NS", "TTL": 300, "ResourceRecords": servers}
    stands.change("CREATE", record)
    stands.pass_time(45 + 121)
    assert status() == "ISSUED"


def test_a_change_of_dns_is_insync_after_45_s(stands: Standing) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = stands.change("CREATE", record)
    stands.pass_time(44)
    assert stands.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    stands.pass_time(2)
    assert stands.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"


def test_ec2_hears_of_a_new_profile_and_of_its_role_after_10_s(stands: Standing) -> None:
    iam = stands.client("iam")
    iam.create_instance_profile(InstanceProfileName="new")
    a_role(iam, "new")
    stands.pass_time(9)
    with refused("InvalidParameterValue", "Invalid IAM Instance Profile name"):
        stands.run(IamInstanceProfile={"Name": "new"})
    stands.pass_time(2)
    with refused("InvalidParameterValue", "has no associated IAM Roles"):
        stands.run(IamInstanceProfile={"Name": "new"})
    iam.add_role_to_instance_profile(InstanceProfileName="new", RoleName="new")
    stands.pass_time(9)
    with refused("InvalidParameterValue", "has no associated IAM Roles"):
        stands.run(IamInstanceProfile={"Name": "new"})
    stands.pass_time(2)
    assert stands.state(stands.run(IamInstanceProfile={"Name": "new"})) == "pending"


def test_a_target_is_healthy_two_checks_after_its_machine_has_booted(stands: Standing) -> None:
    instance = stands.run()
    stands.pass_time(16)
    group = a_target_group(stands.elbv2, "second", stands.vpc)
    stands.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert stands.health(group) == ("unused", "Target.NotInUse")
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    stands.elbv2.modify_listener(ListenerArn=stands.listener, DefaultActions=forward)
    assert stands.health(group) == ("initial", "Elb.InitialHealthChecking")
    stands.pass_time(21)
    assert stands.health(group) == ("unhealthy", "Target.FailedHealthChecks")
    stands.pass_time(90 - 1 - 21 + 19)
    assert stands.health(group)[0] == "unhealthy"
    stands.pass_time(3)
    assert stands.health(group) == ("healthy", "")


def test_a_target_that_served_is_drained_for_its_groups_delay(stands: Standing) -> None:
    assert stands.health() == ("healthy", "")
    stands.elbv2.deregister_targets(TargetGroupArn=stands.group, Targets=[{"Id": stands.machine}])
    stands.pass_time(299)
    assert stands.health() == ("draining", "Target.DeregistrationInProgress")
    stands.pass_time(2)
    assert stands.elbv2.describe_target_health(TargetGroupArn=stands.group)["TargetHealthDescriptions"] == []


@pytest.mark.parametrize("script", ["#!/bin/bash\nset -e\n", f"#!/bin/bash\necho {PORT}\n"])
def test_a_target_whose_user_data_starts_nothing_on_the_port_stays_unhealthy(stands: Standing, script: str) -> None:
    instance = stands.run(UserData=script)
    stands.pass_time(16)
    stands.elbv2.deregister_targets(TargetGroupArn=stands.group, Targets=[{"Id": stands.machine}])
    stands.elbv2.register_targets(TargetGroupArn=stands.group, Targets=[{"Id": instance}])
    stands.pass_time(3600)
    assert stands.health() == ("unhealthy", "Target.FailedHealthChecks")


def test_a_target_whose_group_does_not_admit_the_load_balancer_times_out(stands: Standing) -> None:
    (group,) = stands.ec2.describe_security_groups(GroupIds=[stands.app])["SecurityGroups"]
    stands.ec2.revoke_security_group_ingress(GroupId=stands.app, IpPermissions=group["IpPermissions"])
    assert stands.health() == ("unhealthy", "Target.Timeout")
