"""Packages of the repository that a program depends on: its own folders in a workspace."""

from __future__ import annotations

from pathlib import PurePosixPath

from awsdeploy.config.project.tree import ProjectTree, dependencies, joined


def folders(tree: ProjectTree, directory: str) -> list[str]:
    """Return the folders of the packages that a program needs, directly or through others, nearest first."""
    known = {}
    for path in tree.paths:
        if PurePosixPath(path).name == "package.json" and isinstance(name := tree.json(path).get("name"), str):
            known[name] = str(PurePosixPath(path).parent)
    found, waiting = [directory], [directory]
    while waiting:
        for name in dependencies(tree.json(joined(waiting.pop(0), "package.json"))):
            if name in known and known[name] not in found:
                found.append(known[name])
                waiting.append(known[name])
    return found[1:]
