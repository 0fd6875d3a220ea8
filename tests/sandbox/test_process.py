"""The sandbox as a process: it listens on loopback only, outlives its clients, and ends by itself when nobody asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.sandbox import control
from awsdeploy.sandbox.server.http import listening_socket
from tests.simulated import World

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
KILLED = -9


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    control.stop(tmp_path / "home")


def test_it_listens_on_loopback_only() -> None:
    with listening_socket() as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_killed_client_leaves_it_and_all_that_it_holds_standing(world: World) -> None:
    (world.folder / "config.toml").write_text(CONFIG)
    world.control("POST", "fault", {"kind": "kill-after", "write": 10})
    assert world.awsdeploy("up", "--yes").returncode == KILLED
    vpcs = world.client("ec2").describe_vpcs(Filters=[{"Name": "tag-key", "Values": ["awsdeploy:stack"]}])["Vpcs"]
    assert len(vpcs) == 1
    assert world.awsdeploy("up", "--yes").returncode == 0


def test_it_ends_by_itself_when_nobody_asks(home: Path) -> None:
    server = control.start(home, idle=0.5)
    os.waitpid(server.pid, 0)
    assert control.status(home) is None
    assert control.ended(home)


def test_one_that_was_stopped_has_not_ended_by_itself(home: Path) -> None:
    assert not control.ended(home)
    control.start(home)
    assert not control.ended(home)
    control.stop(home)
    assert not control.ended(home)


def test_one_that_died_is_replaced_by_another(home: Path) -> None:
    first = control.start(home)
    os.kill(first.pid, 9)
    os.waitpid(first.pid, 0)
    second = control.start(home)
    assert second.pid != first.pid
    assert control.status(home) is not None


def test_it_is_the_one_of_its_folder_however_often_it_is_started(home: Path) -> None:
    assert control.start(home).pid == control.start(home).pid
