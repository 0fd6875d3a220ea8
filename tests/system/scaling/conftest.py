"""A stack that scales is brought up once; each test has a copy of that world to change."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.sandbox import control
from tests.conftest import SPEED, entered, forked
from tests.sandbox.sample_application import STILL
from tests.simulated import World

FIXED = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.frontend]

[services.backend]
"""
SCALED = (
    FIXED
    + """
[services.backend.scaling]
min = 2
max = 4
"""
)


@pytest.fixture(scope="session")
def scaling_sandbox(
    sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[control.RunningSandbox, Path]]:
    """A world in which the service that scales is up: built once, in which time stands still until it is copied."""
    child = control.call(sandbox, "POST", "fork")
    server = dataclasses.replace(sandbox, pid=child["pid"], port=child["port"])
    home = tmp_path_factory.mktemp("scaling_sandbox")
    try:
        with entered(server, home) as world:
            world.up(world.settings(SCALED))
            world.pass_time(600)
            world.control("POST", "speed", {"speed": STILL})
        yield server, home
    finally:
        os.kill(server.pid, signal.SIGTERM)


@pytest.fixture
def world(scaling_sandbox: tuple[control.RunningSandbox, Path], tmp_path: Path) -> Iterator[World]:
    """That world, for one test to change."""
    server, home = scaling_sandbox
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    with forked(server, tmp_path) as made:
        made.control("POST", "speed", {"speed": SPEED})
        yield made


@pytest.fixture
def empty_world(sandbox: control.RunningSandbox, tmp_path: Path) -> Iterator[World]:
    with forked(sandbox, tmp_path) as made:
        yield made
