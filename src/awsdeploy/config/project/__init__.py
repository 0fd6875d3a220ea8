"""Programs in a repository: framework, package manager, Node.js version, port, routes, ORM. Reads text only."""

from __future__ import annotations

from awsdeploy.config.project.package_managers import LOCK_FILES, PackageManager, package_manager
from awsdeploy.config.project.program import Findings, Program
from awsdeploy.config.project.programs import FOLDERS, PORTS, find
from awsdeploy.config.project.tree import ProjectTree, on_disk, top

__all__ = [
    "FOLDERS",
    "LOCK_FILES",
    "PORTS",
    "Findings",
    "PackageManager",
    "Program",
    "ProjectTree",
    "find",
    "on_disk",
    "package_manager",
    "top",
]
