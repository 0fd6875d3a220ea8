"""Scaling policies: kept, shown, and gone with their group. Nothing here has a load, so none ever acts."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.compute import scaling_groups
from awsdeploy.sandbox.aws.compute.scaling_members import Groups
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class ScalingPolicies:
    """Every policy as AWS shows it, by region, group and name; of which group: one may get an older one's name."""

    all: dict[tuple[str, str, str], tuple[object, dict[str, Any]]] = field(default_factory=dict)


def _existing(world: World, region: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The policies whose group is still there."""
    groups, policies = world.of(Groups).all, world.of(ScalingPolicies).all
    return {
        place: policy
        for place, (group, policy) in policies.items()
        if place[0] == region and groups.get(place[:2]) is group
    }


@before("autoscaling:PutScalingPolicy")
def put(world: World, call: ApiCall) -> Answer:
    """The same name again replaces the settings."""
    group, wanted = scaling_groups.known(world, call), call.parameters
    if group.leaving:
        raise AwsRefuses("ScalingActivityInProgress", f"AutoScalingGroup {group.name} is pending delete")
    if wanted.get("PolicyType") == "TargetTrackingScaling" and "TargetTrackingConfiguration" not in wanted:
        raise AwsRefuses("ValidationError", "TargetTrackingConfiguration is required for TargetTrackingScaling")
    name = wanted["PolicyName"]
    arn = f"arn:aws:autoscaling:{call.region}:{ACCOUNT}:scalingPolicy:sandbox:autoScalingGroupName/{group.name}"
    shown = {"Enabled": True, **copy.deepcopy(wanted), "PolicyARN": f"{arn}:policyName/{name}"}
    world.of(ScalingPolicies).all[call.region, group.name, name] = group, shown
    return {"PolicyARN": shown["PolicyARN"], "Alarms": []}


@before("autoscaling:DescribePolicies")
def describe(world: World, call: ApiCall) -> Answer:
    group, names = call.parameters.get("AutoScalingGroupName"), call.parameters.get("PolicyNames") or ()
    found = [
        policy
        for (_, of, name), policy in _existing(world, call.region).items()
        if (not group or of == group) and (not names or name in names)
    ]
    return {"ScalingPolicies": found}


@before("autoscaling:DeletePolicy")
def delete(world: World, call: ApiCall) -> Answer:
    place = (call.region, scaling_groups.known(world, call).name, call.parameters["PolicyName"])
    if place not in _existing(world, call.region):
        raise AwsRefuses("ValidationError", f"Policy {call.parameters['PolicyName']} not found")
    del world.of(ScalingPolicies).all[place]
    return {}
