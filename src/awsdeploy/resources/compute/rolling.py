"""Restarts of the machines behind a target group, one after another: no request goes to a machine that stops."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from awsdeploy.engine.resource import OTHERS, Aws, Change, Observed
from awsdeploy.resources.compute.machine import service_of

ONE_BY_ONE = "stops and starts one machine after another; the others serve"


def leaving(aws: Aws, key: str, machine: Observed, change: Change, stop: Callable[[], object]) -> Change:
    """The next step of a change that needs a stopped machine: leave the target group, drain, stop.

    A machine that serves leaves the turn to others until one of them serves too.
    """
    change = dataclasses.replace(change, impact=ONE_BY_ONE, turn=key)
    group = _group(aws, key)
    states = _states(group)
    state = states.pop(machine.id, "")
    if group is None or state in ("", "unused"):
        return dataclasses.replace(change, apply=stop)
    if state == "draining":
        return dataclasses.replace(change, apply=_nothing, begun=True, step="draining")
    if aws.fresh and state == "healthy" and "healthy" not in states.values():
        return _after_others(aws, group, machine, change, states)
    leave = partial(aws.elbv2.deregister_targets, TargetGroupArn=group.id, Targets=[{"Id": machine.id}])
    return dataclasses.replace(change, apply=leave, step="leave")


def _after_others(aws: Aws, group: Observed, machine: Observed, change: Change, states: Mapping[str, str]) -> Change:
    """Wait until another machine serves. One that an interrupted run has restarted is registered again.

    That needs the turn: a machine that has it is about to stop, or registers itself.
    """
    peers = [one for one in aws.latest(machine.kind) if service_of(one) == service_of(machine) and one.id != machine.id]
    out = [one.id for one in peers if one.status == "running" and one.id not in states]
    if not out:
        return dataclasses.replace(change, apply=_nothing, begun=True, step=OTHERS, turn="")
    return dataclasses.replace(change, apply=partial(_register, aws, group, *out), step="register others")


def rejoining(aws: Aws, key: str, machine: str) -> Iterator[Change]:
    """Steps until the target group finds a machine healthy that was stopped."""
    group = _group(aws, key)
    state = _states(group).get(machine, "")
    if group is None or state == "healthy":
        return
    if state in ("", "draining"):
        yield Change("target", state or None, "registered", partial(_register, aws, group, machine), turn=key)
    else:
        yield Change("target", state, "healthy", _nothing, begun=True, turn=key)


def _register(aws: Aws, group: Observed, *machines: str) -> None:
    targets = [{"Id": machine, "Port": group.raw["Port"]} for machine in machines]
    aws.elbv2.register_targets(TargetGroupArn=group.id, Targets=targets)


def _group(aws: Aws, key: str) -> Observed | None:
    """The target group that a load balancer uses; None if there is none yet."""
    if not key:
        return None
    found = aws.latest(type(aws.declared(key)))
    return next((one for one in found if one.key == key and one.raw["LoadBalancerArns"]), None)


def _states(group: Observed | None) -> dict[str, str]:
    """State of each target."""
    health: list[Mapping[str, Any]] = group.raw["Health"] if group else []
    return {str(one["Target"]["Id"]): str(one["TargetHealth"]["State"]) for one in health}


def _nothing() -> None:
    """AWS is at work: nothing is sent."""
