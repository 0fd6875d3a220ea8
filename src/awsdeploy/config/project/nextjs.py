"""Next.js program: its base path, and what the load balancer cannot reach."""

from __future__ import annotations

import re

from awsdeploy.config.project.javascript import without_comments
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined

TYPED_CONFIGS = ("next.config.ts", "next.config.mts")
CONFIGS = ("next.config.js", "next.config.mjs", *TYPED_CONFIGS, "next.config.cjs")
PAGES = ("app", "pages", "src/app", "src/pages")
_BASE = re.compile(r"\bbasePath\s*:\s*['\"`](/[\w./~-]*)['\"`]", re.ASCII)
_EXPORT = re.compile(r"\boutput\s*:\s*['\"`]export['\"`]")


def has_pages(tree: ProjectTree, directory: str) -> bool:
    """Check whether a folder with Next.js has a configuration or pages for it."""
    if "next" not in dependencies(tree.json(joined(directory, "package.json"))):
        return False
    places = [joined(directory, one) for one in (*CONFIGS, *PAGES)]
    return any(one in tree.paths or tree.has_folder(one) for one in places)


def hidden_folder(tree: ProjectTree, directory: str) -> str:
    """Return the folder of routes under /api, which the load balancer sends to the backend."""
    places = (joined(directory, one) for one in ("app/api", "src/app/api", "pages/api", "src/pages/api"))
    return next((place for place in places if tree.has_folder(place)), "")


def base_path(tree: ProjectTree, directory: str) -> str:
    """Return the path of every page, as next.config has it."""
    found = _BASE.search(_config(tree, directory))
    return found[1].rstrip("/") if found else ""


def is_export(tree: ProjectTree, directory: str) -> bool:
    """True if the build writes files only, for which `next start` has no server."""
    return _EXPORT.search(_config(tree, directory)) is not None


def _config(tree: ProjectTree, directory: str) -> str:
    path = next((path for one in CONFIGS if (path := joined(directory, one)) in tree.paths), "")
    return without_comments(tree.text(path)) if path else ""
