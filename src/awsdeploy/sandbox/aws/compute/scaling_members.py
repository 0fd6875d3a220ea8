"""Members of an Auto Scaling group: it starts machines from its template, alternately over its subnets, puts them
into its target groups, replaces those that are gone, and terminates what is too many.

The groups are a model of our own: moto's puts all machines into the first zone, forgets half of the template and
knows no time. The machines are ordinary ones, started by an ordinary RunInstances with all its checks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from awsdeploy.sandbox.aws.compute import instances, launch_templates
from awsdeploy.sandbox.aws.web import targets
from awsdeploy.sandbox.server import answering, durations
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@dataclass
class MemberState:
    """A machine as its group sees it: `state` and `health` in AWS's words, `since` when it began to serve."""

    instance: Any
    version: str
    state: str = "Pending"
    health: str = "Healthy"
    since: float = 0.0


@dataclass
class GroupState:
    """A group by what it was told (`settings`, by API name), and what it has made of it."""

    name: str
    region: str
    settings: dict[str, Any]
    created: float
    tags: list[dict[str, Any]] = field(default_factory=list)
    members: dict[str, MemberState] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    leaving: bool = False

    @property
    def subnets(self) -> list[str]:
        return [one for one in str(self.settings.get("VPCZoneIdentifier") or "").split(",") if one]

    @property
    def staying(self) -> list[MemberState]:
        return [one for one in self.members.values() if one.state != "Terminating"]


@dataclass
class Groups:
    """Every group, by region and name."""

    all: dict[tuple[str, str], GroupState] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)


def react(world: World, group: GroupState, seconds: float = durations.SCALING_REACTS) -> None:
    """The group acts on what has changed, soon."""
    world.agenda.after(seconds, partial(_balance, world, group))


def _balance(world: World, group: GroupState) -> None:
    if world.of(Groups).all.get((group.region, group.name)) is not group:
        return
    if group.leaving and not group.members:
        del world.of(Groups).all[group.region, group.name]
        return
    missing = int(group.settings["DesiredCapacity"]) - len(group.staying)
    if missing > 0 and "Launch" not in group.suspended:
        for _ in range(missing):
            if not _launch(world, group):
                react(world, group, durations.SCALING_RETRIES)
                break
    if missing < 0 and "Terminate" not in group.suspended:
        for member in _surplus(group, -missing):
            end(world, group, member)


def _surplus(group: GroupState, count: int) -> list[MemberState]:
    """AWS: from the zone with the most machines, the oldest first."""
    chosen: list[MemberState] = []
    for _ in range(count):
        rest = [one for one in group.staying if one not in chosen]
        zones = [one.instance.placement.zone for one in rest]
        chosen.append(max(rest, key=lambda one: (zones.count(one.instance.placement.zone), -rest.index(one))))
    return chosen


def _launch(world: World, group: GroupState) -> bool:
    try:
        number, data = launch_templates.version_data(world, group.region, group.settings["LaunchTemplate"])
        place = min(group.subnets, key=lambda one: sum(m.instance.subnet_id == one for m in group.staying))
        wanted = {**data, "SubnetId": place, "MinCount": 1, "MaxCount": 1}
        call = calls.made("ec2", group.region, "RunInstances", wanted)
        made = calls.answer_of(call, answering.answer(world, call))
    except AwsRefuses as refusal:
        _note(world, group, "Launching a new EC2 instance", refusal.message)
        return False
    instance = world.moto("ec2", group.region).get_instance(made["Instances"][0]["InstanceId"])
    own = {one["Key"]: one["Value"] for one in group.tags if one.get("PropagateAtLaunch")}
    instance.add_tags({**own, "aws:autoscaling:groupName": group.name})
    group.members[instance.id] = MemberState(instance, number)
    _note(world, group, f"Launching a new EC2 instance: {instance.id}")
    world.agenda.after(durations.INSTANCE_RUNNING, partial(_arrived, world, group, group.members[instance.id]))
    return True


def _arrived(world: World, group: GroupState, member: MemberState) -> None:
    if member.state == "Pending" and member.instance._state.name == "running":
        member.state, member.since = "InService", world.now
        for arn in group.settings.get("TargetGroupARNs") or ():
            targets.join(world, group.region, arn, member.instance.id)


def end(world: World, group: GroupState, member: MemberState) -> None:
    """Out of its target groups, drained, terminated."""
    if member.state == "Terminating":
        return
    member.state = "Terminating"
    id = member.instance.id
    arns = group.settings.get("TargetGroupARNs") or ()
    delay = max((targets.leave(world, group.region, arn, id) for arn in arns), default=0.0)
    _note(world, group, f"Terminating EC2 instance: {id}")
    world.agenda.after(delay, partial(_terminate, world, group, member))


def _terminate(world: World, group: GroupState, member: MemberState) -> None:
    arns = group.settings.get("TargetGroupARNs") or ()
    if any(targets.drains(world, arn, member.instance.id) for arn in arns):
        world.agenda.after(durations.SCALING_REACTS, partial(_terminate, world, group, member))
        return
    call = calls.made("ec2", group.region, "TerminateInstances", {"InstanceIds": [member.instance.id]})
    if member.instance._state.name == "terminated":
        _forget(world, group, member)
    else:
        answering.answer(world, call)


def _forget(world: World, group: GroupState, member: MemberState) -> None:
    group.members.pop(member.instance.id, None)
    react(world, group)


def _left(world: World, region: str, instance: Any) -> None:
    """A machine no longer runs: one that was let go is forgotten, any other is missed after a while."""
    for group in list(world.of(Groups).all.values()):
        member = group.members.get(instance.id)
        if member is not None and group.region == region:
            if member.state == "Terminating":
                _forget(world, group, member)
            else:
                world.agenda.after(durations.SCALING_NOTICES, partial(_missed, world, group, member))


def _missed(world: World, group: GroupState, member: MemberState) -> None:
    if member.instance._state.name not in {"pending", "running"}:
        member.health = "Unhealthy"
        end(world, group, member)
        react(world, group)


def listen(world: World, group: GroupState) -> None:
    """A group of health check type ELB takes the load balancer's word, once a machine's grace is over."""
    if world.of(Groups).all.get((group.region, group.name)) is not group:
        return
    if group.settings.get("HealthCheckType") != "ELB":
        return
    for member in group.staying if "HealthCheck" not in group.suspended else ():
        old = member.state == "InService" and world.now >= member.since + int(group.settings["HealthCheckGracePeriod"])
        arns = group.settings.get("TargetGroupARNs") or ()
        # AWS, Elastic Load Balancing guide: a target that is unused (not registered) may be replaced as well.
        words = {targets.word(world, group.region, arn, member.instance.id) or "unused" for arn in arns}
        if old and words & {"unhealthy", "unused"}:
            member.health = "Unhealthy"
            end(world, group, member)
            react(world, group)
    world.agenda.after(durations.SCALING_NOTICES, partial(listen, world, group))


def _note(world: World, group: GroupState, what: str, failure: str = "") -> None:
    """An activity, the newest first."""
    group.activities.insert(
        0,
        {
            "ActivityId": f"activity-{next(world.of(Groups).numbers)}",
            "AutoScalingGroupName": group.name,
            "Description": what,
            "Cause": "The number of machines differed from the desired capacity.",
            "StartTime": datetime.fromtimestamp(world.now, UTC),
            "StatusCode": "Failed" if failure else "Successful",
            "Progress": 100,
            **({"StatusMessage": f"{failure} Launching EC2 instance failed."} if failure else {}),
        },
    )


instances.STOPPED_HOOKS.append(_left)
