"""Changes that AWS would refuse: the plan says so, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulated import World
from tests.system.test_changes import PLAIN, keys

pytestmark = [pytest.mark.slow, pytest.mark.torture]


def test_another_load_balancer_needs_other_target_groups(brought_up: Callable[[str], World]) -> None:
    """AWS: a target group belongs to one load balancer."""
    world = brought_up(PLAIN)
    refused = world.awsdeploy("up", "--yes", "--replace", "web/alb")
    assert refused.returncode == 5
    remedy = "--replace web/alb --replace web/backend --replace web/frontend"
    assert remedy in refused.stderr
    settings = world.settings(PLAIN)
    before = keys(world, settings)
    world.up(settings, replace=["web/alb", "web/backend", "web/frontend"])
    after = keys(world, settings)
    assert {key for key in before if before[key] != after.get(key)} >= {"web/alb", "web/backend", "web/frontend"}
    assert after["machines/backend-1"] == before["machines/backend-1"]
    assert world.plan(settings).quiet


def test_ranges_that_other_subnets_still_have_are_refused(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    world.settings(PLAIN + '[network]\nzones = ["a", "b"]\n')
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "network/public-b needs 10.0.2.0/24, but network/public-c" in refused.stderr


def test_an_older_engine_is_refused_before_anything_is_written(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    world.settings(PLAIN + '[database]\nengine_version = "8.0"\n')
    world.control("DELETE", "calls")
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "AWS cannot go back to 8.0" in refused.stderr
    assert [row for row in world.control("GET", "calls")["calls"] if row["write"]] == []
