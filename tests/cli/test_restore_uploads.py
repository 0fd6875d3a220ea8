"""restore uploads: files as they were, from versions, by the installed command; nothing is ever lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sampling import sampled
from tests.sandbox.sample_application import STILL
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "files"
environment = "dev"
platform = "supported"

[uploads]
access = "private"
"""
HOUR = 3600


@pytest.fixture
def stack(brought_up: Callable[[str], World]) -> World:
    """Time passes only when a test says so."""
    world = brought_up(CONFIG)
    world.control("POST", "speed", {"speed": STILL})
    return world


def bucket(world: World) -> str:
    names = [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]]
    (name,) = [one for one in names if "uploads" in one]
    return str(name)


def now(world: World) -> str:
    return datetime.fromtimestamp(world.control("GET", "status")["now"], UTC).isoformat()


def put(world: World, **files: str) -> None:
    for name, text in files.items():
        world.client("s3").put_object(Bucket=bucket(world), Key=f"uploads/{name}", Body=text.encode())
    world.pass_time(HOUR)


def remove(world: World, name: str) -> None:
    world.client("s3").delete_object(Bucket=bucket(world), Key=f"uploads/{name}")
    world.pass_time(HOUR)


def files(world: World) -> dict[str, str]:
    s3 = world.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket(world)).get("Contents", ())
    return {
        one["Key"].removeprefix("uploads/"): s3.get_object(Bucket=bucket(world), Key=one["Key"])["Body"].read().decode()
        for one in listed
    }


def versions(world: World) -> set[str]:
    found: Any = world.client("s3").list_object_versions(Bucket=bucket(world))
    return {one["VersionId"] for one in found.get("Versions", ())}


def restore(world: World, *words: str) -> Any:
    """Result of the command."""
    clock = f"1:{datetime.now(UTC).timestamp()}:{world.control('GET', 'status')['now']}"
    done = world.awsdeploy("restore", "uploads", *words, "--yes", "--json", AWSDEPLOY_CLOCK=clock)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(world: World, *words: str) -> tuple[int, str]:
    clock = f"1:{datetime.now(UTC).timestamp()}:{world.control('GET', 'status')['now']}"
    done = world.awsdeploy("restore", "uploads", *words, AWSDEPLOY_CLOCK=clock)
    return done.returncode, done.stderr


def changed_a_lot(world: World) -> str:
    """A time, and after it a file of each fate: overwritten, deleted, added, kept, deleted and added again."""
    put(world, kept="kept", overwritten="old", deleted="here", again="first")
    put(world, gone="gone before")
    remove(world, "gone")
    then = now(world)
    world.pass_time(HOUR)
    put(world, overwritten="new", added="added")
    remove(world, "deleted")
    remove(world, "again")
    put(world, again="second")
    return then


THEN = {"kept": "kept", "overwritten": "old", "deleted": "here", "again": "first"}
LATER = {"kept": "kept", "overwritten": "new", "added": "added", "again": "second"}


def test_files_are_what_they_were_and_no_version_is_lost(stack: World) -> None:
    then = changed_a_lot(stack)
    assert files(stack) == LATER
    before, later = versions(stack), now(stack)
    stack.pass_time(HOUR)
    told = restore(stack, "--to", then)
    assert files(stack) == THEN
    assert (told["restored"], told["deleted"], told["unchanged"]) == (3, 1, 1)
    assert before < versions(stack)
    again = restore(stack, "--to", then)
    assert (again["restored"], again["deleted"]) == (0, 0), "what is restored is not restored twice"
    restore(stack, "--to", later)
    assert files(stack) == LATER, "a restore can be undone by another"


def test_with_a_prefix_only_files_below_it_are_restored(stack: World) -> None:
    then = changed_a_lot(stack)
    told = restore(stack, "--to", then, "uploads/over")
    assert (told["restored"], told["deleted"], told["unchanged"]) == (1, 0, 0)
    assert files(stack) == {**LATER, "overwritten": "old"}


def test_the_numbers_are_shown_and_nothing_is_changed_unasked(stack: World) -> None:
    then = changed_a_lot(stack)
    stack.control("DELETE", "calls")
    code, said = refused(stack, "--to", then)
    assert code == 64, said
    assert "--yes" in said
    assert stack.control("GET", "calls")["writes"] == 0


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("2031-01-01", "in the future"),
        ("90d", "are kept for 30 days"),
        ("29d", "every file would be deleted"),
        ("soon", "not a valid period or time"),
    ],
)
def test_a_time_of_which_versions_may_be_missing_is_refused(stack: World, to: str, said: str) -> None:
    put(stack, one="one")
    code, told = refused(stack, "--to", to, "--yes")
    assert code in (5, 64)
    assert said in told
    assert files(stack) == {"one": "one"}


@pytest.mark.parametrize(
    ("fault", "write"), sampled([(fault, write) for fault in ("kill-after", "lost-answer") for write in range(3, 8)], 2)
)
def test_an_interrupted_restore_goes_on_where_it_was(stack: World, fault: str, write: int) -> None:
    then = changed_a_lot(stack)
    clock = f"1:{datetime.now(UTC).timestamp()}:{stack.control('GET', 'status')['now']}"
    stack.control("POST", "fault", {"kind": fault, "write": write})
    stack.awsdeploy("restore", "uploads", "--to", then, "--yes", AWSDEPLOY_CLOCK=clock)
    assert not stack.control("GET", "fault")["armed"], "the run made fewer writes than expected"
    stack.control("DELETE", "fault")
    restore(stack, "--to", then)
    assert files(stack) == THEN
