"""Package manager of a program: by the workspace file, then by `packageManager`, then by the newest lock file."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Protocol

from awsdeploy.config.project.tree import ProjectTree, joined, upwards
from awsdeploy.config.project.workspace import WORKSPACE, top_of

LOCK_FILES = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}


_SEPARATE = re.compile(r"^\s*(?:shared-workspace-lockfile\s*=|sharedWorkspaceLockfile\s*:)\s*false\b", re.M)
_UNUSED = "{} does not count, because the workspace has one lock file at its top: delete it"


class JsonFiles(Protocol):
    """Files of a folder or of a commit."""

    def json(self, path: str) -> dict[str, Any]:
        """Return the JSON object in a file; empty if there is none."""


@dataclass(frozen=True)
class PackageManager:
    """A package manager and its lock file. `remark` says why it was chosen among several lock files."""

    name: str = ""
    lock: str = ""
    remark: str = ""


def package_manager(tree: ProjectTree, directory: str) -> PackageManager:
    """Return the package manager of a folder: its lock file is there, or in the nearest folder above.

    In a workspace the lock file of its top counts: package managers do not use those of its packages.
    """
    with_lock = [place for place in upwards(directory) if _locks(tree, place)]
    top = top_of(tree, directory)
    if top in with_lock and not _has_separate_locks(tree, top):
        unused = [joined(place, lock) for place in with_lock[: with_lock.index(top)] for lock in _locks(tree, place)]
        found = _chosen(tree, directory, top, _locks(tree, top))
        return dataclasses.replace(found, remark="; ".join(filter(None, [found.remark, *map(_UNUSED.format, unused)])))
    return _chosen(tree, directory, with_lock[0], _locks(tree, with_lock[0])) if with_lock else PackageManager()


def _locks(tree: ProjectTree, place: str) -> list[str]:
    return [name for name in LOCK_FILES if joined(place, name) in tree.paths]


def _has_separate_locks(tree: ProjectTree, top: str) -> bool:
    """Check whether pnpm is told to write a lock file for each package."""
    return any(_SEPARATE.search(tree.text(joined(top, one))) is not None for one in (".npmrc", WORKSPACE))


def _chosen(tree: ProjectTree, directory: str, place: str, here: list[str]) -> PackageManager:
    """Choose among the lock files of one folder."""
    name, reason = "", ""
    wanted, where = asked(tree, directory)
    if joined(place, WORKSPACE) in tree.paths:
        name, reason = "pnpm", WORKSPACE
    elif wanted:
        name, reason = wanted, f"packageManager in {where}"
    lock = next((one for one in here if LOCK_FILES[one] == name), "")
    if not lock:
        times = {one: tree.modified(joined(place, one)) for one in here}
        lock = max(here, key=lambda one: times[one])  # of equal times the first
        reason = "it is the newest" if len(set(times.values())) > 1 else "it is not clear which one is in use"
    manager = LOCK_FILES[lock]
    others = [one for one in here if LOCK_FILES[one] != manager]
    remark = (
        f"{' and '.join(sorted(here))} are in {'the top folder' if place == '.' else place}; {lock} counts "
        f"({reason}): delete {' and '.join(others)}"
        if others
        else ""
    )
    return PackageManager(manager, joined(place, lock), remark)


def asked(files: JsonFiles, directory: str) -> tuple[str, str]:
    """Return the name in the nearest `packageManager`, and its file."""
    for place in upwards(directory):
        path = joined(place, "package.json")
        said = files.json(path).get("packageManager")
        if isinstance(said, str) and said:
            return said.partition("@")[0], path
    return "", ""
