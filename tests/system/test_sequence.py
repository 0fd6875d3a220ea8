"""First promise of the project: up, status, up, a lost state, up, destroy, by the installed command alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable

import pytest

from awsdeploy.dns import resolver
from tests.account import leftovers
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "prod"
domain = "example.com"
platform = "documented"
"""
DESTROY = ("destroy", "--confirm", "shop-prod", "--delete-data", "--delete-zone")


def writes_of(world: World) -> int:
    """AWS writes since the last time it was asked."""
    count = int(world.control("GET", "calls")["writes"])
    world.control("DELETE", "calls")
    return count


def test_up_status_up_lost_state_up_destroy(world: World) -> None:
    world.until(19)  # the day's images are a day away
    (world.folder / "config.toml").write_text(CONFIG)
    up = world.awsdeploy("up", "--yes")
    assert up.returncode == 0, up.stderr
    (address,) = world.control("GET", "balancers").values()
    assert address in up.stdout
    status = world.awsdeploy("status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "healthy" in status.stdout.splitlines()[0]
    assert "nothing deployed yet (placeholder page)" in status.stdout
    assert writes_of(world) > 50
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert writes_of(world) == 0
    state = world.folder / ".awsdeploy" / "shop-prod.json"
    before = json.loads(state.read_text())["entries"]
    shutil.rmtree(state.parent)
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert writes_of(world) == 0
    after = json.loads(state.read_text())["entries"]
    assert {key: entry["id"] for key, entry in after.items()} == {key: entry["id"] for key, entry in before.items()}
    gone = world.awsdeploy(*DESTROY)
    assert gone.returncode == 0, gone.stderr
    assert leftovers(world) == []
    assert not state.exists()
    assert world.awsdeploy("status").returncode == 6


def test_without_its_flags_a_destroy_without_a_record_keeps_the_data(brought_up: Callable[[str], World]) -> None:
    world = brought_up(CONFIG)
    shutil.rmtree(world.folder / ".awsdeploy")
    gone = world.awsdeploy(*DESTROY[:3])
    assert gone.returncode == 0, gone.stderr
    (left,) = leftovers(world)
    assert "-final-" in left
    assert left in gone.stdout
    assert "a month" in gone.stdout
    assert world.awsdeploy("status").returncode == 6


@pytest.mark.torture
def test_the_same_on_any_endpoint_that_speaks_aws(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given what anybody could give: an endpoint, a name server and credentials. Nothing says that it is a sandbox."""
    world.until(19)
    for name in world.environment:
        monkeypatch.delenv(name)
    given = {
        "AWS_ENDPOINT_URL": world.url,
        "AWS_CONFIG_FILE": os.devnull,
        **{name: world.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
        resolver.VARIABLE: world.environment[resolver.VARIABLE],
    }
    plain = World(world.url, given, world.folder)
    (plain.folder / "config.toml").write_text(CONFIG)
    for words in (("up", "--yes"), ("status",), ("up", "--yes")):
        done = plain.awsdeploy(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes" in done.stdout
    shutil.rmtree(plain.folder / ".awsdeploy")
    again = plain.awsdeploy("up", "--yes")
    assert "No changes" in again.stdout
    gone = plain.awsdeploy(*DESTROY)
    assert gone.returncode == 0, gone.stderr
    assert leftovers(plain) == []
