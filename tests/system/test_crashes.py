"""A kill at any write and a lost answer at any write: the same command goes on, without twins or leaks.

A seeded sample in `make test`; `make torture` does every write.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from awsdeploy.engine.resource import Observed
from awsdeploy.sandbox.control import RunningSandbox
from tests.account import how_many, leftovers
from tests.conftest import forked
from tests.simulated import World, writes

CONFIG = """\
name = "crash"
environment = "prod"
domain = "example.com"
platform = "supported"

[monitoring]
emails = ["ops@example.com"]
"""
Record = Callable[[str, object], None]
FAULTS = ("kill-before", "kill-after", "lost-answer")
WRITES_OF_UP = 130  # at least: what AWS refuses because a role is too fresh is asked again
WRITES_OF_DESTROY = 85  # at least; what is refused because something still uses it is asked again
EVERY_POINT = [
    (command, fault, write)
    for command, count in (("up", WRITES_OF_UP), ("destroy", WRITES_OF_DESTROY))
    for fault in FAULTS
    for write in range(1, count + 1)
]
SAMPLE = random.Random(20261124).sample(EVERY_POINT, 2)
UP = ("up", "--yes")
DESTROY = ("destroy", "--confirm", "crash-prod", "--delete-data", "--delete-zone")
KILLED = -9


def points(chosen: Sequence[tuple[object, ...]]) -> list[object]:
    return [pytest.param(*point, id="-".join(map(str, point))) for point in chosen]


@pytest.fixture(scope="module")
def stack_world(module_world: World) -> World:
    """The stack is up: a destroy begins here."""
    module_world.up(module_world.settings(CONFIG))
    return module_world


@pytest.fixture(scope="module")
def all_resources(stack_world: World) -> dict[str, int]:
    """Resources after an undisturbed `up`, read before the first night and its backups."""
    return how_many(stack_world)


@pytest.fixture
def world_before(command: str, world: World, stack_world: World, tmp_path: Path) -> Iterator[World]:
    """World before a command: empty for `up`; for `destroy` a fork in which the stack is up, and its state."""
    if command == "up":
        yield world
        return
    with forked(RunningSandbox(**stack_world.control("GET", "status")), tmp_path) as made:
        shutil.copytree(stack_world.folder, tmp_path, dirs_exist_ok=True)
        yield made


@pytest.mark.slow
@pytest.mark.parametrize(("command", "fault", "write"), points(SAMPLE))
def test_a_crash_is_survived(
    world_before: World, command: str, fault: str, write: int, all_resources: dict[str, int], record_property: Record
) -> None:
    survive(world_before, command, fault, write, all_resources, record_property)
    if command == "up":
        world_before.destroy(world_before.settings(CONFIG))
        assert leftovers(world_before) == []


@pytest.mark.torture
@pytest.mark.parametrize(("command", "fault", "write"), points(EVERY_POINT))
def test_every_crash_is_survived(
    world_before: World, command: str, fault: str, write: int, all_resources: dict[str, int], record_property: Record
) -> None:
    survive(world_before, command, fault, write, all_resources, record_property)


def survive(world: World, command: str, fault: str, write: int, all_there_is: dict[str, int], record: Record) -> None:
    """The same command again ends as if nothing had been: nothing is missing, twice, or left."""
    settings = world.settings(CONFIG)
    words = {"up": UP, "destroy": DESTROY}[command]
    world.control("POST", "fault", {"kind": fault, "write": write})
    first = world.awsdeploy(*words)
    fired = not world.control("GET", "fault")["armed"]
    world.control("DELETE", "fault")
    assert fired, "the run made fewer writes than expected"
    if fault != "lost-answer":
        assert first.returncode == KILLED, first.stderr
    again = world.awsdeploy(*words, AWSDEPLOY_SETTLE="0.3")
    if command == "up":
        assert again.returncode == 0, again.stderr
    else:  # a destroy that had come to its end leaves no stack to destroy
        assert again.returncode in ({6} if first.returncode == 0 else {0, 6}), again.stderr
    assert "Traceback" not in first.stderr + again.stderr
    if command == "up":
        no_twins(world.everything(settings), record)
        assert writes(world.up(settings)) == {}
        there, wanted = Counter(without_backups(how_many(world))), without_backups(all_there_is)
        record("leaks", (there - Counter(wanted)).total())
        assert there == wanted
    else:
        left = leftovers(world)
        record("leaks", len(left))
        assert left == []


def no_twins(observations: list[Observed], record: Record) -> None:
    """One object for each key of each kind; volumes have their machine's."""
    counted = Counter((one.kind.__name__, one.key) for one in observations)
    record("twins", sum(count - 1 for count in counted.values()))
    assert {what: count for what, count in counted.items() if count > 1} == {}


def without_backups(counted: dict[str, int]) -> dict[str, int]:
    """AWS makes images by itself when their hour comes."""
    return {kind: count for kind, count in counted.items() if kind not in ("image", "snapshot")}
