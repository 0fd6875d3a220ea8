"""Machines in throwaway roots, with one toolchain for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release import toolchain
from tests.release.box import ReleaseHost


@pytest.fixture(scope="session")
def tools() -> Path:
    return toolchain.folder()


@pytest.fixture
def box(tools: Path) -> Iterator[ReleaseHost]:
    made = ReleaseHost(tools)
    yield made
    made.close()
