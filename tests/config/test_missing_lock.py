"""Commands that make a missing lock file."""

from __future__ import annotations

import json

import pytest

from awsdeploy.config.project import ProjectTree, find, missing_lock

LINKED = {"dependencies": {"next": "16", "@shop/ui": "workspace:*"}, "scripts": {"start": "next start"}}
PLAIN = {"dependencies": {"next": "16"}, "scripts": {"start": "next start"}}
COMMIT = "git commit"


def tree(files: dict[str, object]) -> ProjectTree:
    texts = {path: one if isinstance(one, str) else json.dumps(one) for path, one in files.items()}
    return ProjectTree(frozenset(texts), texts.__getitem__)


@pytest.mark.parametrize(
    ("files", "package", "commands"),
    [
        ({}, PLAIN, f"cd apps/web && npm install && git add package-lock.json && {COMMIT}"),
        ({}, LINKED, f"cd apps/web && pnpm install && git add pnpm-lock.yaml && {COMMIT}"),
        ({"pnpm-workspace.yaml": ""}, PLAIN, f"pnpm install && git add pnpm-lock.yaml && {COMMIT}"),
        ({"package.json": {"workspaces": ["apps/*"]}}, PLAIN, f"npm install && git add package-lock.json && {COMMIT}"),
        (
            {"package.json": {"workspaces": ["apps/*"], "packageManager": "yarn@1.22.22"}},
            PLAIN,
            f"yarn install && git add yarn.lock && {COMMIT}",
        ),
        (
            {"package.json": {"workspaces": ["apps/*"], "packageManager": "yarn@4.5.0"}},
            LINKED,
            f"yarn install && git add yarn.lock && {COMMIT}",
        ),
        (
            {"package.json": {"packageManager": "pnpm@9.0.0"}},
            PLAIN,
            f"cd apps/web && pnpm install && git add pnpm-lock.yaml && {COMMIT}",
        ),
        (
            {"package.json": {"workspaces": ["apps/*"], "packageManager": "bun@1.2.0"}},
            LINKED,
            f"bun install && git add bun.lock && {COMMIT}",
        ),
    ],
)
def test_the_commands_fit_the_repository(files: dict[str, object], package: object, commands: str) -> None:
    project = tree({**files, "apps/web/package.json": package})
    assert missing_lock.commands(project, project.paths, "apps/web") == commands
    (program,) = find(project).programs
    (said,) = (one for one in program.missing if one.startswith("a lock file"))
    assert said.endswith(commands)
