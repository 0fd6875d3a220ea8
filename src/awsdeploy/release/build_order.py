"""Build of a service in a workspace: first the packages that it depends on, in order, and no others."""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.config.project.tree import ProjectTree, dependencies, joined, table
from awsdeploy.config.project.workspace import Workspace, commented_json, workspace_of
from awsdeploy.release.description import described
from awsdeploy.release.source import Source

BUILD = "build"


@dataclass(frozen=True)
class BuildStep:
    """One step of a build, as the release agent reads it: the script `build` of a folder.

    With a `command`, the words of a program of the folder's packages, started by the package manager.
    """

    folder: str
    command: tuple[str, ...] = ()


def steps(source: Source, directory: str) -> tuple[BuildStep, ...]:
    """Return the steps that build a service; none where its own script `build` is all there is to do."""
    tree = described(source)
    workspace = workspace_of(tree, directory)
    if workspace is None:
        return ()
    folders = [one for one in (*workspace.needed(directory), directory) if _has_build(workspace, one)]
    if not folders:
        return ()
    if command := _turbo(tree, workspace, directory) or _nx(tree, workspace, directory):
        return (BuildStep(workspace.top, command),)
    return tuple(BuildStep(one) for one in folders) if folders != [directory] else ()


def _has_build(workspace: Workspace, folder: str) -> bool:
    return isinstance(table(workspace.packages[folder], "scripts").get(BUILD), str)


def _turbo(tree: ProjectTree, workspace: Workspace, directory: str) -> tuple[str, ...]:
    """Return turbo's command if it has the task. `loose`: also variables that turbo.json does not name."""
    name = workspace.packages[directory].get("name")
    said = commented_json(tree, joined(workspace.top, "turbo.json"))
    tasks = table(said, "tasks") or table(said, "pipeline")
    has_task = BUILD in tasks or f"{name}#{BUILD}" in tasks
    if not has_task or not _is_name(name) or not _is_installed(workspace, "turbo"):
        return ()
    return ("turbo", "run", BUILD, f"--filter={name}...", "--env-mode=loose")


def _nx(tree: ProjectTree, workspace: Workspace, directory: str) -> tuple[str, ...]:
    """Return nx's command if nx.json or the project says that the packages are built first (`^build`)."""
    own = workspace.packages[directory]
    settings = commented_json(tree, joined(workspace.top, "nx.json"))
    project = commented_json(tree, joined(directory, "project.json"))
    name = project.get("name") or table(own, "nx").get("name") or own.get("name")
    targets = table(project, "targets")
    has_target = BUILD in targets or _has_build(workspace, directory)
    said = f"{table(settings, 'targetDefaults')}{targets}{table(own, 'nx')}"
    if not settings or not has_target or f"^{BUILD}" not in said:
        return ()
    if not _is_name(name) or not _is_installed(workspace, "nx"):
        return ()
    return ("nx", "run", f"{name}:{BUILD}")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name) and not name.startswith("-")


def _is_installed(workspace: Workspace, program: str) -> bool:
    return program in dependencies(workspace.packages.get(workspace.top, {}))
