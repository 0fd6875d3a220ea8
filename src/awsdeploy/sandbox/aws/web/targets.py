"""Target health. A target is healthy if a listener uses its group, the machine has booted, its user data has started a
server on the port, and the security groups allow the health check.

If programs really run on the machine, the router makes the health check; see `checked`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.aws.compute.instances import InstanceStates, bootstrapped
from awsdeploy.sandbox.aws.network import interfaces, security_groups
from awsdeploy.sandbox.aws.web import listeners, load_balancers
from awsdeploy.sandbox.aws.web.checked import Checked, released
from awsdeploy.sandbox.machines.user_data import listens
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

WORDS = {
    "Target.NotInUse": "Target group is not configured to receive traffic from the load balancer",
    "Target.InvalidState": "Target is in the stopped state",
    "Target.DeregistrationInProgress": "Target deregistration is in progress",
    "Target.Timeout": "Request timed out",
    "Target.FailedHealthChecks": "Health checks failed",
    "Elb.RegistrationInProgress": "Target registration is in progress",
    "Elb.InitialHealthChecking": "Initial health checks in progress",
}


@dataclass
class Registered:
    """Times at which targets joined, and at which those that left are drained, by group and machine.

    `finishing`: until when, on the real clock, a request under way there may take.
    """

    since: dict[tuple[str, str], float] = field(default_factory=dict)
    draining: dict[tuple[str, str], float] = field(default_factory=dict)
    finishing: dict[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Serving:
    """A target that requests may reach: what is simulated of it."""

    id: str
    port: int
    state: str
    placeholder: bool
    released: bool
    admitted: bool


@before("elbv2:RegisterTargets")
def register(world: World, call: ApiCall) -> None:
    ec2, group = world.moto("ec2", call.region), _group(world, call)
    memory = world.of(Registered)
    for target in call.parameters["Targets"]:
        instance = ec2.get_instance_by_id(target["Id"])
        if instance is None or instance._state.name != "running" or instance.vpc_id != group.vpc_id:
            message = f"The following targets are not in a running state in {group.vpc_id} and cannot be registered"
            raise AwsRefuses("InvalidTarget", f"{message}: '{target['Id']}'")
        memory.draining.pop((group.arn, target["Id"]), None)
        memory.since.setdefault((group.arn, target["Id"]), world.now)


def join(world: World, region: str, arn: str, id: str) -> None:
    """A running machine enters a group at the group's own port."""
    group = world.moto("elbv2", region).target_groups.get(arn)
    if group is not None:
        group.targets[id] = {"Id": id, "Port": group.port}
        world.of(Registered).draining.pop((arn, id), None)
        world.of(Registered).since.setdefault((arn, id), world.now)


def leave(world: World, region: str, arn: str, id: str) -> float:
    """A machine leaves a group; for how many seconds it is drained."""
    group, memory = world.moto("elbv2", region).target_groups.get(arn), world.of(Registered)
    if group is None or group.targets.pop(id, None) is None:
        return 0.0
    memory.since.pop((arn, id), None)
    if not group.load_balancer_arns:
        return 0.0
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    memory.draining[arn, id] = world.now + delay
    memory.finishing[arn, id] = time.monotonic() + delay
    return delay


def drains(world: World, arn: str, id: str) -> bool:
    """Drain a target for the group's delay; a request under way gets this time in real seconds."""
    memory = world.of(Registered)
    if world.now < memory.draining.get((arn, id), 0.0):
        return True
    return (arn, id) in world.of(Checked).draining and time.monotonic() < memory.finishing.get((arn, id), 0.0)


def word(world: World, region: str, arn: str, id: str) -> str:
    """State of a registered machine: healthy, unhealthy, initial, unused; nothing for other machines."""
    group = world.moto("elbv2", region).target_groups.get(arn)
    target = group.targets.get(id) if group is not None else None
    return _state(world, region, group, target)[0] if target else ""


@before("elbv2:DeregisterTargets")
def deregister(world: World, call: ApiCall) -> Answer:
    """AWS: a target that is not registered is no error. One that served is drained for the group's delay."""
    group = _group(world, call)
    for target in call.parameters["Targets"]:
        leave(world, call.region, group.arn, target["Id"])
    return {}


@before("elbv2:DescribeTargetHealth")
def health(world: World, call: ApiCall) -> Answer:
    group, memory = _group(world, call), world.of(Registered)
    rows = {one["Id"]: (int(one["Port"]), *_state(world, call.region, group, one)) for one in group.targets.values()}
    for arn, id in memory.draining:
        if arn == group.arn and id not in rows and drains(world, arn, id):
            rows[id] = (int(group.port), "draining", "Target.DeregistrationInProgress", "")
    for asked in call.parameters.get("Targets") or ():
        rows.setdefault(asked["Id"], (int(asked.get("Port", group.port)), "unused", "Target.NotRegistered", ""))
    wanted = {one["Id"] for one in call.parameters.get("Targets") or ()} or set(rows)
    return {"TargetHealthDescriptions": [_described(id, *row) for id, row in rows.items() if id in wanted]}


