"""Worlds of simulated AWS. One sandbox per test process stays warm; each world is a fork of it, 20–50 ms old."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import botocore.session
import pytest

from awsdeploy.sandbox import control, toolchain
from awsdeploy.sandbox.toolchain import NoToolchain
from tests.architecture import mutants
from tests.simulated import DOCUMENTED, World

SPEED = 600.0
"""AWS seconds in a real second: a ten-minute database takes one."""


WARMING = """\
name = "warm"
environment = "dev"
platform = "supported"
"""


@functools.cache
def no_npm() -> str:
    """Why nothing that npm installs can be had on this machine; empty where it can."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            toolchain.put_into(Path(folder))
    except NoToolchain as missing:
        return str(missing)
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What really runs applications needs PM2, from npm's registry: said loudly where that is out of reach."""
    if item.get_closest_marker("npm") and (why := no_npm()):
        pytest.skip(f"npm's registry is out of reach: {why}")


@pytest.fixture(scope="session", autouse=True)
def _altered() -> Iterator[None]:
    """The documented value that this process has to notice as altered; see tests/architecture."""
    with pytest.MonkeyPatch.context() as patch:
        if mutant := mutants.chosen():
            mutants.apply(mutant, patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _models() -> Iterator[None]:
    """botocore reads what AWS's services are like once, not for every session anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Server]:
    """A warm sandbox whose own world is empty: what it learns on the first calls, its forks know."""
    home = tmp_path_factory.mktemp("sandbox")
    server = control.start(home, speed=SPEED, idle=3600)
    with entered(server, home) as world:
        world.up(world.settings(WARMING))
    control.reset(home)
    yield server
    control.stop(home)


@contextmanager
def entered(server: control.Server, folder: Path) -> Iterator[World]:
    """This process as a client of `server`, and a folder for its config and state."""
    given = control.environment(server)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        yield World(server.url, {name: value for name, value in given.items() if value is not None}, folder)


@contextmanager
def forked(sandbox: control.Server, folder: Path) -> Iterator[World]:
    """A world of its own, gone afterwards."""
    child = control.call(sandbox, "POST", "fork")
    server = dataclasses.replace(sandbox, pid=child["pid"], port=child["port"])
    try:
        with entered(server, folder) as world:
            yield world
    finally:
        with contextlib.suppress(ProcessLookupError):  # a test may have ended it
            os.kill(server.pid, signal.SIGTERM)


EVENING = 19  # o'clock: AWS makes the images of the day at half past 18, so for most of a day no test comes upon them


@pytest.fixture
def world(sandbox: control.Server, tmp_path: Path) -> Iterator[World]:
    with forked(sandbox, tmp_path) as made:
        made.until(EVENING)
        yield made


@pytest.fixture(scope="module")
def module_world(sandbox: control.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with forked(sandbox, tmp_path_factory.mktemp("world")) as made:
        made.until(EVENING)
        yield made


@pytest.fixture(scope="module")
def documented(module_world: World) -> World:
    """A world in which the documented stack is up: prod, with `ssh_from` set."""
    module_world.up(module_world.settings(DOCUMENTED))
    return module_world
