"""A cloned repository is data: what it has in `.awsdeploy` is neither written through nor believed."""

from __future__ import annotations

import os
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.cli.failures import ending
from awsdeploy.errors import Refused
from awsdeploy.release.git import is_tracked
from awsdeploy.sandbox import control
from awsdeploy.sandbox.machines import hosts
from awsdeploy.state.file_lock import locked
from awsdeploy.state.files import read
from awsdeploy.state.record import State, StateEntry
from tests.release.repository import commit, git
from tests.simulated import World

CONFIG = 'name = "shop"\nenvironment = "prod"\nplatform = "supported"\n'
KEPT = "what was there\n"


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file elsewhere, which is the same afterwards."""
    path = tmp_path / "elsewhere" / "bashrc"
    path.parent.mkdir()
    path.write_text(KEPT)
    yield path
    assert path.read_text() == KEPT
    assert os.listdir(path.parent) == ["bashrc"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "config.toml").write_text(CONFIG)
    return tmp_path / "clone"


def run(world: World, folder: Path, *words: str) -> tuple[int, str]:
    done = World(world.url, world.environment, folder).awsdeploy(*words)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "name",
    [
        *(".awsdeploy", ".awsdeploy/sandbox", ".awsdeploy/sandbox/start.lock", ".awsdeploy/sandbox/server.log"),
        ".awsdeploy/sandbox/server.json",
    ],
)
def test_a_link_where_the_sandbox_writes_is_refused(module_world: World, clone: Path, victim: Path, name: str) -> None:
    link = clone / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(victim if link.suffix else victim.parent)
    code, said = run(module_world, clone, "plan", "--sandbox")
    assert code == 5, said
    assert f"{link.name} is a symbolic link" in said
    assert re.search(rf"rm \S*{name}$", said, re.MULTILINE)


@pytest.mark.parametrize("name", ["shop-prod.lock", "shop-prod.json"])
@pytest.mark.parametrize("words", [("up", "--yes"), ("destroy", "--confirm", "shop-prod")])
def test_a_link_where_a_stack_is_remembered_is_refused(
    module_world: World, clone: Path, victim: Path, name: str, words: tuple[str, ...]
) -> None:
    (clone / ".awsdeploy").mkdir()
    (clone / ".awsdeploy" / name).symlink_to(victim)
    code, said = run(module_world, clone, *words)
    assert code == 5, said
    assert f".awsdeploy/{name} is a symbolic link" in said
    assert f"rm .awsdeploy/{name}" in said


def test_the_state_its_lock_and_their_temporary_files_follow_no_link(tmp_path: Path, victim: Path) -> None:
    path = tmp_path / ".awsdeploy" / "shop-prod.json"
    path.parent.mkdir()
    state = State.load(path, "shop-prod")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.symlink_to(victim)
    with pytest.raises(Refused, match="is a symbolic link"):
        state.creating("network/vpc", StateEntry("Vpc", ""))
    path.with_suffix(".lock").symlink_to(victim)
    with pytest.raises(Refused, match="is a symbolic link"), locked(path, "up"):
        pass
    path.symlink_to(victim)
    with pytest.raises(Refused, match="is a symbolic link"):
        State.load(path, "shop-prod")


def test_a_folder_above_is_no_link_either(tmp_path: Path, victim: Path) -> None:
    (tmp_path / ".awsdeploy").mkdir()
    (tmp_path / ".awsdeploy" / "sandbox").symlink_to(victim.parent)
    state = State(tmp_path / ".awsdeploy" / "sandbox" / "shop-prod.json", "shop-prod")
    with pytest.raises(Refused, match="is a symbolic link"):
        state.creating("network/vpc", StateEntry("Vpc", ""))
    for act in (control.start, control.stop, control.reset, control.status):
        with pytest.raises(Refused, match="is a symbolic link"):
            act(tmp_path / ".awsdeploy" / "sandbox")


def test_a_project_may_lie_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "project").symlink_to("real")
    state = State(tmp_path / "project" / ".awsdeploy" / "shop-prod.json", "shop-prod")
    state.creating("network/vpc", StateEntry("Vpc", ""))
    assert "network/vpc" in read(tmp_path / "real" / ".awsdeploy" / "shop-prod.json")


def test_no_module_of_the_repository_is_imported(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m` looks in the current folder first. Shown: `plan --sandbox` ran a committed `awsdeploy`."""
    ran = tmp_path / "ran"
    for name in ("awsdeploy", "moto", "flask", "dns"):
        (clone / name).mkdir()
        (clone / name / "__init__.py").write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.chdir(clone)
    home = Path(".awsdeploy", "sandbox").absolute()
    try:
        control.start(home, 60)
    finally:
        control.stop(home)
    assert not ran.exists()


