"""Auto Scaling (E4, K2), value by value, by asking AWS."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from awsdeploy.architecture.alarms import group_cpu
from tests.simulated import World, tags
from tests.system.documented.asking import group, named, subnet

CONFIG = """\
name = "shop"
environment = "dev"
platform = "documented"

[services.frontend]

[services.backend.scaling]
min = 2
max = 4
target_cpu = 55

[services.jobs.scaling]
"""


@pytest.fixture(scope="module")
def scaled(module_world: World) -> World:
    """A world in which a backend and a worker scale, and the frontend does not."""
    module_world.up(module_world.settings(CONFIG))
    return module_world


@pytest.fixture(scope="module")
def groups(scaled: World) -> dict[str, dict[str, Any]]:
    found = scaled.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {tags(one["Tags"])["awsdeploy:resource"]: one for one in found}


@pytest.fixture(scope="module")
def backend(groups: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return groups["machines/backend-group"]


@pytest.fixture(scope="module")
def machines(scaled: World, backend: dict[str, Any]) -> list[dict[str, Any]]:
    """The backend's machines as EC2 has them."""
    ids = [one["InstanceId"] for one in backend["Instances"]]
    answer = scaled.client("ec2").describe_instances(InstanceIds=ids)
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def alarms(world: World) -> dict[str, dict[str, Any]]:
    """The alarms by the end of their key."""
    found = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {one["AlarmDescription"].split("monitoring/alarms/")[1].split()[0]: one for one in found}


def test_e4_only_what_is_asked_to_scales(scaled: World, groups: dict[str, dict[str, Any]]) -> None:
    assert set(groups) == {"machines/backend-group", "machines/jobs-group"}
    reservations = scaled.client("ec2").describe_instances()["Reservations"]
    keys = [tags(one["Tags"])["awsdeploy:resource"] for each in reservations for one in each["Instances"]]
    assert sorted(keys) == [
        *["machines/backend-template/member"] * 2,
        "machines/frontend-1",
        "machines/jobs-template/member",
    ]


def test_e4_the_group(groups: dict[str, dict[str, Any]], backend: dict[str, Any]) -> None:
    assert (backend["MinSize"], backend["MaxSize"], backend["DesiredCapacity"]) == (2, 4, 2)
    assert (backend["HealthCheckType"], backend["HealthCheckGracePeriod"]) == ("EC2", 300)
    assert backend["DefaultInstanceWarmup"] == 300
    jobs = groups["machines/jobs-group"]
    assert (jobs["MinSize"], jobs["MaxSize"], jobs["DesiredCapacity"]) == (1, 4, 1)


def test_e4_the_groups_tags(backend: dict[str, Any]) -> None:
    assert {(tag["Key"], tag["Value"], tag["PropagateAtLaunch"]) for tag in backend["Tags"]} >= {
        ("Name", "shop-dev/machines/backend-group", False),
        ("awsdeploy:stack", "shop/dev", True),
        ("awsdeploy:resource", "machines/backend-group", False),
    }


def test_e4_machines_stand_in_both_zones(
    scaled: World, backend: dict[str, Any], machines: list[dict[str, Any]]
) -> None:
    ec2 = scaled.client("ec2")
    public = {subnet(ec2, key)["SubnetId"] for key in ("network/public-a", "network/public-c")}
    assert set(backend["VPCZoneIdentifier"].split(",")) == public
    assert {one["SubnetId"] for one in machines} == public
    assert {one["Placement"]["AvailabilityZone"] for one in machines} == {"ap-northeast-2a", "ap-northeast-2c"}


