"""Stacks that modules of commands start from; what is built is the module's own `CONFIG`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.sandbox.control import RunningSandbox
from tests.conftest import Stacks, forked
from tests.release.site import begin
from tests.simulated import World


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack on which a first release runs, and its repository."""
    return begin(module_world)


@pytest.fixture(scope="module")
def stack_world(
    stacks: Stacks, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A world in which the module's stack is up."""
    with stacks.copy(request.module.CONFIG, tmp_path_factory.mktemp("stack_world")) as world:
        yield world


@pytest.fixture
def stack_copy(
    stack_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A fork of that world for one test, which works in its folder."""
    with forked(RunningSandbox(**stack_world.control("GET", "status")), tmp_path) as made:
        (tmp_path / "config.toml").write_text(request.module.CONFIG)
        monkeypatch.chdir(tmp_path)
        made.control("DELETE", "calls")
        yield made