def test_what_lies_where_simulated_machines_live_goes_first(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = tmp_path / "m" / "machines"
    (machines / "bin").mkdir(parents=True)
    for name in ("bin/aws", "outside.new", "outside", "names.new"):
        (machines / name).symlink_to(victim)
    began: Any = types.SimpleNamespace
    monkeypatch.setattr(hosts, "subprocess", began(Popen=lambda *_a, **_k: None, PIPE=None, DEVNULL=None))
    simulated_hosts, site = hosts.Hosts(), began(folder=machines.parent, port=1)
    world: Any = began(of=lambda _kind: simulated_hosts, site=site)
    hosts.allow_port(world, 2)
    assert not (machines / "bin" / "aws").is_symlink()
    assert (machines / "outside").read_text() == "1\n2\n"


def test_what_git_tracks_there_is_not_believed(module_world: World, clone: Path) -> None:
    git(clone, "init", "-q", "-b", "main")
    commit(clone, {".awsdeploy/sandbox/server.json": '{"pid": 1, "port": 1}', "README": ""})
    for words in (["plan"], ["plan", "--sandbox"], ["status"], ["sandbox", "status"], ["deploy"]):
        code, said = run(module_world, clone, *words)
        assert code == 5, said
        assert ".awsdeploy is tracked by git" in said
        assert "git rm -rf .awsdeploy" in said
    git(clone, "rm", "-rqf", ".awsdeploy")
    assert run(module_world, clone, "sandbox", "status")[0] == 0


def test_a_tracked_name_counts_in_any_case_of_letters(clone: Path) -> None:
    """Some file systems ignore case, as on macOS and Windows."""
    git(clone, "init", "-q", "-b", "main")
    commit(clone, {"README": "", ".awsdeploy.md": "", "docs/.awsdeploy": ""})
    assert not is_tracked(clone / ".awsdeploy")
    commit(clone, {".AwsDeploy/shop-prod.json": "{}"})
    assert is_tracked(clone / ".awsdeploy")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("name", [".awsdeploy", ".awsdeploy/sandbox"])
def test_somebody_elses_folder_is_refused(module_world: World, clone: Path, name: str) -> None:
    (clone / name).mkdir(parents=True)
    os.chown(clone / name, 65534, 65534)
    code, said = run(module_world, clone, "status")
    assert code == 5, said
    assert f"{name} belongs to another user (uid 65534)" in said
    assert f"sudo rm -r {name}" in said


def test_init_writes_through_no_link(module_world: World, clone: Path, victim: Path) -> None:
    (clone / "config.toml").unlink()
    (clone / ".gitignore").symlink_to(victim)
    code, said = run(module_world, clone, "init", "--yes", "--platform", "supported")
    assert code == 0, said
    assert "Add .awsdeploy/ to .gitignore yourself" in said
    assert (clone / "config.toml").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def test_a_crash_report_goes_nowhere_else(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".awsdeploy").symlink_to(victim.parent)

    def fail() -> None:
        raise RuntimeError

    assert ending(fail, lambda: False) == 1
    assert "with --debug" in capsys.readouterr().err
