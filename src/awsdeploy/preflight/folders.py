"""Check of the services' folders in the repository around config.toml. Makes no call."""

from __future__ import annotations

import os
from collections.abc import Iterator

from awsdeploy.config.project import find, on_disk, top
from awsdeploy.config.project.tree import joined
from awsdeploy.preflight.finding import Finding, Question


def service_folders(question: Question) -> Iterator[Finding]:
    """A service without its folder could not be released. A repository without any package.json has another task."""
    root = top(question.folder) if question.folder else None
    if root is None or not (root / ".git").exists():
        return
    paths = {one.name: joined(one.directory, "package.json") for one in question.settings.services.values()}
    gone = {name: path for name, path in paths.items() if not os.path.isfile(root / path)}  # also where it may not look
    if not gone:
        return
    tree = on_disk(root)
    if not any(path == "package.json" or path.endswith("/package.json") for path in tree.paths):
        return
    used = {one.directory for one in question.settings.services.values()}
    others = [one for one in find(tree).programs if one.framework and one.folder not in used]
    seen = ", ".join(f"{one.folder}/ ({one.framework})" for one in others)
    for name, path in gone.items():
        yield Finding(
            f"folder of {name}",
            f"there is no {path} in {root}",
            f'write its folder: [services.{name}] directory = "…"' + (f"; programs found: {seen}" if seen else ""),
            fatal=False,
        )
