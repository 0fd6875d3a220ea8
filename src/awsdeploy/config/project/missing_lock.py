"""Commands that make a missing lock file, by the package manager that the repository names."""

from __future__ import annotations

from collections.abc import Collection

from awsdeploy.config.project.package_managers import JsonFiles, asked
from awsdeploy.config.project.tree import dependencies, joined, upwards
from awsdeploy.config.project.workspace import WORKSPACE

LOCKS = {"npm": "package-lock.json", "yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml", "bun": "bun.lock"}


def commands(files: JsonFiles, paths: Collection[str], directory: str) -> str:
    """Return a line for the shell. npm cannot read `workspace:` in package.json; then it is pnpm."""
    places = upwards(directory)
    manager, _ = asked(files, directory)
    needs = dependencies(files.json(joined(directory, "package.json")))
    linked = any(str(version).startswith("workspace:") for version in needs.values())
    tops = [one for one in places if joined(one, WORKSPACE) in paths]
    workspaces = [one for one in places if files.json(joined(one, "package.json")).get("workspaces")]
    if manager not in LOCKS:
        manager = "pnpm" if tops or linked else "npm"
    place = (*tops, *workspaces, directory)[0]
    enter = "" if place == "." else f"cd {place} && "
    return f"{enter}{manager} install && git add {LOCKS[manager]} && git commit"
