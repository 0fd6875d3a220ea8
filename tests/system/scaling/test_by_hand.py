"""Each value of a template, a group and a policy, changed by hand: the plan shows it, and one `up` mends all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from awsdeploy.engine.resource import Observed
from tests.simulated import World, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.jobs.scaling]
"""
Data = dict[str, Any]
TEMPLATE, GROUP, POLICY = "machines/jobs-template", "machines/jobs-group", "machines/jobs-scaling"


def another(data: Data, field: str, value: Any) -> Data:
    return {**data, field: value}


def disk(data: Data, **settings: Any) -> Data:
    changed = copy.deepcopy(data)
    changed["BlockDeviceMappings"][0]["Ebs"].update(settings)
    return changed


def untagged(data: Data, kind: str) -> Data:
    kept = [one for one in data["TagSpecifications"] if one["ResourceType"] != kind]
    return another(data, "TagSpecifications", kept)


VERSIONS: dict[str, Callable[[Data, dict[str, Observed]], Data]] = {
    "of another type": lambda data, _: another(data, "InstanceType", "t3.large"),
    "without a profile": lambda data, _: {key: value for key, value in data.items() if key != "IamInstanceProfile"},
    "in another group": lambda data, observed: another(data, "SecurityGroupIds", [observed["security/alb"].id]),
    "with IMDSv1": lambda data, _: another(
        data, "MetadataOptions", {**data["MetadataOptions"], "HttpTokens": "optional"}
    ),
    "with IMDSv2 for others": lambda data, _: another(
        data, "MetadataOptions", {**data["MetadataOptions"], "HttpPutResponseHopLimit": 2}
    ),
    "of another image": lambda data, _: another(data, "ImageId", "ami-12345678"),
    "with an open disk": lambda data, _: disk(data, Encrypted=False),
    "with a small disk": lambda data, _: disk(data, VolumeSize=8),
    "with an old disk": lambda data, _: disk(data, VolumeType="gp2"),
    "with a disk that stays": lambda data, _: disk(data, DeleteOnTermination=False),
    "with other user data": lambda data, _: another(data, "UserData", "IyEvYmluL3NoCg=="),
    "without the tags of machines": lambda data, _: untagged(data, "instance"),
    "without the tags of disks": lambda data, _: untagged(data, "volume"),
}


SHOWN = {
    "of another type": "instance type",
    "without a profile": "instance profile",
    "in another group": "security groups",
    "with IMDSv1": "HttpTokens",
    "with IMDSv2 for others": "HttpPutResponseHopLimit",
    "of another image": "image",
    "with other user data": "user data",
    "without the tags of machines": "tags of machines",
    "without the tags of disks": "tags of machines",
}
SIZES = {"MinSize": 2, "MaxSize": 9, "HealthCheckType": "ELB", "HealthCheckGracePeriod": 0, "DefaultInstanceWarmup": 1}
TRACKING = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    "TargetValue": 60.0,
}
POLICIES: dict[str, tuple[str, Data]] = {
    "another target": ("target", {"TargetTrackingConfiguration": {**TRACKING, "TargetValue": 85.0}}),
    "never fewer": ("DisableScaleIn", {"TargetTrackingConfiguration": {**TRACKING, "DisableScaleIn": True}}),
    "another load": (
        "metric",
        {
            "TargetTrackingConfiguration": {
                **TRACKING,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageNetworkIn"},
            }
        },
    ),
    "switched off": ("Enabled", {"TargetTrackingConfiguration": TRACKING, "Enabled": False}),
}


@pytest.fixture(scope="module")
def worker_stack(module_world: World) -> Iterator[tuple[World, dict[str, Observed]]]:
    """A worker that scales; in the end one `up` puts everything right."""
    settings = module_world.settings(CONFIG)
    module_world.up(settings)
    yield module_world, {one.key: one for one in module_world.everything(settings)}
    module_world.up(settings)
    assert module_world.plan(settings).quiet
    assert writes(module_world.up(settings)) == {}


def changes(world: World, key: str) -> set[str]:
    """The fields of a resource that the plan would mend."""
    items = world.plan(world.settings(CONFIG)).items.values()
    return {change.field for item in items if item.resource.key == key for change in item.changes}


@pytest.mark.parametrize("name", VERSIONS)
def test_another_version_of_the_template(worker_stack: tuple[World, dict[str, Observed]], name: str) -> None:
    world, observed = worker_stack
    ec2, id = world.client("ec2"), observed[TEMPLATE].id
    (first,) = ec2.describe_launch_template_versions(LaunchTemplateId=id, Versions=["1"])["LaunchTemplateVersions"]
    data = VERSIONS[name](first["LaunchTemplateData"], observed)
    made = ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData=data)["LaunchTemplateVersion"]
    ec2.modify_launch_template(LaunchTemplateId=id, DefaultVersion=str(made["VersionNumber"]))
    assert SHOWN.get(name, "disk") in changes(world, TEMPLATE)
    assert "template version" in changes(world, GROUP), "what it starts machines from is not as declared"


@pytest.mark.parametrize("parameter", SIZES)
def test_another_size_of_the_group(worker_stack: tuple[World, dict[str, Observed]], parameter: str) -> None:
    world, observed = worker_stack
    calls, value = world.client("autoscaling"), {parameter: SIZES[parameter]}
    calls.update_auto_scaling_group(AutoScalingGroupName=observed[GROUP].id, **value)
    assert parameter in changes(world, GROUP)


@pytest.mark.parametrize("name", POLICIES)
def test_another_policy(worker_stack: tuple[World, dict[str, Observed]], name: str) -> None:
    world, observed = worker_stack
    field, settings = POLICIES[name]
    same = {key: observed[POLICY].raw[key] for key in ("AutoScalingGroupName", "PolicyName", "PolicyType")}
    world.client("autoscaling").put_scaling_policy(**same, **settings)
    assert field in changes(world, POLICY)
