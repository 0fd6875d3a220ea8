"""Restarts and new images of machines: one machine after another, and a single one for as long as was announced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from awsdeploy import architecture
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import Danger, Wait
from awsdeploy.engine.summary import RunFailed
from awsdeploy.errors import TimedOut
from awsdeploy.resources.compute import machine, placeholder
from awsdeploy.resources.compute.images import with_old_images
from awsdeploy.resources.compute.instance import RESTART
from awsdeploy.resources.web.target_health import TargetsHealthy
from tests.release.site import HEALTH, asking
from tests.sampling import sampled
from tests.simulated import World, machines, writes

pytestmark = pytest.mark.slow

TWO = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.frontend]

[services.backend]
instances = 2
"""
LARGER = TWO + 'instance_type = "t3.small"\n'
ONE_LARGER = TWO.replace("[services.frontend]", '[services.frontend]\ninstance_type = "t3.small"')
RESTARTED = [
    "elbv2:DeregisterTargets",
    "ec2:StopInstances",
    "ec2:ModifyInstanceAttribute",
    "ec2:StartInstances",
    "elbv2:RegisterTargets",
]
KILLED = -9


def healthy(world: World, port: int) -> int:
    """Number of healthy targets of the service on this port."""
    elbv2 = world.client("elbv2")
    groups = elbv2.describe_target_groups()["TargetGroups"]
    (arn,) = [one["TargetGroupArn"] for one in groups if one["Port"] == port]
    found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return sum(one["TargetHealth"]["State"] == "healthy" for one in found)


def log_of(world: World) -> list[dict[str, Any]]:
    return [row for row in world.control("GET", "calls")["calls"] if row["write"] and row["outcome"] == "ok"]


def test_two_machines_restart_one_after_another_and_one_always_serves(brought_up: Callable[[str], World]) -> None:
    world = brought_up(TWO)
    settings = world.settings(LARGER)
    changes = {item.resource.key: item.changes for item in world.plan(settings).items.values() if item.changes}
    for key in ("machines/backend-1", "machines/backend-2"):
        (change,) = changes[key]
        assert (change.danger, change.outage) == (Danger.NONE, 0)
        assert change.impact == "stops and starts one machine after another; the others serve"
    least: list[int] = []

    def look(event: ResourceEvent) -> None:
        if event.key.startswith("machines/backend-"):
            least.append(healthy(world, 9999))

    world.on_event = look
    world.control("DELETE", "calls")
    with asking(world, HEALTH, 20) as failures:
        world.up(settings)
    assert failures == []
    sent = [row["call"] for row in log_of(world) if row["call"] in RESTARTED]
    assert sent == RESTARTED * 2
    assert min(least) == 1
    assert healthy(world, 9999) == 2
    assert writes(world.up(settings)) == {}


@pytest.mark.parametrize("operation", sampled(["StartInstances", "StopInstances", "DeregisterTargets"]))
def test_after_a_crash_the_machine_that_does_not_serve_comes_first(
    brought_up: Callable[[str], World], operation: str
) -> None:
    world = brought_up(TWO)
    settings = world.settings(LARGER)
    service = "elbv2" if operation == "DeregisterTargets" else "ec2"
    world.control("POST", "fault", {"kind": "kill-after", "write": 1, "operation": f"{service}:{operation}"})
    assert world.awsdeploy("up", "--yes").returncode == KILLED
    world.control("DELETE", "fault")
    least: list[int] = []
    world.on_event = lambda _event: least.append(healthy(world, 9999))
    world.up(settings)
    assert min(least) == 1
    assert healthy(world, 9999) == 2
    assert writes(world.up(settings)) == {}


