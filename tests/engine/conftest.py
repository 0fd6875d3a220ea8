"""Fixtures of the engine's tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .cloud import Town, only_these_kinds


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """An empty cloud and a declared town; kinds that the test defines are forgotten after it."""
    with only_these_kinds():
        yield Town(tmp_path)


@pytest.fixture
def fresh(town: Town) -> Callable[[], Town]:
    """Another empty cloud, with a folder of its own, each time it is called."""
    numbers = itertools.count()
    return lambda: Town(town.folder / f"town-{next(numbers)}")
