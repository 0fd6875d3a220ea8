"""Node.js version that a program asks for: Volta, .nvmrc, .node-version or `engines.node`. Which machines have it."""

from __future__ import annotations

import re

from awsdeploy.config.node_versions import DEFAULTS, VERSIONS, possible
from awsdeploy.config.project.tree import ProjectTree, joined, table, upwards

FILES = (".nvmrc", ".node-version")
NAMES = {"lts/hydrogen": "18", "lts/iron": "20", "lts/jod": "22", "lts/krypton": "24", "lts/*": "24"}
"""Names of versions in .nvmrc."""
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


def satisfied(wanted: str, version: str) -> bool:
    """Check whether a version is in an npm range. An unreadable range counts as satisfied: npm reports it."""
    from semantic_version import NpmSpec, Version

    try:
        return bool(NpmSpec(wanted).match(Version(version)))
    except ValueError:
        return True


def has(platform: str, major: str, wanted: str) -> bool:
    """Check whether the machines' Node.js of this major version is in an npm range."""
    return not wanted or any(satisfied(wanted, one) for one in possible(platform, major))


def allows(wanted: str, major: str) -> bool:
    """Check whether an npm range has any version of this major version: 20.11.1 allows 20."""
    named = re.findall(rf"(?<![\d.]){major}(?:\.(\d+))?(?:\.(\d+))?", wanted)
    named = [(int(minor or 0), int(patch or 0)) for minor, patch in named]
    tried = {f"{major}.{minor}.{one}" for minor, patch in named for one in (patch, patch + 1)}
    return any(satisfied(wanted, one) for one in (f"{major}.0.0", f"{major}.999.999", *sorted(tried)))


def major_of(said: str, source: str) -> str:
    """Return the one version that is meant: a single version or a name, or a range with one of ours; else nothing."""
    if said.lower() in NAMES:
        return NAMES[said.lower()]
    if found := re.fullmatch(r"[v=]*(\d+)(?:\.(?:\d+|x|\*))*", said):
        return found[1] if found[1] in VERSIONS and not source.startswith("engines") else _only(said)
    return _only(said) if source.startswith("engines") else ""


def _only(wanted: str) -> str:
    """Return the version in a range if there is just one."""
    found = [major for major in VERSIONS if allows(wanted, major)]
    return found[0] if len(found) == 1 else ""


def choose(platform: str, *ranges: str) -> str:
    """Return a version in all ranges: the platform's default if possible, else the newest; nothing if there is none.

    If machines have another minor version than a range wants, the major version decides.
    """
    order = [DEFAULTS[platform], *reversed(VERSIONS)]
    exact = [major for major in order if all(has(platform, major, one) for one in ranges)]
    near = [major for major in order if all(allows(one, major) for one in ranges)]
    return next(iter([*exact, *near]), "")