def test_e4_machines_are_what_the_service_says(scaled: World, machines: list[dict[str, Any]]) -> None:
    ec2 = scaled.client("ec2")
    for one in machines:
        assert one["InstanceType"] == "t3.micro"
        (image,) = ec2.describe_images(ImageIds=[one["ImageId"]])["Images"]
        assert image["Name"].startswith("amzn2-ami")
        assert (one["MetadataOptions"]["HttpTokens"], one["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
            "required",
            1,
        )
        assert "shop-dev" in one["IamInstanceProfile"]["Arn"]
        assert [each["GroupId"] for each in one["SecurityGroups"]] == [group(ec2, "security/backend")["GroupId"]]
        assert one["PublicIpAddress"]
        (device,) = one["BlockDeviceMappings"]
        assert device["DeviceName"] == image["RootDeviceName"]
        (disk,) = ec2.describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
        assert (disk["Encrypted"], disk["VolumeType"], disk["Size"]) == (True, "gp3", 20)
        assert device["Ebs"]["DeleteOnTermination"] is True
        for carried in (one["Tags"], disk["Tags"]):
            assert tags(carried)["awsdeploy:stack"] == "shop/dev"
        answer = ec2.describe_instance_attribute(InstanceId=one["InstanceId"], Attribute="userData")
        assert base64.b64decode(answer["UserData"]["Value"]).startswith(b"#!/bin/bash")


def test_e4_the_template(scaled: World, backend: dict[str, Any]) -> None:
    """The group names one version by its number, so that nobody's newer one is taken by surprise."""
    ec2 = scaled.client("ec2")
    template = named(ec2.describe_launch_templates()["LaunchTemplates"], "machines/backend-template")
    used = backend["LaunchTemplate"]
    assert (used["LaunchTemplateId"], used["Version"]) == (template["LaunchTemplateId"], "1")
    assert (template["DefaultVersionNumber"], template["LatestVersionNumber"]) == (1, 1)
    assert tags(template["Tags"])["awsdeploy:stack"] == "shop/dev"
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    data = version["LaunchTemplateData"]
    assert {one["ResourceType"] for one in data["TagSpecifications"]} == {"instance", "volume", "network-interface"}
    for one in data["TagSpecifications"]:
        assert tags(one["Tags"])["awsdeploy:stack"] == "shop/dev"
    assert "password" not in base64.b64decode(data["UserData"]).decode().lower()


def test_e4_machines_are_healthy_targets(
    scaled: World, groups: dict[str, dict[str, Any]], backend: dict[str, Any]
) -> None:
    (arn,) = backend["TargetGroupARNs"]
    answer = scaled.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert {one["Target"]["Id"] for one in answer} == {one["InstanceId"] for one in backend["Instances"]}
    assert {(one["Target"]["Port"], one["TargetHealth"]["State"]) for one in answer} == {(9999, "healthy")}
    assert groups["machines/jobs-group"]["TargetGroupARNs"] == []


def test_e4_the_policy_follows_the_average_cpu(scaled: World, backend: dict[str, Any]) -> None:
    answer = scaled.client("autoscaling").describe_policies(AutoScalingGroupName=backend["AutoScalingGroupName"])
    (policy,) = answer["ScalingPolicies"]
    tracking = policy["TargetTrackingConfiguration"]
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert tracking["PredefinedMetricSpecification"]["PredefinedMetricType"] == "ASGAverageCPUUtilization"
    assert (tracking["TargetValue"], tracking["DisableScaleIn"], policy["Enabled"]) == (55.0, False, True)


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        ("backend-group-cpu", ("AWS/EC2", "CPUUtilization", "Average", 80, 300, 3)),
        ("backend-group-memory", ("CWAgent", "mem_used_percent", "Maximum", 90, 300, 3)),
        ("backend-group-disk", ("CWAgent", "disk_used_percent", "Maximum", 85, 300, 1)),
    ],
)
def test_e4_an_alarm_looks_at_the_whole_group(
    scaled: World, backend: dict[str, Any], subject: str, wanted: tuple[Any, ...]
) -> None:
    found = alarms(scaled)[subject]
    fields = ("Namespace", "MetricName", "Statistic", "Threshold", "Period", "EvaluationPeriods")
    assert tuple(found[field] for field in fields) == wanted
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": backend["AutoScalingGroupName"]}]


def test_e4_no_alarm_looks_at_one_machine_of_a_group(scaled: World, machines: list[dict[str, Any]]) -> None:
    looked_at = {each["Value"] for one in alarms(scaled).values() for each in one["Dimensions"]}
    assert not looked_at & {one["InstanceId"] for one in machines}


def test_e4_the_dashboard_shows_a_group_under_its_services_name(
    scaled: World, groups: dict[str, dict[str, Any]]
) -> None:
    cloudwatch = scaled.client("cloudwatch")
    (entry,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
    for title, *metric, statistic in (
        ("EC2 CPU %", "AWS/EC2", "CPUUtilization", "Average"),
        ("EC2 memory %", "CWAgent", "mem_used_percent", "Maximum"),
        ("EC2 disk %", "CWAgent", "disk_used_percent", "Maximum"),
    ):
        (lines,) = [one["properties"]["metrics"] for one in body["widgets"] if one["properties"]["title"] == title]
        by_label = {line[-1]["label"]: line for line in lines}
        assert set(by_label) == {"frontend-1", "backend", "jobs"}
        for name in ("backend", "jobs"):
            group_name = groups[f"machines/{name}-group"]["AutoScalingGroupName"]
            told = {"label": name, "stat": statistic}
            assert by_label[name] == [*metric, "AutoScalingGroupName", group_name, told]


def test_e4_a_high_target_is_no_alarm_by_itself() -> None:
    limits = {target: group_cpu(target).bound.threshold for target in (10, 60, 70, 90)}
    assert limits == {10: 80, 60: 80, 70: 85, 90: 95}


def test_e4_the_first_release_on_a_member_arms_what_looks_at_its_service(
    scaled: World, machines: list[dict[str, Any]]
) -> None:
    """It changes the world of this file, so it comes last."""

    def unarmed() -> set[str]:
        return {name for name, one in alarms(scaled).items() if not one["ActionsEnabled"]}

    rows = ("group-cpu", "group-memory", "group-disk", "unhealthy", "5xx", "p95")
    of_backend = {f"backend-{row}" for row in rows}
    before = unarmed()
    assert of_backend <= before
    assert {f"jobs-{row}" for row in rows[:3]} <= before
    release = [{"Key": "awsdeploy:release", "Value": "r1"}]
    scaled.client("ec2").create_tags(Resources=[machines[0]["InstanceId"]], Tags=release)
    settings = scaled.settings(CONFIG)
    scaled.up(settings)
    assert unarmed() == before - of_backend
    assert scaled.plan(settings).quiet
