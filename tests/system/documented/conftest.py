"""Plain clients of a world in which the documented stack is up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulated import World


@pytest.fixture(scope="module")
def ec2(documented: World) -> Any:
    return documented.client("ec2")


@pytest.fixture(scope="module")
def elbv2(documented: World) -> Any:
    return documented.client("elbv2")
