"""Order of the builds in a workspace: what a service depends on comes first, and nothing else is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.release.build_order import BuildStep, steps
from awsdeploy.release.source import committed
from tests.release.repository import commit, git
from tests.release.test_node_version import sent
from tests.release.test_source import settings

BUILD = {"build": "tsc"}
TURBO = '{\n  // its own example has comments\n  "tasks": {"build": {"dependsOn": ["^build"]},},\n}'


def package(name: str, *needed: str, kind: str = "dependencies", **more: Any) -> str:
    return json.dumps({"name": name, "scripts": BUILD, kind: dict.fromkeys(needed, "*"), **more})


def top(**more: Any) -> str:
    return json.dumps({"name": "top", "private": True, "workspaces": ["apps/*", "packages/*"], **more})


def found(folder: Path, directory: str, files: dict[str, str]) -> list[BuildStep]:
    git(folder, "init", "-q", "-b", "main")
    commit(folder, dict(files))
    return list(steps(committed(folder, "HEAD"), directory))


FILES = {
    "package.json": top(),
    "apps/api/package.json": package("api", "@x/db", "express"),
    "apps/web/package.json": package("web", "@x/ui"),
    "packages/db/package.json": package("@x/db", "@x/types", kind="devDependencies"),
    "packages/types/package.json": package("@x/types", "typescript"),
    "packages/ui/package.json": package("@x/ui", "react"),
    "packages/config/package.json": package("@x/config", scripts={}),
}


def test_packages_come_before_what_depends_on_them_and_no_others(tmp_path: Path) -> None:
    assert found(tmp_path, "apps/api", FILES) == [
        BuildStep("packages/types"),
        BuildStep("packages/db"),
        BuildStep("apps/api"),
    ]
    assert list(steps(committed(tmp_path, "HEAD"), "apps/web")) == [BuildStep("packages/ui"), BuildStep("apps/web")]


def test_a_package_without_a_build_is_left_out(tmp_path: Path) -> None:
    files = {**FILES, "packages/db/package.json": package("@x/db", "@x/types", scripts={"test": "vitest"})}
    files["apps/api/package.json"] = package("api", "@x/db", scripts={"start": "node ."})
    assert found(tmp_path, "apps/api", files) == [BuildStep("packages/types")]


def test_a_circle_of_packages_has_an_end(tmp_path: Path) -> None:
    files = {**FILES, "packages/types/package.json": package("@x/types", "@x/db", "api")}
    assert [one.folder for one in found(tmp_path, "apps/api", files)] == ["packages/types", "packages/db", "apps/api"]


@pytest.mark.parametrize(
    "changed",
    [
        {"package.json": json.dumps({"name": "top"})},
        {"package.json": top(workspaces=["packages/*"])},
        {"package.json": top(workspaces=["apps/*", "packages/*", "!apps/api"])},
        {"package.json": "not JSON"},
        {"package.json": top(workspaces="apps/*")},
        {"apps/api/package.json": package("api", "express")},
        {"apps/api/package.json": package("api", "@x/config")},
    ],
)
def test_otherwise_the_service_is_built_alone(tmp_path: Path, changed: dict[str, str]) -> None:
    assert found(tmp_path, "apps/api", {**FILES, **changed}) == []


@pytest.mark.parametrize(
    ("directory", "text"),
    [
        ("apps/api", "packages:\n  - 'apps/*'\n  # shared\n  - \"packages/**\"   # all\n"),
        ("apps/api", 'packages: ["./apps/*/", packages/*]\n'),
        (
            "apps/api",
            "catalog:\n  react: ^19\npackages:\n- apps/api\n- '{packages,libs}/*'\nonlyBuiltDependencies:\n- sharp\n",
        ),
    ],
)
def test_the_packages_of_a_pnpm_workspace_are_those_of_its_file(tmp_path: Path, directory: str, text: str) -> None:
    files = {**FILES, "package.json": json.dumps({"name": "top"}), "pnpm-workspace.yaml": text}
    assert [one.folder for one in found(tmp_path, directory, files)] == ["packages/types", "packages/db", "apps/api"]


def test_a_package_can_have_another_name_where_it_is_used(tmp_path: Path) -> None:
    own = json.dumps({"name": "api", "scripts": BUILD, "dependencies": {"data": "workspace:@x/db@*"}})
    assert BuildStep("packages/db") in found(tmp_path, "apps/api", {**FILES, "apps/api/package.json": own})


def test_workspaces_may_be_below_the_top_and_in_yarns_long_form(tmp_path: Path) -> None:
    files = {f"js/{name}": content for name, content in FILES.items()}
    files["js/package.json"] = top(workspaces={"packages": ["apps/**", "packages/**"]})
    order = [one.folder for one in found(tmp_path, "js/apps/api", files)]
    assert order == ["js/packages/types", "js/packages/db", "js/apps/api"]


def test_turbo_builds_where_it_has_the_task(tmp_path: Path) -> None:
    files = {**FILES, "package.json": top(devDependencies={"turbo": "^2"}), "turbo.json": TURBO}
    command = ("turbo", "run", "build", "--filter=api...", "--env-mode=loose")
    assert found(tmp_path, "apps/api", files) == [BuildStep(".", command)]


@pytest.mark.parametrize(
    "changed",
    [{"turbo.json": '{"tasks": {"lint": {}}}'}, {"turbo.json": "["}, {"package.json": top()}],
)
def test_without_turbo_or_its_task_the_order_is_ours(tmp_path: Path, changed: dict[str, str]) -> None:
    files = {**FILES, "package.json": top(devDependencies={"turbo": "^1"}), "turbo.json": '{"pipeline": {"build": {}}}'}
    assert len(found(tmp_path, "apps/api", {**files, **changed})) == 3


@pytest.mark.parametrize(
    ("more", "name"),
    [({}, "api"), ({"apps/api/project.json": '{"name": "shop-api", "targets": {"build": {}}}'}, "shop-api")],
)
def test_nx_builds_where_it_builds_the_packages_first(tmp_path: Path, more: dict[str, str], name: str) -> None:
    files = {**FILES, "package.json": top(devDependencies={"nx": "^22"}), **more}
    files["nx.json"] = '{"targetDefaults": {"build": {"dependsOn": ["^build"]}}}'
    assert found(tmp_path, "apps/api", files) == [BuildStep(".", ("nx", "run", f"{name}:build"))]
    commit(tmp_path, {"nx.json": "{}"})
    assert len(steps(committed(tmp_path, "HEAD"), "apps/api")) == 3, "its own targets say nothing of the order"


def test_the_machine_gets_the_order_and_nothing_outside_a_workspace(tmp_path: Path) -> None:
    assert found(tmp_path, "apps/api", {**FILES, "package-lock.json": ""})
    chosen = settings(backend={"directory": "apps/api"}, frontend={"directory": "packages/config"})
    assert sent(tmp_path, chosen).document()["build"] == (
        {"folder": "packages/types", "command": ()},
        {"folder": "packages/db", "command": ()},
        {"folder": "apps/api", "command": ()},
    )
    assert sent(tmp_path, chosen, "frontend").build == ()
