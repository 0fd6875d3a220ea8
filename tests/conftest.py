"""Worlds of simulated AWS. One sandbox per test process stays warm; each world is a fork of it, 20–50 ms old."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import botocore.session
import botocore.useragent
import pytest

from awsdeploy import errors
from awsdeploy.sandbox import control
from awsdeploy.sandbox.control import RunningSandbox
from awsdeploy.sandbox.machines import toolchain
from awsdeploy.sandbox.machines.toolchain import NoToolchain
from tests import shared
from tests.chromium import Browser, browser
from tests.reliability import Reliability
from tests.sandbox.sample_application import STILL
from tests.simulated import DOCUMENTED, World
from tests.system.mutants import mutants

SPEED = 600.0
"""AWS seconds in a real second: a ten-minute database takes one."""


WARMING = """\
name = "warm"
environment = "dev"
platform = "supported"
"""


@functools.cache
def no_npm() -> str:
    """Reason why npm cannot install anything on this machine; empty if it can."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            toolchain.put_into(Path(folder))
    except NoToolchain as missing:
        return str(missing)
    return ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin without flags in use. Skip tests that need PM2 if npm's registry is out of reach."""
    errors.typed_as()  # a test before may have run a command with flags
    if item.get_closest_marker("npm") and (why := no_npm()):
        pytest.skip(f"npm's registry is out of reach: {why}")


@pytest.fixture(scope="session", autouse=True)
def _altered() -> Iterator[None]:
    """The documented value that this process has to notice as altered; see tests/system/mutants."""
    with pytest.MonkeyPatch.context() as patch:
        if mutant := mutants.chosen():
            mutants.apply(mutant, patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _models() -> Iterator[None]:
    """botocore reads what AWS's services are like once, not for every session anew; and cleans its own name once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        cleaned = functools.cache(botocore.useragent.sanitize_user_agent_string_component)
        patch.setattr(botocore.useragent, "sanitize_user_agent_string_component", cleaned)
        patch.delenv("REQUESTS_CA_BUNDLE", raising=False)  # each session would read this shell's certificates anew
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", type=Path, metavar="FILE", help="write the table of the outcomes into FILE")
    parser.addoption("--seed", type=int, help="draw as many points as fit in an hour; without a seed, all are tried")


def pytest_configure(config: pytest.Config) -> None:
    gc.disable()
    if file := config.getoption("--reliability"):
        config.pluginmanager.register(Reliability(file, config.getoption("--seed")))
    if shared.begin():
        config.add_cleanup(shared.end)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from visiting what stays anyway: that was a fifth of every test's work."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # what remained of it was still a fifth of a run of `up`
    gc.enable()


@pytest.fixture(scope="session")
def sandbox() -> RunningSandbox:
    """A warm sandbox whose own world is empty: what it learns on the first calls, its forks know."""
    home = Path(os.environ[shared.VARIABLE]) / "sandbox"

    def warm(folder: Path) -> None:
        with entered(control.start(home, speed=SPEED, idle=3600), folder) as world:
            world.up(world.settings(WARMING))
        control.reset(home)

    # Not again for an altered value: other processes copy the empty world meanwhile.
    shared.once("warm", warm, altered=False)
    return control.start(home, speed=SPEED, idle=3600)


@contextmanager
def entered(server: RunningSandbox, folder: Path) -> Iterator[World]:
    """This process as a client of `server`, and a folder for its config and state."""
    given = control.environment(server)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        yield World(server.url, {name: value for name, value in given.items() if value is not None}, folder)


@contextmanager
def forked(sandbox: RunningSandbox, folder: Path) -> Iterator[World]:
    """A world of its own, gone afterwards."""
    child = control.call(sandbox, "POST", "fork")
    server = dataclasses.replace(sandbox, pid=child["pid"], port=child["port"])
    try:
        with entered(server, folder) as world:
            yield world
    finally:
        with contextlib.suppress(ProcessLookupError):  # a test may have ended it
            os.kill(server.pid, signal.SIGTERM)


EVENING = 19  # o'clock: AWS makes the images of the day at half past 18, so for most of a day no test comes upon them


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for tests that `needs_chromium` marks."""
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def world(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[World]:
    with forked(sandbox, tmp_path) as made:
        made.until(EVENING)
        yield made


@pytest.fixture(scope="module")
def module_world(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with forked(sandbox, tmp_path_factory.mktemp("world")) as made:
        made.until(EVENING)
        yield made


@dataclass
class Stacks:
    """Stacks that are up, each made when it is first asked for; a test changes a copy of its world."""

    sandbox: RunningSandbox

    @contextmanager
    def copy(self, config: str, folder: Path) -> Iterator[World]:
        """A world in which `config` is up, and in `folder` the files of who brought it up."""
        child, home = shared.once(config, lambda home: self._up(config, home))
        server = dataclasses.replace(self.sandbox, pid=child["pid"], port=child["port"])
        shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True)
        now = RunningSandbox(**control.call(server, "GET", "status") | {"speed": SPEED})
        with forked(now, folder) as world:
            world.control("POST", "speed", {"speed": SPEED})
            yield world

    def _up(self, config: str, home: Path) -> dict[str, int]:
        """Bring a stack up, then stop the time in its world: its process and port."""
        child: dict[str, int] = control.call(self.sandbox, "POST", "fork")
        with entered(dataclasses.replace(self.sandbox, pid=child["pid"], port=child["port"]), home) as world:
            world.until(EVENING)
            world.up(world.settings(config))
            world.control("POST", "speed", {"speed": STILL})
        return child


@pytest.fixture(scope="session")
def stacks(sandbox: RunningSandbox) -> Stacks:
    """They end with the sandbox that they are forks of."""
    return Stacks(sandbox)


@pytest.fixture
def brought_up(stacks: Stacks, tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Gives a world in which a config is up, for one test to change."""
    with ExitStack() as kept:
        yield lambda config: kept.enter_context(stacks.copy(config, tmp_path))


@pytest.fixture(scope="module")
def documented(stacks: Stacks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which the documented stack is up: prod, with `ssh_from` set."""
    with stacks.copy(DOCUMENTED, tmp_path_factory.mktemp("world")) as world:
        yield world