def serving(world: World, region: str, group: Any) -> Iterator[Serving]:
    """The targets that requests may reach, well or not."""
    for target in group.targets.values():
        state, reason = _simulated(world, region, group, target)
        if state in {"unused", ""} or reason == "Elb.RegistrationInProgress":
            continue
        instance = world.moto("ec2", region).get_instance_by_id(target["Id"])
        served = bootstrapped(world, instance) and int(target["Port"]) in _listens(world, instance)
        admitted = _admitted(world, region, _balancers(world, region, group)[0], instance, int(target["Port"]))
        yield Serving(instance.id, int(target["Port"]), state, served, released(world, instance), admitted)


def _described(id: str, port: int, state: str, reason: str, words: str) -> dict[str, Any]:
    shown = {"State": state}
    if reason:
        shown |= {"Reason": reason, "Description": words or WORDS.get(reason, reason)}
    return {"Target": {"Id": id, "Port": port}, "HealthCheckPort": str(port), "TargetHealth": shown}


def _group(world: World, call: ApiCall) -> Any:
    arn = call.parameters["TargetGroupArn"]
    group = world.moto("elbv2", call.region).target_groups.get(arn)
    if group is None:
        raise AwsRefuses("TargetGroupNotFound", f"Target groups '{arn}' not found")
    return group


def _balancers(world: World, region: str, group: Any) -> list[Any]:
    elb = world.moto("elbv2", region)
    return [elb.load_balancers[arn] for arn in listeners.users(elb, group.arn)]


def _state(world: World, region: str, group: Any, target: dict[str, Any]) -> tuple[str, str, str]:
    """State, reason, and words where the reason alone does not say them."""
    state, reason = _simulated(world, region, group, target)
    verdict = world.of(Checked).verdicts.get((group.arn, target["Id"]))
    asked = state in {"healthy", "unhealthy"} or reason == "Elb.InitialHealthChecking"
    if not asked or reason == "Target.Timeout":
        return state, reason, ""
    if verdict is None and released(world, world.moto("ec2", region).get_instance_by_id(target["Id"])):
        return "initial", "Elb.InitialHealthChecking", ""
    return verdict or (state, reason, "")


def _simulated(world: World, region: str, group: Any, target: dict[str, Any]) -> tuple[str, str]:
    instance = world.moto("ec2", region).get_instance_by_id(target["Id"])
    balancers = _balancers(world, region, group)
    if instance is None or instance._state.name not in {"pending", "running"}:
        return "unused", "Target.InvalidState"
    zone = instance.placement.zone
    if not any(zone == subnet.availability_zone for balancer in balancers for subnet in balancer.subnets):
        return "unused", "Target.NotInUse"
    active = world.of(load_balancers.Balancers).active_since.get(balancers[0].arn)
    if active is None:
        return "initial", "Elb.RegistrationInProgress"
    joined = world.of(Registered).since.get((group.arn, instance.id), 0.0)
    begun = max(active, joined, world.of(listeners.Used).since.get(group.arn, 0.0))
    every = float(group.health_check_interval_seconds)
    why = _unanswered(world, region, group, balancers[0], instance, int(target["Port"]))
    if not why:
        answers = max(begun, _booted(world, instance))
        if world.now >= answers + float(group.healthy_threshold_count) * every:
            return "healthy", ""
    if world.now >= begun + float(group.unhealthy_threshold_count) * every:
        return "unhealthy", why or "Target.FailedHealthChecks"
    return "initial", "Elb.InitialHealthChecking"


def _booted(world: World, instance: Any) -> float:
    """Time at which the machine's user data has started its program."""
    since = world.of(InstanceStates).running_since.get(instance.id)
    return float("inf") if since is None else since + durations.INSTANCE_BOOTSTRAPPED


def _unanswered(world: World, region: str, group: Any, balancer: Any, instance: Any, port: int) -> str:
    """Reason why a check of this machine fails, once it has booted."""
    if not _admitted(world, region, balancer, instance, port):
        return "Target.Timeout"
    if port not in _listens(world, instance):
        return "Target.FailedHealthChecks"
    return "" if _accepts(group, 200) else "Target.FailedHealthChecks"


def _admitted(world: World, region: str, balancer: Any, instance: Any, port: int) -> bool:
    """Check whether the security groups admit the load balancer, from any of its interfaces."""
    ec2 = world.moto("ec2", region)
    groups = {one.id for nic in instance.nics.values() for one in nic.group_set}
    sources = interfaces.described(world, region, load_balancers.describe_interfaces(balancer))
    return any(
        security_groups.admits(ec2, groups, port, one) and security_groups.lets_out(ec2, one, port, groups)
        for one in sources
    )


def _listens(world: World, instance: Any) -> frozenset[int]:
    """The ports that the machine's user data serves."""
    if instance.id in world.of(InstanceStates).silent:
        return frozenset()
    script = instance.user_data or ""
    return listens(script if isinstance(script, str) else script.decode())


def _accepts(group: Any, code: int) -> bool:
    """Check whether the group's matcher (`200`, `200-399`, `200,301`) includes a status code."""
    for part in str(group.matcher.get("HttpCode", "200")).split(","):
        low, _, high = part.partition("-")
        if int(low) <= code <= int(high or low):
            return True
    return False
