"""Checks of a release before anything is sent: all findings at once. Reads the commit; makes no AWS calls."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from awsdeploy.config import Service, Settings
from awsdeploy.config.project.tree import joined
from awsdeploy.errors import Refused
from awsdeploy.release import health_route, node_version, packages
from awsdeploy.release.source import Source, foreign_binaries

ROUTE = re.compile(r"(?:src/)?(?:app/(?P<app>api(?:/.+)?)/route|pages/(?P<pages>api(?:/.+)?))\.(?:[cm]?[jt]sx?)$")
GROUPS = re.compile(r"/\([^/]*\)|/index$")  # route groups are no part of the path, index is its folder


SHOWN = 5  # names in one remark

_SUBMODULE = (
    "{path} is a git submodule: the commit contains its URL but not its files, so the folder would be empty in the "
    "release. Commit the files themselves: git rm --cached {quoted} && rm -rf {quoted}/.git && git add {quoted}. "
    "If the release does not need it: echo '{path} export-ignore' >> .gitattributes"
)
_POINTER = (
    "{path} is a Git LFS pointer: git has committed a pointer and not the file's content. Commit the content: git "
    "lfs untrack {quoted} && git add --renormalize {quoted} && git commit. If the release does not need it: echo "
    "'{path} export-ignore' >> .gitattributes"
)


def examine(source: Source, settings: Settings, services: Iterable[Service]) -> list[str]:
    """Remarks worth showing. Raises `Refused` with everything that would make the release fail."""
    wrong: list[str] = []
    remarks: list[str] = []
    services = list(services)
    for service in services:
        mistakes = list(_mistakes(source, service))
        wrong += mistakes
        if not mistakes:
            node = node_version.chosen(settings, service, source)
            wrong += node.wrong
            remarks += node.remarks
            remarks += packages.remarks(source, packages.manager_of(source, service.directory))
            remarks += _kept_packages(source, service)
        remarks += hidden_routes(source, settings, service)
        remarks += filter(None, [health_route.unseen(source, service)])
    remarks += filter(None, [packages.committed_modules(source)])
    gone, note = missing(source, services)
    wrong += gone
    remarks += note
    wrong += [
        f"{path} is built for {platform}: remove it from the repository; the machines build it themselves."
        for path, platform in foreign_binaries(source)
    ]
    if wrong:
        raise Refused(
            "This cannot be released:\n" + "\n".join(f"  - {one}" for one in wrong),
            "Correct this, commit, and run the same command again.",
        )
    return remarks


def missing(source: Source, services: Iterable[Service]) -> tuple[list[str], list[str]]:
    """Find what git has not committed although it looks so: reasons against the release, and remarks.

    A submodule or a pointer of Git LFS outside the folders of the services does no harm to them.
    """
    folders = [PurePosixPath(one.directory) for one in services]

    def matters(path: str) -> bool:
        place = PurePosixPath(path)
        return any(place.is_relative_to(folder) or folder.is_relative_to(place) for folder in folders)

    sentences = [(path, _SUBMODULE.format(path=path, quoted=shlex.quote(path))) for path in source.submodules]
    sentences += [(path, _POINTER.format(path=path, quoted=shlex.quote(path))) for path in source.pointers]
    wrong = [sentence for path, sentence in sentences if matters(path)]
    remarks = [sentence for path, sentence in sentences if not matters(path)]
    if source.left_out:
        remarks.append(
            f"not released because of export-ignore in .gitattributes: {_some(sorted(source.left_out))}. To release "
            "them, remove that line and commit"
        )
    return wrong, remarks


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _mistakes(source: Source, service: Service) -> Iterator[str]:
    path = joined(service.directory, "package.json")
    if path not in source.files:
        yield (
            f"{service.name}: commit {source.short} has no {path}. Set its folder:"
            f' [services.{service.name}] directory = "…"'
        )
        return
    try:
        manager = packages.manager_of(source, service.directory)
    except Refused as refusal:
        yield f"{service.name}: {refusal.message} {refusal.hint}"
    else:
        yield from (f"{service.name}: {one}" for one in packages.mistakes(source, service, manager))


def _kept_packages(source: Source, service: Service) -> Iterator[str]:
    if not service.keep_dev and (path := packages.compiled_config(source, service.directory)):
        yield (
            f"{service.name} keeps its devDependencies: Next.js needs typescript to read {path} at each start. To "
            "leave the others out, move typescript to dependencies, and commit"
        )


def hidden_routes(source: Source, settings: Settings, service: Service) -> Iterator[str]:
    """Next.js routes that the load balancer sends to another service, each with the line that brings it here."""
    others = [path for one in settings.services.values() if one.name != service.name for path in one.paths]
    for path in sorted(source.files):
        inside = path if service.directory == "." else path.removeprefix(f"{service.directory}/")
        if (inside == path and service.directory != ".") or not (found := ROUTE.match(inside)):
            continue
        route = GROUPS.sub("", "/" + (found["app"] or found["pages"]))
        asked = re.sub(r"\[[^/]*\].*", "*", route)
        if any(_matches(pattern, asked) for pattern in others) and asked not in service.paths:
            mine = ", ".join(f'"{one}"' for one in (*service.paths, asked))
            yield (
                f"{path} gets no requests: the load balancer sends {asked} to another service. To change this: "
                f"[services.{service.name}] paths = [{mine}]"
            )


def _matches(pattern: str, path: str) -> bool:
    """Check whether a load balancer's path pattern matches a path; `*` is any run of characters."""
    form = ".*".join(re.escape(part) for part in pattern.split("*"))
    return pattern != "/*" and re.fullmatch(form, path) is not None
