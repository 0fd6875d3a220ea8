"""Changes by hand to an Auto Scaling group: what it starts from, its sizes and its policy.

Each value by itself is in `tests/system/scaling/test_by_hand.py`.
"""

from __future__ import annotations

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import by_hand

TEMPLATE, GROUP, POLICY = "machines/admin-template", "machines/admin-group", "machines/admin-scaling"


@by_hand("template of another type", TEMPLATE, "ec2:CreateLaunchTemplate.LaunchTemplateData")
def _(aws: World, observed: dict[str, Observed]) -> None:
    ec2, id = aws.client("ec2"), observed[TEMPLATE].id
    data = {"InstanceType": "t3.large"}
    made = ec2.create_launch_template_version(LaunchTemplateId=id, SourceVersion="$Default", LaunchTemplateData=data)
    number = made["LaunchTemplateVersion"]["VersionNumber"]
    ec2.modify_launch_template(LaunchTemplateId=id, DefaultVersion=str(number))


@by_hand(
    "group of other sizes",
    GROUP,
    *(
        f"autoscaling:CreateAutoScalingGroup.{name}"
        for name in ("MinSize", "MaxSize", "HealthCheckType", "HealthCheckGracePeriod", "DefaultInstanceWarmup")
    ),
)
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=observed[GROUP].id,
        MinSize=2,
        MaxSize=9,
        HealthCheckType="ELB",
        HealthCheckGracePeriod=0,
        DefaultInstanceWarmup=1,
    )


@by_hand("group of nothing", GROUP)
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=observed[GROUP].id, MinSize=0, MaxSize=0)


@by_hand("group in one zone", GROUP, "autoscaling:CreateAutoScalingGroup.VPCZoneIdentifier")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=observed[GROUP].id, VPCZoneIdentifier=observed["network/public-a"].id
    )


@by_hand("group of whatever is newest", GROUP, "autoscaling:CreateAutoScalingGroup.LaunchTemplate")
def _(aws: World, observed: dict[str, Observed]) -> None:
    newest = {"LaunchTemplateId": observed[TEMPLATE].id, "Version": "$Latest"}
    aws.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=observed[GROUP].id, LaunchTemplate=newest)


@by_hand("group that serves nobody", GROUP, "autoscaling:CreateAutoScalingGroup.TargetGroupARNs")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("autoscaling").detach_load_balancer_target_groups(
        AutoScalingGroupName=observed[GROUP].id, TargetGroupARNs=[observed["web/admin"].id]
    )


@by_hand(
    "policy of another load",
    POLICY,
    *(f"autoscaling:PutScalingPolicy.{name}" for name in ("TargetTrackingConfiguration", "Enabled", "PolicyType")),
)
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=observed[POLICY].raw["AutoScalingGroupName"],
        PolicyName=observed[POLICY].raw["PolicyName"],
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
        Enabled=False,
    )


@by_hand("policy of another target", POLICY)
def _(aws: World, observed: dict[str, Observed]) -> None:
    raw = observed[POLICY].raw
    aws.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=raw["AutoScalingGroupName"],
        PolicyName=raw["PolicyName"],
        PolicyType=raw["PolicyType"],
        TargetTrackingConfiguration={**raw["TargetTrackingConfiguration"], "TargetValue": 33.0},
    )
