"""Package manager of a commit, and what is said about its packages before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from awsdeploy.errors import Refused
from awsdeploy.release.packages import compiled_config, manager_of
from awsdeploy.release.source import committed
from tests.release.repository import BACK, FRONT, commit, git, package, placed, repository
from tests.release.test_source import examined, refused


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path)


@pytest.mark.parametrize(
    ("lock", "manager"),
    [("yarn.lock", "yarn"), ("pnpm-lock.yaml", "pnpm"), ("npm-shrinkwrap.json", "npm"), ("bun.lockb", "bun")],
)
def test_the_lock_file_says_who_installs(project: Path, lock: str, manager: str) -> None:
    (project / "back/package-lock.json").unlink()
    commit(project, {f"back/{lock}": ""})
    found = manager_of(committed(project, "HEAD"), BACK)
    assert (found.name, found.lock) == (manager, f"back/{lock}")


def test_a_workspace_has_its_lock_file_at_the_top(project: Path) -> None:
    (project / "back/package-lock.json").unlink()
    commit(project, {"yarn.lock": ""})
    found = manager_of(committed(project, "HEAD"), BACK)
    assert (found.name, found.lock) == ("yarn", "yarn.lock")


def test_a_missing_lock_file_comes_with_the_commands_of_the_repositorys_package_manager(project: Path) -> None:
    (project / "back/package-lock.json").unlink()
    commit(project, {"pnpm-workspace.yaml": ""})
    with pytest.raises(Refused) as raised:
        manager_of(committed(project, "HEAD"), BACK)
    assert raised.value.hint == "pnpm install && git add pnpm-lock.yaml && git commit"


def test_of_several_lock_files_the_one_that_was_committed_last_counts_and_it_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-01-01T00:00:00Z")
    commit(project, {"back/yarn.lock": "# yarn lockfile v1\n"})
    assert manager_of(committed(project, "HEAD"), BACK).lock == "back/yarn.lock"
    (said,) = examined(project)
    assert said.startswith("package-lock.json and yarn.lock are in back; yarn.lock counts (it is the newest)")
    assert "delete package-lock.json" in said


def test_a_package_that_the_lock_file_lacks_is_named_before_the_machine_refuses_it(project: Path) -> None:
    package = json.loads((project / "back/package.json").read_text())
    package["dependencies"] = {"left-pad": "1", "own": "*", "local": "file:../local", "fork": "acme/fork#main"}
    commit(project, {"back/package.json": json.dumps(package), "packages/own/package.json": '{"name": "own"}'})
    assert (
        "backend: back/package-lock.json does not have left-pad, which back/package.json needs: npm install, then "
        "commit back/package-lock.json."
    ) in refused(project)


@pytest.mark.parametrize(
    ("lock", "text"),
    [
        ("package-lock.json", '{"packages": {"node_modules/a": {"resolved": "https://npm.corp.example:4873/a.tgz"}}}'),
        ("yarn.lock", 'a@1:\n  version "1.0.0"\n  resolved "https://npm.corp.example:4873/a.tgz#1"\n'),
        ("pnpm-lock.yaml", "packages:\n  a@1.0.0:\n    resolution: {tarball: https://npm.corp.example:4873/a.tgz}\n"),
    ],
)
def test_a_registry_that_the_machines_may_not_reach_is_named(project: Path, lock: str, text: str) -> None:
    (project / "back/package-lock.json").unlink()
    commit(project, {f"back/{lock}": text})
    (said,) = examined(project)
    assert f"back/{lock} has packages of npm.corp.example:4873: the machines must be able to reach it" in said
    commit(project, {".npmrc": "@corp:registry=https://npm.corp.example:4873/\n"})
    assert examined(project) == []
    commit(project, {".npmrc": "", f"back/{lock}": text.replace("npm.corp.example:4873", "registry.npmjs.org")})
    assert examined(project) == []


def test_committed_packages_are_pointed_out_once(project: Path) -> None:
    commit(project, {"front/node_modules/a/index.js": "", "front/node_modules/b/index.js": ""})
    git(project, "add", "-f", ".")
    commit(project, {})
    (said,) = examined(project)
    assert said.startswith("2 files of node_modules are committed")
    assert f"git rm -r --cached {FRONT}/node_modules" in said


@pytest.mark.parametrize("file", ["next.config.ts", "next.config.mts"])
def test_a_configuration_that_is_compiled_at_start_keeps_its_compiler(project: Path, file: str) -> None:
    commit(project, {f"front/{file}": ""})
    (said,) = examined(project)
    assert f"front/{file}" in said
    assert "move typescript to dependencies" in said
    source = committed(project, "HEAD")
    assert compiled_config(source, FRONT)
    assert not compiled_config(source, BACK)


def test_a_compiler_among_the_dependencies_stays_anyway(project: Path) -> None:
    commit(project, {"front/next.config.ts": "", **placed(FRONT, package(dependencies={"typescript": "5"}))})
    assert examined(project) == []
    assert not compiled_config(committed(project, "HEAD"), FRONT)
