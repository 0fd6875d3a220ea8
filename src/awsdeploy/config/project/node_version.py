"""Node.js version that a program asks for: Volta, .nvmrc, .node-version or `engines.node`."""

from __future__ import annotations

import re

from awsdeploy.config.project.tree import ProjectTree, joined, table, upwards

FILES = (".nvmrc", ".node-version")
_RANGE = re.compile(r"[\w .*/<>=^~|+-]{1,100}", re.ASCII)


def node_version(tree: ProjectTree, directory: str) -> tuple[str, str]:
    """Return the version or range, and where it is written; nothing if it is nowhere. The nearest folder counts."""
    for place in upwards(directory):
        path = joined(place, "package.json")
        package = tree.json(path)
        found = {"volta.node": table(package, "volta").get("node")}
        found |= {name: _line(tree.text(joined(place, name))) for name in FILES}
        found |= {"engines.node": table(package, "engines").get("node")}
        for name, said in found.items():
            if isinstance(said, str) and _RANGE.fullmatch(said.strip()):
                return said.strip().removeprefix("v"), joined(place, name) if name in FILES else f"{name} in {path}"
    return "", ""


def _line(text: str) -> str:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    first = next(filter(None, lines), "")
    return first if re.fullmatch(r"[\w./*-]{1,40}", first) else ""
