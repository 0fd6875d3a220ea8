"""A kill at any write and a lost answer at any write: the same command goes on, without twins or leaks.

A seeded sample here; `make torture` does every write.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from awsdeploy.resource import Live
from awsdeploy.sandbox.control import Server
from tests.conftest import forked
from tests.simulated import REGION, World, writes

CONFIG = """\
name = "crash"
environment = "prod"
domain = "example.com"
platform = "supported"

[monitoring]
emails = ["ops@example.com"]
"""
FAULTS = ("kill-before", "kill-after", "lost-answer")
WRITES_OF_UP = 130  # at least: what AWS refuses because a role is too fresh is asked again
WRITES_OF_DESTROY = 105  # at least; what is refused because something still uses it is asked again
EVERY_POINT = [
    (command, fault, write)
    for command, count in (("up", WRITES_OF_UP), ("destroy", WRITES_OF_DESTROY))
    for fault in FAULTS
    for write in range(1, count + 1)
]
SAMPLE = random.Random(20261124).sample(EVERY_POINT, 20)
UP = ("up", "--yes")
DESTROY = ("destroy", "--confirm", "crash-prod", "--delete-data", "--delete-zone")
KILLED = -9


def points(chosen: Sequence[tuple[object, ...]]) -> list[object]:
    return [pytest.param(*point, id="-".join(map(str, point))) for point in chosen]


@pytest.fixture(scope="module")
def standing(module_world: World) -> World:
    """The stack is up: a destroy begins here."""
    module_world.up(module_world.settings(CONFIG))
    return module_world


@pytest.fixture
def world_before(command: str, world: World, standing: World, tmp_path: Path) -> Iterator[World]:
    """What a command finds: for `up` nothing, for `destroy` a fork of the stack that stands, and its state."""
    if command == "up":
        yield world
        return
    with forked(Server(**standing.control("GET", "status")), tmp_path) as made:
        shutil.copytree(standing.folder, tmp_path, dirs_exist_ok=True)
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(("command", "fault", "write"), points(SAMPLE))
def test_a_crash_is_survived(world_before: World, command: str, fault: str, write: int) -> None:
    survive(world_before, command, fault, write)


@pytest.mark.torture
@pytest.mark.parametrize(("command", "fault", "write"), points([one for one in EVERY_POINT if one not in SAMPLE]))
def test_every_crash_is_survived(world_before: World, command: str, fault: str, write: int) -> None:
    survive(world_before, command, fault, write)


def survive(world: World, command: str, fault: str, write: int) -> None:
    settings = world.settings(CONFIG)
    words = {"up": UP, "destroy": DESTROY}[command]
    world.control("POST", "fault", {"kind": fault, "write": write})
    first = world.awsdeploy(*words)
    fired = not world.control("GET", "fault")["armed"]
    world.control("DELETE", "fault")
    assert fired, "the run made fewer writes than expected"
    if fault != "lost-answer":
        assert first.returncode == KILLED, first.stderr
    again = world.awsdeploy(*words, AWSDEPLOY_SETTLE="0.3")
    if command == "up":
        assert again.returncode == 0, again.stderr
    else:  # a destroy that had come to its end leaves no stack to destroy
        assert again.returncode in ({6} if first.returncode == 0 else {0, 6}), again.stderr
    assert "Traceback" not in first.stderr + again.stderr
    if command == "up":
        no_twins(world.everything(settings))
        assert writes(world.up(settings)) == {}
        world.destroy(settings)
    assert leftovers(world) == []


def no_twins(lives: list[Live]) -> None:
    """One object for each key of each kind; volumes have their machine's."""
    counted = Counter((live.kind.__name__, live.key) for live in lives)
    assert {what: count for what, count in counted.items() if count > 1} == {}


def leftovers(world: World) -> list[str]:
    """Everything in the account that a fresh one has not, asked without awsdeploy."""
    ec2, elbv2, rds = world.client("ec2"), world.client("elbv2"), world.client("rds")
    found: list[str] = []
    found += [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]]
    found += [one["InternetGatewayId"] for one in ec2.describe_internet_gateways()["InternetGateways"]]
    found += [one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]]
    found += [one["NatGatewayId"] for one in ec2.describe_nat_gateways()["NatGateways"] if one["State"] != "deleted"]
    found += [
        one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"] if one["GroupName"] != "default"
    ]
    found += [
        one["InstanceId"]
        for reservation in ec2.describe_instances()["Reservations"]
        for one in reservation["Instances"]
        if one["State"]["Name"] != "terminated"
    ]
    groups = world.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    found += [one["AutoScalingGroupName"] for one in groups]
    found += [one["LaunchTemplateName"] for one in ec2.describe_launch_templates()["LaunchTemplates"]]
    found += [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]]
    found += [one["ImageId"] for one in ec2.describe_images(Owners=["self"])["Images"]]
    own = [{"Name": "owner-id", "Values": ["123456789012"]}]
    found += [one["SnapshotId"] for one in ec2.describe_snapshots(Filters=own)["Snapshots"]]
    policies = world.client("dlm").get_lifecycle_policies()["Policies"]
    found += [one["PolicyId"] for one in policies]
    found += [one["LoadBalancerArn"] for one in elbv2.describe_load_balancers()["LoadBalancers"]]
    found += [one["TargetGroupArn"] for one in elbv2.describe_target_groups()["TargetGroups"]]
    found += [one["DBInstanceIdentifier"] for one in rds.describe_db_instances()["DBInstances"]]
    found += [one["DBSnapshotIdentifier"] for one in rds.describe_db_snapshots()["DBSnapshots"]]
    found += [one["DBSubnetGroupName"] for one in rds.describe_db_subnet_groups()["DBSubnetGroups"]]
    families = rds.describe_db_parameter_groups()["DBParameterGroups"]
    found += [one["DBParameterGroupName"] for one in families if not one["DBParameterGroupName"].startswith("default")]
    found += [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]]
    iam = world.client("iam")
    found += [one["RoleName"] for one in iam.list_roles(PathPrefix="/awsdeploy/")["Roles"]]
    profiles = iam.list_instance_profiles(PathPrefix="/awsdeploy/")["InstanceProfiles"]
    found += [one["InstanceProfileName"] for one in profiles]
    names = world.client("ssm").describe_parameters()["Parameters"]
    found += [one["Name"] for one in names if one["Name"].startswith("/deploy/")]
    found += [one["CertificateArn"] for one in world.client("acm").list_certificates()["CertificateSummaryList"]]
    logs = world.client("logs").describe_log_groups()["logGroups"]
    found += [one["logGroupName"] for one in logs]
    for region in (REGION, "us-east-1"):
        cloudwatch, sns = world.client("cloudwatch", region), world.client("sns", region)
        found += [one["AlarmArn"] for one in cloudwatch.describe_alarms()["MetricAlarms"]]
        found += [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]]
        found += [one["TopicArn"] for one in sns.list_topics()["Topics"]]
        found += [one["TopicArn"] for one in sns.list_subscriptions()["Subscriptions"]]
    route53 = world.client("route53")
    found += [one["Id"] for one in route53.list_health_checks()["HealthChecks"]]
    for zone in route53.list_hosted_zones()["HostedZones"]:
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        found += [f"{one['Name']} {one['Type']}" for one in records if one["Type"] not in {"NS", "SOA"}]
    return found
