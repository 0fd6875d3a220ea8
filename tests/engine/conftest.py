"""Fixtures of the engine's tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .cloud import SampleStack, only_these_kinds


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[SampleStack]:
    """An empty cloud and a declared stack; kinds that the test defines are forgotten after it."""
    with only_these_kinds():
        yield SampleStack(tmp_path)


@pytest.fixture
def new_sample(sample: SampleStack) -> Callable[[], SampleStack]:
    """Another empty cloud, with a folder of its own, each time it is called."""
    numbers = itertools.count()
    return lambda: SampleStack(sample.folder / f"sample-{next(numbers)}")
