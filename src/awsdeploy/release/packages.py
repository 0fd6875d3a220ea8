"""Packages of a service as its commit has them: who installs them, and what is wrong or remarkable about that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from awsdeploy.config import Service
from awsdeploy.config.project import PackageManager, missing_lock, package_manager
from awsdeploy.config.project.nextjs import TYPED_CONFIGS
from awsdeploy.config.project.tree import ProjectTree, joined, table
from awsdeploy.errors import Refused
from awsdeploy.release import git
from awsdeploy.release.source import Source

REGISTRIES = {"registry.npmjs.org", "registry.yarnpkg.com", "registry.npmjs.com"}
"""Hosts from which packages come unless somebody has another registry."""
MODULES = "node_modules/"
LARGEST_LOCK = 20_000_000
"""Bytes of a lock file that is read."""

_HOST = re.compile(
    r"(?:resolved:?|tarball:)\s*\"?https?://([\w.-]+(?::\d+)?)/|\"resolved\":\s*\"https?://([\w.-]+(?::\d+)?)/"
)
_REGISTRY = re.compile(
    r"(?:^|\n)\s*(?:@[\w.-]+:)?(?:registry|npmRegistryServer)\s*[=:]\s*\"?https?://([\w.-]+(?::\d+)?)"
)
_ELSEWHERE = re.compile(r"^(?:workspace|file|link|portal|git|git\+\w+|https?|github):|^[\w.-]+/[\w.-]+(?:#|$)")


@lru_cache(maxsize=64)
def manager_of(source: Source, directory: str) -> PackageManager:
    """Package manager that installs for `directory`. Raises `Refused` if there is no lock file."""

    def committed_at(path: str) -> float:
        return git.committed_at(path, source.commit, source.root)

    manager = package_manager(ProjectTree(source.files, source.text, committed_at), directory)
    if not manager.name:
        raise Refused(
            f"{joined(directory, 'package.json')} has no lock file next to it or above it, so the versions to "
            "install are unknown.",
            missing_lock.commands(source, source.files, directory),
        )
    return manager


def mistakes(source: Source, service: Service, manager: PackageManager) -> Iterator[str]:
    """Reasons why the packages cannot be installed."""
    path = joined(service.directory, "package.json")
    yield from (
        f"{one} is committed, but export-ignore in .gitattributes excludes it from the release. Remove that line and "
        "commit."
        for one in (path, manager.lock)
        if one in source.left_out
    )
    lacking = _lacking(source, path, manager)
    if lacking:
        names = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        yield (
            f"{manager.lock} does not have {names}, which {path} needs: {manager.name} install, then commit "
            f"{manager.lock}."
        )


def _lacking(source: Source, path: str, manager: PackageManager) -> list[str]:
    """Return the packages that the lock file does not know. Those of the repository itself need no entry in it."""
    lock = _lock_text(source, manager.lock)
    package = source.json(path)
    if not lock:
        return []
    wanted = {
        str(name): str(version)
        for kind in ("dependencies", "devDependencies")
        for name, version in table(package, kind).items()
        if not _ELSEWHERE.match(str(version))
    }
    unknown = [name for name in wanted if name not in lock]
    if not unknown:
        return []
    files = [one for one in source.files if one.endswith("package.json") and MODULES not in one]
    own = {source.json(one).get("name") for one in files}
    return sorted(name for name in unknown if name not in own)


def _lock_text(source: Source, path: str) -> str:
    """Return the text of a lock file; nothing for a binary one, an empty one, and one that is too large to be read."""
    if path.endswith(".lockb") or source.tree[path].size > LARGEST_LOCK:
        return ""
    return source.text(path)


def remarks(source: Source, manager: PackageManager) -> Iterator[str]:
    """Remarks about how the packages are installed."""
    if manager.remark:
        yield manager.remark
    text = _lock_text(source, manager.lock)
    settings = (one for one in source.files if one.rpartition("/")[2] in (".npmrc", ".yarnrc.yml", ".yarnrc"))
    known = REGISTRIES | {host for path in settings for host in _REGISTRY.findall(source.text(path))}
    found = {first or second for first, second in _HOST.findall(text)} - known
    if found:
        yield (
            f"{manager.lock} has packages of {', '.join(sorted(found))}: the machines must be able to reach it. If it "
            f"is a mirror of yours alone: delete {manager.lock}, {manager.name} install with the usual one, commit"
        )


def compiled_config(source: Source, directory: str) -> str:
    """Return the configuration that `next start` compiles with a package of devDependencies; "" if there is none.

    Without the package Next.js tries to install it while it starts.
    """
    package = source.json(joined(directory, "package.json"))
    if "typescript" in table(package, "dependencies"):
        return ""
    return next((path for one in TYPED_CONFIGS if (path := joined(directory, one)) in source.files), "")


def committed_modules(source: Source) -> str:
    """Remark if packages are in the repository; nothing otherwise."""
    count = sum(path.startswith(MODULES) or f"/{MODULES}" in path for path in source.files)
    if not count:
        return ""
    folder = min((path.partition(MODULES)[0] + "node_modules" for path in source.files if MODULES in path), key=len)
    return (
        f"{count} files of node_modules are committed: the machines install anew. Take them out of the repository: "
        f"git rm -r --cached {folder} && echo node_modules >> .gitignore"
    )
