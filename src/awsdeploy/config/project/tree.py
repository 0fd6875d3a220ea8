"""Files of a project as text, from a folder or from a commit."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

LARGEST = 200_000
"""Characters of a file that are read."""
MOST_FILES = 20_000
DEEPEST = 6
"""Levels of folders that are read."""
SKIPPED = {"node_modules", "bower_components", "dist", "build", "out", "coverage", "vendor", "tmp", "__pycache__"}
"""Folders with files that nobody wrote by hand. Folders whose names begin with a dot are skipped too."""


@dataclass(frozen=True)
class ProjectTree:
    """Paths from the project's top, with / between folders, and how to read one."""

    paths: Collection[str]
    read: Callable[[str], str]
    modified: Callable[[str], float] = lambda _: 0.0

    def text(self, path: str) -> str:
        """Return the text of a file; nothing if there is none."""
        return self.read(path)[:LARGEST] if path in self.paths else ""

    def json(self, path: str) -> dict[str, Any]:
        """Return the JSON object in a file; empty if there is none or it is something else."""
        try:
            value = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def below(self, folder: str) -> Iterator[str]:
        """Paths in a folder and in the folders below it."""
        return (path for path in self.paths if folder == "." or path.startswith(f"{folder}/"))

    def has_folder(self, folder: str) -> bool:
        return any(True for _ in self.below(folder))


def on_disk(folder: Path) -> ProjectTree:
    """Tree of a folder. Symbolic links to folders are not followed."""

    def read(path: str) -> str:
        try:
            with (folder / path).open(encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST)
        except OSError:
            return ""

    def modified(path: str) -> float:
        try:
            return (folder / path).stat().st_mtime
        except OSError:
            return 0.0

    return ProjectTree(frozenset(_paths(folder)), read, modified)


def top(folder: Path) -> Path:
    """Return the top folder of the git repository around a folder; the folder itself if there is none."""
    folder = folder.resolve()
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _paths(folder: Path) -> Iterator[str]:
    count = 0
    for place, folders, files in os.walk(folder):
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        deep = len(inside.parts) >= DEEPEST
        folders[:] = [] if deep else sorted(one for one in folders if one not in SKIPPED and not one.startswith("."))
        for name in files:
            count += 1
            if count > MOST_FILES:
                return
            yield str(inside / name)


def joined(directory: str, name: str) -> str:
    return name if directory == "." else f"{directory}/{name}"


def upwards(directory: str) -> list[str]:
    """Return the directory and the folders above it, the project's top last."""
    path = PurePosixPath(directory)
    return [str(path), *(str(parent) for parent in path.parents)] if str(path) != "." else ["."]


def table(package: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object inside package.json; empty if it is something else."""
    value = package.get(key)
    return value if isinstance(value, dict) else {}


def dependencies(package: dict[str, Any]) -> dict[str, Any]:
    """Return the packages that are installed with a package.json."""
    return {**table(package, "devDependencies"), **table(package, "dependencies")}
