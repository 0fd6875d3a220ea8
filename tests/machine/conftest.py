"""Machines in throwaway roots, with one toolchain for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine import toolchain
from tests.machine.release_host import ReleaseHost


@pytest.fixture(scope="session")
def tools() -> Path:
    return toolchain.folder()


@pytest.fixture
def host(tools: Path) -> Iterator[ReleaseHost]:
    made = ReleaseHost(tools)
    yield made
    made.close()
