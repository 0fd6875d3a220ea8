"""Files of a project as text, from a folder or from a commit."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

LARGEST = 200_000
"""Characters of a file that are read."""
MOST_CHARACTERS = 30_000_000
"""Characters of all files together. A larger project is not read to its end."""
MOST_FILES = 20_000
DEEPEST = 12
"""Levels of folders that are read."""
SKIPPED = {"node_modules", "bower_components", "dist", "build", "out", "coverage", "vendor", "tmp", "__pycache__"}
"""Folders with files that nobody wrote by hand. Folders whose names begin with a dot are skipped too."""


LARGE_FILES = (
    ".avif", ".csv", ".eot", ".gif", ".gz", ".ico", ".jpeg", ".jpg", ".map", ".mp3", ".mp4", ".otf", ".pdf", ".png",
    ".snap", ".svg", ".ttf", ".wav", ".webm", ".webp", ".woff", ".woff2", ".zip",
)  # fmt: skip
"""Endings of files that say nothing about a program, and of which a project may have very many."""


@dataclass
class ReadSoFar:
    """Texts that were read, and whether a limit has left something out."""

    texts: dict[str, str] = field(default_factory=dict)
    characters: int = 0
    is_complete: bool = True


@dataclass(frozen=True)
class ProjectTree:
    """Paths from the project's top, with / between folders, and how to read one."""

    paths: Collection[str]
    read: Callable[[str], str]
    modified: Callable[[str], float] = lambda _: 0.0
    so_far: ReadSoFar = field(default_factory=ReadSoFar)

    def text(self, path: str) -> str:
        """Return the text of a file; nothing if there is none."""
        known = self.so_far
        if path not in self.paths:
            return ""
        if path not in known.texts:
            if known.characters >= MOST_CHARACTERS:
                known.is_complete = False
                return ""
            known.texts[path] = self.read(path)[:LARGEST].removeprefix("\ufeff")
            known.characters += len(known.texts[path])
        return known.texts[path]

    def json(self, path: str) -> dict[str, Any]:
        """Return the JSON object in a file; empty if there is none or it is something else."""
        return self._object(path) or {}

    def is_invalid(self, path: str) -> bool:
        """Check whether a file has something else than a JSON object."""
        return bool(self.text(path)) and self._object(path) is None

    def _object(self, path: str) -> dict[str, Any] | None:
        try:
            value = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def below(self, folder: str) -> Iterator[str]:
        """Return the paths in a folder and in the folders below it, in order."""
        if folder == ".":
            return iter(self._sorted)
        start = bisect_left(self._sorted, f"{folder}/")
        rest = (self._sorted[place] for place in range(start, len(self._sorted)))
        return takewhile(lambda path: path.startswith(f"{folder}/"), rest)

    def has_folder(self, folder: str) -> bool:
        return any(True for _ in self.below(folder))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.paths)


def on_disk(folder: Path) -> ProjectTree:
    """Tree of a folder. Only files in it are read: links to folders or to the outside, pipes and devices are not."""
    folder = folder.resolve()
    so_far = ReadSoFar()

    def read(path: str) -> str:
        try:
            file = (folder / path).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                return ""
            with file.open(encoding="utf-8", errors="replace") as opened:
                return opened.read(LARGEST)
        except (OSError, RuntimeError):  # RuntimeError: a link to itself
            return ""

    def modified(path: str) -> float:
        try:
            return (folder / path).stat().st_mtime
        except OSError:
            return 0.0

    return ProjectTree(frozenset(_paths(folder, so_far)), read, modified, so_far)


def top(folder: Path) -> Path:
    """Return the top folder of the git repository around a folder; the folder itself if there is none."""
    folder = folder.resolve()
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _paths(folder: Path, so_far: ReadSoFar) -> Iterator[str]:
    """Return the paths of files whose names can be printed."""
    count = 0
    for place, folders, files in os.walk(folder):
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        deep = len(inside.parts) >= DEEPEST
        folders[:] = [] if deep else sorted(one for one in folders if _is_read(one))
        for name in sorted(files):
            if name.endswith(LARGE_FILES) or not name.isprintable():
                continue
            count += 1
            if count > MOST_FILES:
                so_far.is_complete = False
                return
            yield str(inside / name)


def _is_read(folder: str) -> bool:
    return folder not in SKIPPED and not folder.startswith(".") and folder.isprintable()


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
