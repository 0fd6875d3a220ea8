"""A release that is interrupted, at each of its steps and in each way: what serves is the old release or the new one,
and the next deploy works. A seeded sample here; `make torture` does every one.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
from collections.abc import Callable

import pytest

from awsdeploy.resources.compute.machine import release_of
from tests.release.apps import application
from tests.release.repository import commit
from tests.release.site import HEALTH, asked, asking, begin, begun, current, deploy, machines
from tests.sampling import sampled
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

STEPS = ("fetch", "environment", "install", "build", "check", "switch", "verify", "load balancer")
CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.backend]
instances = 2
paths = ["/*"]
"""
PATIENT = f"{CONFIG}\n[waits]\nsilence = 4\n"


def client_killed(_world: World, client: subprocess.Popen[str], _machine: str) -> None:
    os.kill(client.pid, signal.SIGKILL)


def agent_gone(world: World, client: subprocess.Popen[str], machine: str) -> None:
    """And back as soon as the client has given it up."""
    world.control("POST", "agent", {"instance": machine, "online": False})
    client.communicate(timeout=240)
    world.control("POST", "agent", {"instance": machine, "online": True})


def machine_rebooted(world: World, _client: subprocess.Popen[str], machine: str) -> None:
    world.client("ec2").reboot_instances(InstanceIds=[machine])


def machine_replaced(world: World, client: subprocess.Popen[str], machine: str) -> None:
    """It dies, and the next `up` makes another, which takes the current release by itself."""
    world.client("ec2").terminate_instances(InstanceIds=[machine])
    client.communicate(timeout=240)
    again = world.awsdeploy("up", "--yes", timeout=240)
    assert again.returncode == 0, again.stdout + again.stderr


Way = Callable[[World, subprocess.Popen[str], str], None]
WAYS: tuple[Way, ...] = (
    client_killed,
    agent_gone,
    machine_rebooted,
    machine_replaced,
)
UNDER_LOAD = (machine_rebooted, machine_replaced)
"""Interruptions that remove a machine that serves already: the load balancer finds out by its checks only."""
EVERY = list(itertools.product(WAYS, STEPS))
SAMPLE = random.Random(6).sample(EVERY, 1)


@pytest.fixture(scope="module")
def patient_stack(module_world: World) -> World:
    begin(module_world, CONFIG)
    module_world.settings(PATIENT)
    return module_world


def interrupted(world: World, way: Way, step: str) -> None:
    old = current(world)
    commit(world.folder, application(build="echo built", NOTE=f"{way.__name__} {step}"))
    with asking(world, HEALTH, 10) as failures:
        client = begun(world, "backend")
        assert client.stderr is not None
        machine = sent = ""
        for line in client.stderr:
            if line.startswith("backend: "):
                sent = line.split()[-1]
            if "machine 1 of" in line:
                machine = line.split()[-1]
            if line.startswith(f"  {step}  "):
                break
        else:
            pytest.fail(f"it never came to {step}")
        way(world, client, machine)
        client.communicate(timeout=240)
    if not (step == "load balancer" and way in UNDER_LOAD):
        assert failures == []
    assert current(world) in (old, sent)
    deploy(world, "backend")
    new = current(world)
    assert new != old
    assert {asked(world)["release"] for _ in range(6)} == {new}
    assert {release_of(one["Tags"]) for one in machines(world)} == {new}


@pytest.mark.parametrize(("way", "step"), sampled(EVERY, SAMPLE))
def test_an_interrupted_release_leaves_one_that_serves(patient_stack: World, way: Way, step: str) -> None:
    interrupted(patient_stack, way, step)
