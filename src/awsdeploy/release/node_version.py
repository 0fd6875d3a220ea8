"""Node.js version of a release: the one in the config, else the repository's, else the platform's default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from awsdeploy.config import Service, Settings
from awsdeploy.config.node_versions import DEFAULTS, VERSIONS, build_of, possible
from awsdeploy.config.project import node_version as project
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined, table
from awsdeploy.release.source import Source

FRAMEWORKS = {"next": {16: ">=20.9.0"}}
"""Versions of packages that do not start with an older Node.js, and what they need."""


@dataclass(frozen=True)
class NodeVersion:
    """Version as the release agent reads it; with an archive from nodejs.org, otherwise a package of the system.

    `is_default`: nobody asked for it, so the machine's own version is used, whatever it is.
    """

    major: str
    is_default: bool = False
    archive: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class NodeChoice:
    """Version, why it was chosen, and what is wrong with it: reasons against the release, and remarks."""

    version: NodeVersion
    origin: str = ""
    wrong: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def chosen(settings: Settings, service: Service, source: Source) -> NodeChoice:
    """Choose the version of a service."""
    tree = ProjectTree(source.files, source.text)
    package = tree.json(joined(service.directory, "package.json"))
    said, place = project.node_version(tree, service.directory)
    engines = _text(table(package, "engines").get("node"))
    needs, needed_by = _framework(package)
    default = DEFAULTS[settings.platform]
    remarks: list[str] = []
    major: str
    if service.node:
        major, origin = service.node, f"node in [services.{service.name}]"
    elif not place.startswith("engines") and said:
        major, origin = project.major_of(said, place), place
        if not major:
            remarks = [f"{service.name}: {place} asks for Node.js {said}; machines have {_list(VERSIONS)}"]
            major, origin = project.choose(settings.platform, engines), ""
    else:
        major, origin = project.choose(settings.platform, said, engines, needs), place
        if needs and not project.has(settings.platform, default, needs):
            origin = f"{needed_by} requires {needs}"
    asked = bool(service.node or project.major_of(said, place))
    if not major:
        return NodeChoice(_version(settings, default, asked), wrong=(_none(service, said or engines),))
    wrong = _contradiction(settings, service, major, origin, engines)
    if not wrong and not project.has(settings.platform, major, engines):
        remarks.append(_near(settings, service, major, engines))
    if needs and not project.has(settings.platform, major, needs):
        remarks.append(f"{service.name}: {needed_by} requires Node.js {needs}, but {origin} is {major}")
    if major != default:
        remarks.append(f"{service.name}: Node.js {major} ({origin}); the default of the platform is {default}")
    return NodeChoice(_version(settings, major, asked), origin, wrong, tuple(remarks))


def _version(settings: Settings, major: str, asked: bool) -> NodeVersion:
    """`asked`: the config or the repository names this version, so that another one will not do."""
    if major == DEFAULTS[settings.platform] and not asked:
        return NodeVersion(major, is_default=True)
    build = build_of(settings.platform, major)
    return NodeVersion(major, archive=build.archive, sha256=build.sha256) if build else NodeVersion(major)


def _contradiction(settings: Settings, service: Service, major: str, origin: str, engines: str) -> tuple[str, ...]:
    if not engines or project.allows(engines, major):
        return ()
    path = joined(service.directory, "package.json")
    have = _exact(settings, major) + (f" ({origin})" if origin else "")
    fitting = project.choose(settings.platform, engines)
    remedy = f'set [services.{service.name}] node = "{fitting}"' if fitting else f"allow one of {_list(VERSIONS)}"
    return (
        f"{service.name}: {path} requires Node.js {engines}, but the release would have {have}. Change "
        f"engines.node, or {remedy}.",
    )


def _near(settings: Settings, service: Service, major: str, engines: str) -> str:
    path = joined(service.directory, "package.json")
    found = _exact(settings, major)
    have = f"the newest {major}" if found == major else found
    return f"{service.name}: {path} requires Node.js {engines}; machines have {have}. The major version decides"


def _exact(settings: Settings, major: str) -> str:
    """Return the exact version that machines have, as far as it is known."""
    exact = possible(settings.platform, major)
    return exact[0] if len(exact) == 1 else major


def _none(service: Service, wanted: str) -> str:
    path = joined(service.directory, "package.json")
    return (
        f"{service.name}: {path} requires Node.js {wanted}, but machines can have only {_list(VERSIONS)}. Change "
        "engines.node."
    )


def _framework(package: dict[str, Any]) -> tuple[str, str]:
    """Return the range that a framework needs, and its name with the version."""
    for name, versions in FRAMEWORKS.items():
        found = re.match(r"[\^~>=v]*(\d+)", _text(dependencies(package).get(name)))
        fitting = [needs for since, needs in versions.items() if found and int(found[1]) >= since]
        if found and fitting:
            return fitting[-1], f"{name} {found[1]}"
    return "", ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _list(versions: tuple[str, ...]) -> str:
    return f"{', '.join(versions[:-1])} and {versions[-1]}"