def test_stopped_machines_start_at_the_same_time(brought_up: Callable[[str], World]) -> None:
    """Nobody waits for a machine that serves: a paused stack is resumed like this."""
    world = brought_up(TWO)
    ids = machines(world)
    world.client("ec2").stop_instances(InstanceIds=[ids["backend-1"], ids["backend-2"]])
    world.pass_time(120)
    seen: list[str] = []

    def look(event: ResourceEvent) -> None:
        if event.key in ("machines/backend-1", "machines/backend-2") and event.phase in ("changing", "ready"):
            seen.append(event.phase)

    world.on_event = look
    world.control("POST", "speed", {"speed": 20})  # so that a machine takes longer to start than a call
    world.up(world.settings(TWO))
    assert seen == ["changing", "changing", "ready", "ready"]


def test_machines_restart_although_none_serves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A larger machine may be what the program needs to be healthy."""
    monkeypatch.setattr(placeholder, "user_data", lambda *_: "#!/bin/bash\n")
    rule = TargetsHealthy.wait
    monkeypatch.setattr(TargetsHealthy, "wait", Wait(rule.pending, rule.ready, deadline=1))
    for text in (TWO, LARGER):
        with pytest.raises((TimedOut, RunFailed)):
            world.up(world.settings(text))
    kinds = world.client("ec2").describe_instances(Filters=[{"Name": "tag:awsdeploy:service", "Values": ["backend"]}])
    assert healthy(world, 9999) == 0
    assert [one["InstanceType"] for group in kinds["Reservations"] for one in group["Instances"]] == ["t3.small"] * 2


def test_the_outage_of_a_single_machine_is_at_most_what_was_announced(brought_up: Callable[[str], World]) -> None:
    world = brought_up(TWO)
    settings = world.settings(ONE_LARGER)
    changes = [change for item in world.plan(settings).items.values() for change in item.changes]
    (announced,) = [change for change in changes if change.danger == Danger.OUTAGE]
    assert announced.outage == RESTART
    again: list[float] = []

    def look(event: ResourceEvent) -> None:
        if (event.key, event.phase) == ("web/frontend-healthy", "ready"):
            again.append(world.control("GET", "status")["now"])

    world.on_event = look
    world.control("POST", "speed", {"speed": 60})  # so that looking takes few AWS seconds
    world.control("DELETE", "calls")
    with asking(world, "/", 20) as failures:
        world.up(settings)
    assert failures, "a client notices"
    (stopped,) = [row["at"] for row in log_of(world) if row["call"] == "ec2:StopInstances"]
    assert 0 < again[0] - stopped <= RESTART


def test_new_images_come_to_all_machines_and_their_successors_serve_first(
    brought_up: Callable[[str], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = brought_up(TWO)
    settings = world.settings(TWO)
    before = machines(world)
    steps = architecture.steps(settings)

    def old() -> list[str]:
        run, _ = world.run(settings)
        run.look_everywhere()
        return list(with_old_images(run, steps))

    assert old() == []
    monkeypatch.setitem(machine.IMAGES, "al2023", machine.IMAGES["al2"])  # AWS has another one now
    assert old() == ["machines/frontend-1", "machines/backend-1", "machines/backend-2"]
    assert world.plan(settings).quiet, "a new image alone is no difference"
    serving: list[int] = []

    def look(event: ResourceEvent) -> None:
        if event.phase == "deleting" and event.key.startswith("machines/backend"):
            serving.append(healthy(world, 9999))

    world.on_event = look
    with asking(world, HEALTH, 20) as failures:
        world.up(settings, replace=old())
    assert failures == []
    assert min(serving) == 2
    after = machines(world)
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert old() == []


@pytest.mark.torture
def test_a_disk_that_is_larger_than_declared_is_said(brought_up: Callable[[str], World]) -> None:
    world = brought_up(TWO)
    world.up(world.settings(TWO + "volume_gb = 30\n"))
    settings = world.settings(TWO)
    assert world.plan(settings).quiet
    said = world.awsdeploy("up", "--yes").stdout
    assert "The disk of machines/backend-1 has 30 GB, not 20 GB (services.backend.volume_gb)" in said
    assert "--replace machines/backend-1" in said
