"""Files of a commit that describe its programs: packages, workspaces, schemas and committed variables."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from awsdeploy.config.project.backing_services import VALUES
from awsdeploy.config.project.tree import ProjectTree
from awsdeploy.release.source import Source

READ = {"package.json", "pnpm-workspace.yaml", "turbo.json", "nx.json", "project.json", *VALUES}
MODULES = "node_modules"


@lru_cache(maxsize=4)
def described(source: Source) -> ProjectTree:
    """Return these files, read at once."""
    paths = [path for path in sorted(source.files) if _is_read(PurePosixPath(path))]
    contents = source.contents(paths)
    return ProjectTree(frozenset(paths), lambda path: contents[path].decode(errors="replace"))


def _is_read(path: PurePosixPath) -> bool:
    return (path.name in READ or path.suffix == ".prisma") and MODULES not in path.parts
