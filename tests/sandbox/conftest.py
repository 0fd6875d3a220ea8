"""A sample application is built once; each test has a copy of that world to itself, in which time stands still."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.sandbox import control
from tests.conftest import entered, forked
from tests.sandbox.sample_application import SampleApplication, build


@pytest.fixture(scope="session")
def sample_sandbox(
    sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[control.RunningSandbox, SampleApplication]]:
    child = control.call(sandbox, "POST", "fork")
    server = dataclasses.replace(sandbox, pid=child["pid"], port=child["port"])
    try:
        with entered(server, tmp_path_factory.mktemp("built")) as world:
            sample = build(world)
        yield server, sample
    finally:
        os.kill(server.pid, signal.SIGTERM)


@pytest.fixture
def sample(
    sample_sandbox: tuple[control.RunningSandbox, SampleApplication], tmp_path: Path
) -> Iterator[SampleApplication]:
    """The application, in a world of its own."""
    server, sample = sample_sandbox
    with forked(server, tmp_path) as world:
        yield dataclasses.replace(sample, world=world)
