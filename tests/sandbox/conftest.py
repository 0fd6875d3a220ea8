"""A standing application is built once; each test has a copy of that world to itself, in which time stands still."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.sandbox import control
from tests.conftest import entered, forked
from tests.sandbox.standing import Standing, build


@pytest.fixture(scope="session")
def built(
    sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[control.RunningSandbox, Standing]]:
    child = control.call(sandbox, "POST", "fork")
    server = dataclasses.replace(sandbox, pid=child["pid"], port=child["port"])
    try:
        with entered(server, tmp_path_factory.mktemp("built")) as world:
            standing = build(world)
        yield server, standing
    finally:
        os.kill(server.pid, signal.SIGTERM)


@pytest.fixture
def stands(built: tuple[control.RunningSandbox, Standing], tmp_path: Path) -> Iterator[Standing]:
    """The application, in a world of its own."""
    server, standing = built
    with forked(server, tmp_path) as world:
        yield dataclasses.replace(standing, world=world)
