"""Workspace around a folder: the packages of a repository that depend on each other by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from awsdeploy.config.project.tree import ProjectTree, joined, table, upwards

WORKSPACE = "pnpm-workspace.yaml"
KINDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_LISTED = re.compile(r"^packages:(?P<inline>[^\n]*)\n(?P<rows>(?:[ \t]*(?:-[^\n]*|#[^\n]*)?(?:\n|$))*)", re.M)
_QUOTED = re.compile(r"""^\s*-?\s*(?:"([^"]*)"|'([^']*)'|([^\s#'"][^#]*?))\s*(?:#.*)?$""")


@dataclass(frozen=True)
class Workspace:
    """Folders of the packages below `top`, each with its package.json."""

    top: str
    packages: dict[str, dict[str, Any]]

    @cached_property
    def _folders(self) -> dict[str, str]:
        """Folders by the names of their packages."""
        named = {folder: own.get("name") for folder, own in self.packages.items()}
        return {name: folder for folder, name in named.items() if isinstance(name, str)}

    def needed(self, folder: str) -> list[str]:
        """Return the folders of the packages that a package depends on, directly or not, each after its own."""
        order: list[str] = []
        known = {folder}
        open_ = [(folder, iter(self._direct(folder)))]
        while open_:
            at, rest = open_[-1]
            following = next((one for one in rest if one not in known), None)
            if following is not None:
                known.add(following)
                open_.append((following, iter(self._direct(following))))
                continue
            open_.pop()
            if at != folder:
                order.append(at)
        return order

    def _direct(self, folder: str) -> list[str]:
        own = self.packages[folder]
        wanted = {_package(name, value) for kind in KINDS for name, value in table(own, kind).items()}
        return [self._folders[name] for name in sorted(wanted) if name in self._folders]


def workspace_of(tree: ProjectTree, directory: str) -> Workspace | None:
    """Return the nearest workspace of which a folder is a package; None if there is none."""
    top = top_of(tree, directory)
    if not top:
        return None
    return Workspace(top, {one: tree.json(joined(one, "package.json")) for one in sorted(_members(tree, top))})


def top_of(tree: ProjectTree, directory: str) -> str:
    """Return the top folder of the nearest workspace of which a folder is a package; nothing if there is none."""
    return next((top for top in upwards(directory) if directory in _members(tree, top)), "")


def _members(tree: ProjectTree, top: str) -> set[str]:
    """Return the folders of a workspace. Its top is a package too, and may depend on the others."""
    globs = _globs(tree, top)
    if not globs:
        return set()
    fits = _pattern(globs)
    folders = {str(PurePosixPath(path).parent) for path in _manifests(tree, top)}
    return {one for one in folders if one == top or fits(_below(top, one))}


def _manifests(tree: ProjectTree, top: str) -> Iterator[str]:
    for path in tree.below(top):
        if PurePosixPath(path).name == "package.json" and "node_modules" not in path.split("/"):
            yield path


def _below(top: str, folder: str) -> str:
    return folder if top == "." else folder.removeprefix(f"{top}/")


def _globs(tree: ProjectTree, top: str) -> list[str]:
    """Return the patterns of a workspace's packages: of pnpm-workspace.yaml, else `workspaces` of package.json."""
    if found := _LISTED.search(tree.text(joined(top, WORKSPACE)).replace("\r\n", "\n") + "\n"):
        rows = found["inline"].strip().strip("[]").split(",") if "[" in found["inline"] else found["rows"].split("\n")
        values = [next(filter(None, one.groups()), "") for one in map(_QUOTED.match, rows) if one]
        return [one for one in values if one]
    value = tree.json(joined(top, "package.json")).get("workspaces")
    if isinstance(value, dict):
        value = value.get("packages")
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _pattern(globs: list[str]) -> Callable[[str], bool]:
    """Return a function that tells whether a folder fits the patterns: `apps/*`, `libs/**`, `!apps/old`."""
    wanted = [_regex(one) for one in globs if not one.startswith("!")]
    without = [_regex(one[1:]) for one in globs if one.startswith("!")]

    def fits(folder: str) -> bool:
        return any(one.fullmatch(folder) for one in wanted) and not any(one.fullmatch(folder) for one in without)

    return fits


def _regex(glob: str) -> re.Pattern[str]:
    text = re.escape(glob.removeprefix("./").rstrip("/"))
    for old, new in ((r"/\*\*", "(?:/.*)?"), (r"\*\*/", "(?:.*/)?"), (r"\*\*", ".*"), (r"\*", "[^/]*")):
        text = text.replace(old, new)
    text = re.sub(r"\\\{([^{}]*)\\\}", lambda found: f"(?:{found[1].replace(',', '|')})", text)
    return re.compile(text)


def _package(name: str, value: object) -> str:
    """Return the name of the package that a dependency means: `workspace:other@*` is another one under this name."""
    found = re.match(r"(?:workspace|npm):(@?[^@]+)@", value) if isinstance(value, str) else None
    return found[1] if found else name


def commented_json(tree: ProjectTree, path: str) -> dict[str, Any]:
    """Return the JSON object in a file with comments; empty if it is something else."""
    text = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda one: one[1] or "", tree.text(path), flags=re.S)
    try:
        value = json.loads(re.sub(r",(\s*[}\]])", r"\1", text) or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
