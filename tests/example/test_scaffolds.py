"""Releases of what the generators of Next.js and NestJS make, unchanged: versions, package managers, layouts."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example.scaffolds import HELLO, LAYOUTS, NEST, NEXT, Scaffold, fonts
from tests.release import site
from tests.release.repository import git
from tests.simulated import World

ROWS = [
    ("default", "12", "npm", "two folders"),
    ("14", "11", "pnpm", "pnpm workspace"),
    ("14", "10", "yarn 1", "workspaces"),
    ("standalone", "12", "pnpm", "turbo"),
    ("15", "10", "pnpm", "two folders"),
    ("standalone", "11", "yarn 4", "two folders"),
    ("webpack", "12", "yarn 4", "workspaces"),
    ("default", "10", "yarn 4", "turbo"),
    ("15", "11", "npm", "workspaces"),
    ("webpack", "11", "yarn 1", "turbo"),
    ("14", "12", "npm", "turbo"),
    ("15", "12", "yarn 1", "two folders"),
    ("webpack", "10", "pnpm", "pnpm workspace"),
    ("standalone", "10", "npm", "workspaces"),
    ("default", "11", "pnpm", "pnpm workspace"),
    ("standalone", "12", "pnpm", "pnpm workspace"),
    ("webpack", "10", "npm", "two folders"),
    ("default", "10", "yarn 1", "workspaces"),
    ("14", "12", "yarn 4", "two folders"),
    ("15", "11", "yarn 4", "turbo"),
    ("standalone", "11", "yarn 1", "turbo"),
    ("15", "10", "pnpm", "pnpm workspace"),
    ("default", "12", "pnpm", "two folders"),
    ("webpack", "11", "yarn 1", "two folders"),
]
SPEED = 60
"""AWS seconds in a real second: a build that takes minutes must not take AWS's hours."""
CHANGED = "Hello from the second release!"


def test_every_pair_of_choices_is_in_a_row() -> None:
    possible = itertools.product(
        NEXT, NEST, (pair for layout, all_of in LAYOUTS.items() for pair in _with(layout, all_of))
    )
    wanted = {pair for framework, api, rest in possible for pair in _pairs((framework, api, *rest))}
    assert {pair for row in ROWS for pair in _pairs(row)} == wanted
    assert len(set(ROWS)) >= 24


def _with(layout: str, managers: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return ((manager, layout) for manager in managers)


def _pairs(row: tuple[str, ...]) -> set[tuple[tuple[int, str], ...]]:
    return set(itertools.combinations(enumerate(row), 2))


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that the users of the sandbox's machines can read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.torture
@pytest.mark.npm
@pytest.mark.parametrize(("framework", "api", "manager", "layout"), ROWS)
def test_a_scaffold_is_released_unchanged(
    world: World, readable: Path, framework: str, api: str, manager: str, layout: str
) -> None:
    """Scaffold, lock file, commit, `init`, `up`, `deploy`; then a second release, and the way back.

    The template of Next.js has fonts of Google. Machines on AWS reach Google; here Next.js gets the answers from a
    file, by the variable that it has for its own tests.
    """
    scaffold = Scaffold(framework, api, manager, layout)
    world.control("POST", "speed", {"speed": SPEED})
    begun = time.monotonic()
    scaffold.make(world.folder)
    print(f"scaffold: {time.monotonic() - begun:.0f} s")
    git(world.folder, "init", "-q", "-b", "main")
    _commit(world.folder)
    _done(world, "init", "--yes", "--platform", "supported", "--env", "dev", "--name", "site", minutes=1)
    _commit(world.folder)
    _done(world, "up", "--yes", minutes=5)
    _done(world, "env", "set", "frontend", f"NEXT_FONT_GOOGLE_MOCKED_RESPONSES={fonts(readable)}", "--build", minutes=1)

    _done(world, "deploy", minutes=40)
    page, workspace = _text(world, "/"), layout != "two folders"
    assert (HELLO if workspace else "Create Next App") in page
    assert "/_next/static/" in page
    assert _text(world, "/api") == HELLO

    scaffold.change(world.folder, CHANGED)
    _commit(world.folder)
    _done(world, "deploy", minutes=40)
    assert _text(world, "/api") == CHANGED
    if workspace:
        assert CHANGED in _text(world, "/")

    _done(world, "rollback", minutes=5)
    assert _text(world, "/api") == HELLO


def _commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "work")


def _done(world: World, *words: str, minutes: float) -> str:
    begun = time.monotonic()
    done = world.awsdeploy(*words, timeout=minutes * 60)
    print(f"{words[0]}: {time.monotonic() - begun:.0f} s")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-12000:]
    return done.stdout


def _text(world: World, path: str) -> str:
    with urllib.request.urlopen(site.address(world) + path, timeout=30) as answer:
        return str(answer.read().decode())
