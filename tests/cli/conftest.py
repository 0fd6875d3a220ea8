"""Stacks that several modules of commands start from."""

from __future__ import annotations

import pytest

from tests.release.site import begin
from tests.simulated import World


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack on which a first release runs, and its repository."""
    return begin(module_world)
