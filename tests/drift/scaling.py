"""What an Auto Scaling group is started from, its sizes and its policy, changed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from awsdeploy.resource import Live
from tests.drift.hands import by_hand
from tests.simulated import World

Data = dict[str, Any]
TEMPLATE, GROUP, POLICY = "machines/admin-template", "machines/admin-group", "machines/admin-scaling"


def another(data: Data, field: str, value: Any) -> Data:
    return {**data, field: value}


def disk(data: Data, **settings: Any) -> Data:
    changed = copy.deepcopy(data)
    changed["BlockDeviceMappings"][0]["Ebs"].update(settings)
    return changed


def untagged(data: Data, kind: str) -> Data:
    kept = [one for one in data["TagSpecifications"] if one["ResourceType"] != kind]
    return another(data, "TagSpecifications", kept)


VERSIONS: dict[str, Callable[[Data, dict[str, Live]], Data]] = {
    "of another type": lambda data, _: another(data, "InstanceType", "t3.large"),
    "without a profile": lambda data, _: {key: value for key, value in data.items() if key != "IamInstanceProfile"},
    "in another group": lambda data, live: another(data, "SecurityGroupIds", [live["security/alb"].id]),
    "with IMDSv1": lambda data, _: another(data, "MetadataOptions", {"HttpTokens": "optional"}),
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


def _version(name: str, changed: Callable[[Data, dict[str, Live]], Data]) -> None:
    @by_hand(f"template {name}", TEMPLATE, "ec2:CreateLaunchTemplate.LaunchTemplateData")
    def _(aws: World, live: dict[str, Live]) -> None:
        ec2, id = aws.client("ec2"), live[TEMPLATE].id
        answer = ec2.describe_launch_template_versions(LaunchTemplateId=id, Versions=["$Default"])
        data = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        made = ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData=changed(data, live))
        number = made["LaunchTemplateVersion"]["VersionNumber"]
        ec2.modify_launch_template(LaunchTemplateId=id, DefaultVersion=str(number))


for _name, _changed in VERSIONS.items():
    _version(_name, _changed)


def _group(name: str, parameter: str, value: Any) -> None:
    @by_hand(f"group {name}", GROUP, f"autoscaling:CreateAutoScalingGroup.{parameter}")
    def _(aws: World, live: dict[str, Live]) -> None:
        aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=live[GROUP].id, **{parameter: value})


_group("with more machines at least", "MinSize", 2)
_group("with more machines at most", "MaxSize", 9)
_group("that hears the load balancer", "HealthCheckType", "ELB")
_group("without grace", "HealthCheckGracePeriod", 0)
_group("of cold machines", "DefaultInstanceWarmup", 1)


@by_hand("group of nothing", GROUP)
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=live[GROUP].id, MinSize=0, MaxSize=0)


@by_hand("group in one zone", GROUP, "autoscaling:CreateAutoScalingGroup.VPCZoneIdentifier")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=live[GROUP].id, VPCZoneIdentifier=live["network/public-a"].id
    )


@by_hand("group of whatever is newest", GROUP, "autoscaling:CreateAutoScalingGroup.LaunchTemplate")
def _(aws: World, live: dict[str, Live]) -> None:
    newest = {"LaunchTemplateId": live[TEMPLATE].id, "Version": "$Latest"}
    aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=live[GROUP].id, LaunchTemplate=newest)


@by_hand("group that serves nobody", GROUP, "autoscaling:CreateAutoScalingGroup.TargetGroupARNs")
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("autoscaling").detach_load_balancer_target_groups(
        AutoScalingGroupName=live[GROUP].id, TargetGroupARNs=[live["web/admin"].id]
    )


@by_hand("group that serves another's path", GROUP)
def _(aws: World, live: dict[str, Live]) -> None:
    aws.client("autoscaling").attach_load_balancer_target_groups(
        AutoScalingGroupName=live[GROUP].id, TargetGroupARNs=[live["web/backend"].id]
    )


TRACKING = {
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    "TargetValue": 60.0,
}


def _policy(name: str, covers: str, **settings: Any) -> None:
    @by_hand(f"policy {name}", POLICY, f"autoscaling:PutScalingPolicy.{covers}")
    def _(aws: World, live: dict[str, Live]) -> None:
        raw = live[POLICY].raw
        same = {key: raw[key] for key in ("AutoScalingGroupName", "PolicyName", "PolicyType")}
        aws.client("autoscaling").put_scaling_policy(
            **{**same, "TargetTrackingConfiguration": TRACKING, "Enabled": True, **settings}
        )


_policy(
    "with another target", "TargetTrackingConfiguration", TargetTrackingConfiguration={**TRACKING, "TargetValue": 85.0}
)
_policy(
    "that never lets go",
    "TargetTrackingConfiguration",
    TargetTrackingConfiguration={**TRACKING, "DisableScaleIn": True},
)
_policy(
    "of another load",
    "TargetTrackingConfiguration",
    TargetTrackingConfiguration={
        **TRACKING,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageNetworkIn"},
    },
)
_policy("switched off", "Enabled", Enabled=False)
_policy(
    "of another type", "PolicyType", PolicyType="SimpleScaling", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
)
