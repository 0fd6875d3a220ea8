"""The calls about Auto Scaling groups: what they check, refuse and show. What a group does is in `scaling_members`."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.compute import launch_templates
from awsdeploy.sandbox.aws.compute.scaling_members import Groups, GroupState, end, listen, react
from awsdeploy.sandbox.aws.identity import iam
from awsdeploy.sandbox.aws.web import targets
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall, not_simulated
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DEFAULTS: Mapping[str, Any] = {
    "DefaultCooldown": 300,
    "HealthCheckType": "EC2",
    "HealthCheckGracePeriod": 0,
    "TerminationPolicies": ["Default"],
    "NewInstancesProtectedFromScaleIn": False,
    "TargetGroupARNs": [],
}
SHOWN: Mapping[str, Any] = {
    "AvailabilityZoneDistribution": {"CapacityDistributionStrategy": "balanced-best-effort"},
    "CapacityReservationSpecification": {"CapacityReservationPreference": "default"},
}
"""Settings that AWS shows of every group (API_AutoScalingGroup), with the values of one that was given none."""
KEPT = {
    *DEFAULTS,
    "DeletionProtection",
    *("MinSize", "MaxSize", "DesiredCapacity", "VPCZoneIdentifier", "LaunchTemplate", "DefaultInstanceWarmup"),
}
NOT_OURS = (
    "AttachInstances DetachInstances EnterStandby ExitStandby ExecutePolicy "
    "PutLifecycleHook PutWarmPool SetInstanceHealth StartInstanceRefresh TerminateInstanceInAutoScalingGroup"
).split()


def known(world: World, call: ApiCall) -> GroupState:
    """The group that a call names. Raises `AwsRefuses`."""
    name = call.parameters["AutoScalingGroupName"]
    group = world.of(Groups).all.get((call.region, name))
    if group is None:
        raise _invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


def _invalid(message: str) -> AwsRefuses:
    return AwsRefuses("ValidationError", message)


@before("autoscaling:CreateAutoScalingGroup")
def create(world: World, call: ApiCall) -> Answer:
    """AWS: the name is taken as long as a group of it is there, be it on its way out."""
    wanted, groups = call.parameters, world.of(Groups).all
    name = wanted["AutoScalingGroupName"]
    if (call.region, name) in groups:
        state = "is pending delete" if groups[call.region, name].leaving else "already exists"
        raise AwsRefuses("AlreadyExists", f"AutoScalingGroup by this name already exists - {name} {state}")
    settings = {**DEFAULTS, **{key: copy.deepcopy(value) for key, value in wanted.items() if key in KEPT}}
    settings.setdefault("DesiredCapacity", settings["MinSize"])
    _sizes(settings)
    _template(world, call.region, settings)
    _places(world, call.region, settings)
    _target_groups(world, call.region, settings["TargetGroupARNs"])
    tags = [
        {"ResourceId": name, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False, **tag}
        for tag in wanted.get("Tags") or ()
    ]
    group = groups[call.region, name] = GroupState(name, call.region, settings, world.now, tags)
    react(world, group)
    listen(world, group)
    return {}


def _sizes(settings: Mapping[str, Any]) -> None:
    low, high, desired = (int(settings[key]) for key in ("MinSize", "MaxSize", "DesiredCapacity"))
    if low > high:
        raise _invalid("Max bound must be greater than or equal to min bound")
    if not low <= desired <= high:
        raise _invalid(f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}")


def _template(world: World, region: str, settings: Mapping[str, Any]) -> None:
    """AWS tries the template: a profile that EC2 has not heard of yet is refused here."""
    if not settings.get("LaunchTemplate"):
        raise _invalid("Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId")
    _, data = launch_templates.version_data(world, region, settings["LaunchTemplate"])
    try:
        iam.profile_known_to_ec2(world, data.get("IamInstanceProfile") or {})
    except AwsRefuses as refusal:
        raise _invalid(f"You must use a valid fully-formed launch template. {refusal.message}") from None


def _places(world: World, region: str, settings: Mapping[str, Any]) -> None:
    present = {id for zone in world.moto("ec2", region).subnets.values() for id in zone}
    asked = [one for one in str(settings.get("VPCZoneIdentifier") or "").split(",") if one]
    for id in asked:
        if id not in present:
            raise _invalid(f"The subnet ID '{id}' does not exist")
    if not asked:
        raise _invalid("At least one Availability Zone or VPC Subnet is required.")


def _target_groups(world: World, region: str, arns: Iterable[str]) -> None:
    present = world.moto("elbv2", region).target_groups
    for arn in arns:
        if arn not in present:
            raise _invalid(f"Provided Target Groups may not be valid. Please ensure they exist and try again. {arn}")


@before("autoscaling:UpdateAutoScalingGroup")
def update(world: World, call: ApiCall) -> Answer:
    """AWS: a size that leaves the number of machines outside moves that number along."""
    group = known(world, call)
    if group.leaving:
        raise AwsRefuses("ScalingActivityInProgress", f"AutoScalingGroup {group.name} is pending delete")
    changes = {key: copy.deepcopy(value) for key, value in call.parameters.items() if key in KEPT}
    settings = {**group.settings, **changes}
    if "DesiredCapacity" not in changes:
        settings["DesiredCapacity"] = min(max(settings["DesiredCapacity"], settings["MinSize"]), settings["MaxSize"])
    _sizes(settings)
    if "LaunchTemplate" in changes:
        _template(world, call.region, settings)
    if "VPCZoneIdentifier" in changes:
        _places(world, call.region, settings)
    heard = group.settings["HealthCheckType"] == "ELB"
    group.settings = settings
    if not heard:
        listen(world, group)
    react(world, group)
    return {}


@before("autoscaling:SetDesiredCapacity")
def desire(world: World, call: ApiCall) -> Answer:
    group = known(world, call)
    settings = {**group.settings, "DesiredCapacity": call.parameters["DesiredCapacity"]}
    _sizes(settings)
    group.settings = settings
    react(world, group)
    return {}


@before("autoscaling:AttachLoadBalancerTargetGroups")
def attach(world: World, call: ApiCall) -> Answer:
    group, arns = known(world, call), call.parameters["TargetGroupARNs"]
    _target_groups(world, call.region, arns)
    group.settings["TargetGroupARNs"] = list(dict.fromkeys([*group.settings["TargetGroupARNs"], *arns]))
    for member in group.staying:
        if member.state == "InService":
            for arn in arns:
                targets.join(world, call.region, arn, member.instance.id)
    return {}


@before("autoscaling:DetachLoadBalancerTargetGroups")
def detach(world: World, call: ApiCall) -> Answer:
    group, arns = known(world, call), call.parameters["TargetGroupARNs"]
    group.settings["TargetGroupARNs"] = [one for one in group.settings["TargetGroupARNs"] if one not in arns]
    for id in group.members:
        for arn in arns:
            targets.leave(world, call.region, arn, id)
    return {}


@before("autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses")
def processes(world: World, call: ApiCall) -> Answer:
    group = known(world, call)
    named = set(call.parameters.get("ScalingProcesses") or ("Launch", "Terminate"))
    group.suspended = group.suspended | named if call.operation.startswith("Suspend") else group.suspended - named
    react(world, group)
    return {}


@before("autoscaling:DeleteAutoScalingGroup")
def delete(world: World, call: ApiCall) -> Answer:
    """AWS: by force with everything in it, else only an empty group that has nothing under way."""
    group = known(world, call)
    force = str(call.parameters.get("ForceDelete", False)).lower() == "true"
    protection = group.settings.get("DeletionProtection", "none")
    if protection == "prevent-all-deletion" or (force and protection == "prevent-force-deletion"):
        raise _invalid(f"AutoScalingGroup {group.name} has deletion protection ({protection}) and cannot be deleted")
    if not force and group.staying:
        message = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s)"
        raise AwsRefuses("ResourceInUse", f"{message} still in the group.")
    if not force and group.members:
        message = "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group."
        raise AwsRefuses("ScalingActivityInProgress", message)
    group.leaving = True
    group.settings.update(MinSize=0, MaxSize=0, DesiredCapacity=0)
    for member in group.staying:
        end(world, group, member)
    react(world, group)
    return {}


@before("autoscaling:DescribeAutoScalingGroups")
def describe(world: World, call: ApiCall) -> Answer:
    names = call.parameters.get("AutoScalingGroupNames") or ()
    groups = [one for one in world.of(Groups).all.values() if one.region == call.region]
    groups = [one for one in groups if not names or one.name in names]
    for wanted in call.parameters.get("Filters") or ():
        kind, _, key = wanted["Name"].partition(":")
        if kind != "tag":
            raise not_simulated(call)
        groups = [one for one in groups if _carries(one, key, wanted["Values"])]
    return {"AutoScalingGroups": [_described(world, one) for one in groups]}


def _carries(group: GroupState, key: str, values: Iterable[str]) -> bool:
    return any(tag["Key"] == key and tag["Value"] in values for tag in group.tags)


def _described(world: World, group: GroupState) -> dict[str, Any]:
    ec2 = world.moto("ec2", group.region)
    template = ec2.launch_templates.get(group.settings["LaunchTemplate"].get("LaunchTemplateId"))
    named = {"LaunchTemplateName": template.name} if template else {}
    arn = f"arn:aws:autoscaling:{group.region}:{ACCOUNT}:autoScalingGroup:sandbox:autoScalingGroupName/{group.name}"
    return {
        **copy.deepcopy(SHOWN),
        **group.settings,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": arn,
        "LaunchTemplate": {**group.settings["LaunchTemplate"], **named},
        "AvailabilityZones": sorted({ec2.get_subnet(one).availability_zone for one in group.subnets}),
        "LoadBalancerNames": [],
        "CreatedTime": datetime.fromtimestamp(group.created, UTC),
        "SuspendedProcesses": [{"ProcessName": one, "SuspensionReason": "by a user"} for one in group.suspended],
        "Tags": group.tags,
        "Instances": [
            {
                "InstanceId": id,
                "InstanceType": member.instance.instance_type,
                "AvailabilityZone": member.instance.placement.zone,
                "LifecycleState": member.state,
                "HealthStatus": member.health,
                "LaunchTemplate": {**group.settings["LaunchTemplate"], **named, "Version": member.version},
                "ProtectedFromScaleIn": False,
            }
            for id, member in group.members.items()
        ],
        **({"Status": "Delete in progress"} if group.leaving else {}),
    }


@before("autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags")
def tags(world: World, call: ApiCall) -> Answer:
    for tag in call.parameters["Tags"]:
        group = world.of(Groups).all.get((call.region, tag["ResourceId"]))
        if group is None:
            raise _invalid(f"AutoScalingGroup name not found - no such group: {tag['ResourceId']}")
        kept = [one for one in group.tags if one["Key"] != tag["Key"]]
        group.tags[:] = [*kept, dict(tag)] if call.operation == "CreateOrUpdateTags" else kept
    return {}


@before("autoscaling:DescribeScalingActivities")
def activities(world: World, call: ApiCall) -> Answer:
    most = int(call.parameters.get("MaxRecords") or 100)
    return {"Activities": known(world, call).activities[:most]}


@before(*(f"autoscaling:{name}" for name in NOT_OURS))
def beyond(world: World, call: ApiCall) -> Answer:
    raise not_simulated(call)
