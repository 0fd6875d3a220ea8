"""Durations of AWS: nothing is ready a second early, and nothing waits for a look."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.sample_application import PORT, SampleApplication, a_role, a_target_group, database, refused


def nat_state(sample: SampleApplication, nat: str) -> str:
    return str(sample.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"])


def test_a_nat_gateway_comes_after_105_s_and_goes_after_50(sample: SampleApplication) -> None:
    address = sample.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = sample.ec2.create_nat_gateway(SubnetId=sample.public[1], AllocationId=address)["NatGateway"]
    nat = made["NatGatewayId"]
    assert made["State"] == "pending"
    sample.pass_time(104)
    assert nat_state(sample, nat) == "pending"
    sample.pass_time(2)
    assert nat_state(sample, nat) == "available"
    sample.ec2.delete_nat_gateway(NatGatewayId=nat)
    sample.pass_time(49)
    assert nat_state(sample, nat) == "deleting"
    sample.pass_time(2)
    assert nat_state(sample, nat) == "deleted"


def test_a_nat_gateway_without_internet_gateway_fails(sample: SampleApplication) -> None:
    vpc, _ = sample.other_network()
    subnet = sample.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    address = sample.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = sample.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    sample.pass_time(21)
    (shown,) = sample.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    assert (shown["State"], shown["FailureCode"]) == ("failed", "Gateway.NotAttached")


def test_a_machine_runs_after_15_s_is_checked_after_150_and_gone_after_45(sample: SampleApplication) -> None:
    def checked(instance: str) -> str:
        (row,) = sample.ec2.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"]
        return str(row["InstanceStatus"]["Status"])

    instance = sample.run()
    sample.pass_time(14)
    assert sample.state(instance) == "pending"
    sample.pass_time(2)
    assert sample.state(instance) == "running"
    sample.pass_time(133)
    assert checked(instance) == "initializing"
    sample.pass_time(2)
    assert checked(instance) == "ok"
    sample.ec2.terminate_instances(InstanceIds=[instance])
    sample.pass_time(44)
    assert sample.state(instance) == "shutting-down"
    sample.pass_time(2)
    assert sample.state(instance) == "terminated"


def test_a_load_balancer_is_active_after_160_s(sample: SampleApplication) -> None:
    made = sample.elbv2.create_load_balancer(Name="second", Subnets=list(sample.public), SecurityGroups=[sample.web])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]

    def state() -> str:
        (shown,) = sample.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
        return str(shown["State"]["Code"])

    sample.pass_time(159)
    assert state() == "provisioning"
    sample.pass_time(2)
    assert state() == "active"


def test_a_load_balancer_goes_after_20_s_and_its_interfaces_120_s_later(sample: SampleApplication) -> None:
    def interfaces() -> int:
        filters = [{"Name": "description", "Values": ["ELB app/main/*"]}]
        return len(sample.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"])

    sample.elbv2.delete_load_balancer(LoadBalancerArn=sample.balancer)
    sample.pass_time(19)
    sample.elbv2.describe_load_balancers(LoadBalancerArns=[sample.balancer])
    sample.pass_time(2)
    with refused("LoadBalancerNotFound"):
        sample.elbv2.describe_load_balancers(LoadBalancerArns=[sample.balancer])
    sample.pass_time(118)
    assert interfaces() == 2
    sample.pass_time(2)
    assert interfaces() == 0


@pytest.mark.parametrize(("multi_az", "seconds"), [(False, 300), (True, 600)])
def test_a_database_is_available_after_300_s_or_600_in_two_zones(
    sample: SampleApplication, multi_az: bool, seconds: int
) -> None:
    sample.rds.create_db_instance(**database(DBInstanceIdentifier="second", MultiAZ=multi_az))

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = sample.rds.describe_db_instances(DBInstanceIdentifier="second")["DBInstances"][0]
        return found

    sample.pass_time(seconds * 0.9 - 2)
    assert (shown()["DBInstanceStatus"], "Endpoint" in shown()) == ("creating", False)
    sample.pass_time(seconds * 0.1)
    assert (shown()["DBInstanceStatus"], "Endpoint" in shown()) == ("backing-up", True)
    sample.pass_time(4)
    assert shown()["DBInstanceStatus"] == "available"


def test_a_database_is_modified_for_300_s(sample: SampleApplication) -> None:
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=7, ApplyImmediately=True)
    sample.pass_time(9)
    assert sample.database()["DBInstanceStatus"] == "available"
    assert sample.database()["PendingModifiedValues"] == {"BackupRetentionPeriod": 7}
    sample.pass_time(2)
    assert sample.database()["DBInstanceStatus"] == "modifying"
    sample.pass_time(288)
    assert sample.database()["DBInstanceStatus"] == "modifying"
    with refused("InvalidDBInstanceState"):
        sample.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=8, ApplyImmediately=True)
    sample.pass_time(2)
    assert (sample.database()["DBInstanceStatus"], sample.database()["BackupRetentionPeriod"]) == ("available", 7)


def test_some_settings_of_a_database_change_at_once(sample: SampleApplication) -> None:
    wanted = {"DeletionProtection": True, "CopyTagsToSnapshot": True, "AutoMinorVersionUpgrade": False}
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", **wanted, MaxAllocatedStorage=300)
    shown = sample.database()
    assert {name: shown[name] for name in wanted} == wanted
    assert (shown["MaxAllocatedStorage"], shown["PendingModifiedValues"]) == (300, {})
    sample.pass_time(11)
    assert sample.database()["DBInstanceStatus"] == "available"


@pytest.mark.parametrize(
    ("last", "seconds"), [({"SkipFinalSnapshot": True}, 120), ({"FinalDBSnapshotIdentifier": "last"}, 300)]
)
def test_a_database_is_deleted_after_120_s_or_300_with_a_last_snapshot(
    sample: SampleApplication, last: dict[str, Any], seconds: int
) -> None:
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", **last)
    sample.pass_time(seconds - 1)
    assert sample.database()["DBInstanceStatus"] == "deleting"
    sample.pass_time(2)
    with refused("DBInstanceNotFound"):
        sample.database()


def test_a_database_stops_in_180_s_starts_in_300_and_reboots_in_60(sample: SampleApplication) -> None:
    for act, during, then, seconds in (
        (sample.rds.stop_db_instance, "stopping", "stopped", 180),
        (sample.rds.start_db_instance, "starting", "available", 300),
        (sample.rds.reboot_db_instance, "rebooting", "available", 60),
    ):
        act(DBInstanceIdentifier="main")
        sample.pass_time(seconds - 1)
        assert sample.database()["DBInstanceStatus"] == during
        sample.pass_time(2)
        assert sample.database()["DBInstanceStatus"] == then


def test_a_machine_stops_in_45_s(sample: SampleApplication) -> None:
    sample.ec2.stop_instances(InstanceIds=[sample.machine])
    sample.pass_time(44)
    assert sample.state(sample.machine) == "stopping"
    sample.pass_time(2)
    assert sample.state(sample.machine) == "stopped"
    assert sample.health() == ("unused", "Target.InvalidState")


def test_a_snapshot_is_made_after_180_s(sample: SampleApplication) -> None:
    def status() -> str:
        return str(sample.rds.describe_db_snapshots(DBSnapshotIdentifier="one")["DBSnapshots"][0]["Status"])

    sample.rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="one")
    sample.pass_time(179)
    assert status() == "creating"
    with refused("InvalidDBSnapshotState"):
        sample.rds.delete_db_snapshot(DBSnapshotIdentifier="one")
    sample.pass_time(2)
    assert status() == "available"


def test_a_certificate_names_its_record_after_5_s_and_is_issued_120_s_after_that_is_insync(
    sample: SampleApplication,
) -> None:
    arn = sample.acm.request_certificate(DomainName="new.example.com", ValidationMethod="DNS")["CertificateArn"]

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = sample.acm.describe_certificate(CertificateArn=arn)["Certificate"]
        return found

    sample.pass_time(4)
    assert "ResourceRecord" not in shown()["DomainValidationOptions"][0]
    sample.pass_time(2)
    sample.change("CREATE", sample.proof(arn))
    sample.pass_time(45 + 119)
    assert shown()["Status"] == "PENDING_VALIDATION"
    sample.pass_time(2)
    assert shown()["Status"] == "ISSUED"
    assert (shown()["NotAfter"] - shown()["IssuedAt"]).days == 198


def test_a_certificate_is_never_issued_without_its_record(sample: SampleApplication) -> None:
    def status() -> str:
        return str(sample.acm.describe_certificate(CertificateArn=sample.certificate)["Certificate"]["Status"])

    assert status() == "PENDING_VALIDATION"
    sample.pass_time(72 * 3600)
    assert status() == "VALIDATION_TIMED_OUT"


def test_a_certificate_waits_for_its_zone_to_be_delegated(sample: SampleApplication) -> None:
    made = sample.route53.create_hosted_zone(Name="apart.example.com", CallerReference="apart")
    arn = sample.acm.request_certificate(DomainName="apart.example.com", ValidationMethod="DNS")["CertificateArn"]

    def status() -> str:
        return str(sample.acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    sample.pass_time(6)
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": sample.proof(arn)}]}
    sample.route53.change_resource_record_sets(HostedZoneId=made["HostedZone"]["Id"], ChangeBatch=changes)
    sample.pass_time(3600)
    assert status() == "PENDING_VALIDATION"
    servers = [{"Value": name} for name in made["DelegationSet"]["NameServers"]]
    record = {"Name": "apart.example.com", "Type": "NS", "TTL": 300, "ResourceRecords": servers}
    sample.change("CREATE", record)
    sample.pass_time(45 + 121)
    assert status() == "ISSUED"


def test_a_change_of_dns_is_insync_after_45_s(sample: SampleApplication) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = sample.change("CREATE", record)
    sample.pass_time(44)
    assert sample.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    sample.pass_time(2)
    assert sample.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"


def test_ec2_hears_of_a_new_profile_and_of_its_role_after_10_s(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    iam.create_instance_profile(InstanceProfileName="new")
    a_role(iam, "new")
    sample.pass_time(9)
    with refused("InvalidParameterValue", "Invalid IAM Instance Profile name"):
        sample.run(IamInstanceProfile={"Name": "new"})
    sample.pass_time(2)
    with refused("InvalidParameterValue", "has no associated IAM Roles"):
        sample.run(IamInstanceProfile={"Name": "new"})
    iam.add_role_to_instance_profile(InstanceProfileName="new", RoleName="new")
    sample.pass_time(9)
    with refused("InvalidParameterValue", "has no associated IAM Roles"):
        sample.run(IamInstanceProfile={"Name": "new"})
    sample.pass_time(2)
    assert sample.state(sample.run(IamInstanceProfile={"Name": "new"})) == "pending"


def test_a_target_is_healthy_two_checks_after_its_machine_has_booted(sample: SampleApplication) -> None:
    instance = sample.run()
    sample.pass_time(16)
    group = a_target_group(sample.elbv2, "second", sample.vpc)
    sample.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    assert sample.health(group) == ("unused", "Target.NotInUse")
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    sample.elbv2.modify_listener(ListenerArn=sample.listener, DefaultActions=forward)
    assert sample.health(group) == ("initial", "Elb.InitialHealthChecking")
    sample.pass_time(21)
    assert sample.health(group) == ("unhealthy", "Target.FailedHealthChecks")
    sample.pass_time(90 - 1 - 21 + 19)
    assert sample.health(group)[0] == "unhealthy"
    sample.pass_time(3)
    assert sample.health(group) == ("healthy", "")


def test_a_target_that_served_is_drained_for_its_groups_delay(sample: SampleApplication) -> None:
    assert sample.health() == ("healthy", "")
    sample.elbv2.deregister_targets(TargetGroupArn=sample.group, Targets=[{"Id": sample.machine}])
    sample.pass_time(299)
    assert sample.health() == ("draining", "Target.DeregistrationInProgress")
    sample.pass_time(2)
    assert sample.elbv2.describe_target_health(TargetGroupArn=sample.group)["TargetHealthDescriptions"] == []


@pytest.mark.parametrize("script", ["#!/bin/bash\nset -e\n", f"#!/bin/bash\necho {PORT}\n"])
def test_a_target_whose_user_data_starts_nothing_on_the_port_stays_unhealthy(
    sample: SampleApplication, script: str
) -> None:
    instance = sample.run(UserData=script)
    sample.pass_time(16)
    sample.elbv2.deregister_targets(TargetGroupArn=sample.group, Targets=[{"Id": sample.machine}])
    sample.elbv2.register_targets(TargetGroupArn=sample.group, Targets=[{"Id": instance}])
    sample.pass_time(3600)
    assert sample.health() == ("unhealthy", "Target.FailedHealthChecks")


def test_a_target_whose_group_does_not_admit_the_load_balancer_times_out(sample: SampleApplication) -> None:
    (group,) = sample.ec2.describe_security_groups(GroupIds=[sample.app])["SecurityGroups"]
    sample.ec2.revoke_security_group_ingress(GroupId=sample.app, IpPermissions=group["IpPermissions"])
    assert sample.health() == ("unhealthy", "Target.Timeout")
