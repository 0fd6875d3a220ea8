"""NestJS program: its main file, port, global prefix and health route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from awsdeploy.config.project import versions
from awsdeploy.config.project.javascript import FoundValue, argument, value_of, without_comments
from awsdeploy.config.project.tree import ProjectTree, joined
from awsdeploy.config.project.versions import UriVersions

MAINS = ("src/main.ts", "src/main.js", "main.ts", "src/index.ts", "src/server.ts")
HEALTH_NAMES = (
    "health", "healthz", "healthcheck", "health-check", "health_check", "ping", "live", "livez", "liveness", "status",
)  # fmt: skip
"""Words in a route that answers whether the program works, the most usual first."""
CLEAR = HEALTH_NAMES[:5]
"""The words that mean this anywhere in a route. The others must be its first word."""

MOST_CONTROLLERS, MOST_ROUTES = 50, 500
"""Controllers of a file, and routes of a controller, that are read."""

_LISTEN = re.compile(r"\.listen\(")
_LISTEN_OBJECT = re.compile(r"\bport\s*:\s*([^,}]+)")
_PREFIX = re.compile(r"\.setGlobalPrefix\(")
_EXCLUDED = re.compile(r"\.setGlobalPrefix\([^;]{0,300}?\bexclude\s*:\s*\[([^\]]{0,2000})\]")
_CREATED = re.compile(r"\bNestFactory\.create\s*[(<]")
_PLAIN = re.compile(r"[\w./~-]*", re.ASCII)
_CONTROLLER, _GET = re.compile(r"@Controller\("), re.compile(r"@Get\(")
_PATH = re.compile(r"\bpath\s*:\s*([^,}]+)")
_DIRECT = re.compile(r"\.(?:get|use)\(\s*['\"`](/[\w./-]+)['\"`]")
_TESTS = re.compile(r"\.(?:spec|test|e2e-spec|d)\.[cm]?[jt]s$|(?:^|/)(?:test|tests|__tests__|migrations)/")
_SOURCE = re.compile(r"\.[cm]?[jt]s$")


@dataclass(frozen=True)
class NestFacts:
    """Facts about a NestJS program. Nothing that cannot be read is guessed."""

    main: str
    """Path of the file that starts it; empty if there is none."""
    port: FoundValue
    prefix: FoundValue
    health: str
    """Path of its health route, or of another route that can serve as one; empty if there is none."""
    plain_health: bool = True
    """False if the route was not made for health checks."""
    versioned: bool = False
    """True if every route without a version of its own gets one in its URL."""
    begins: frozenset[str] = frozenset()
    """First words of the routes without the global prefix, as controllers and modules have them."""


def facts(tree: ProjectTree, directory: str) -> NestFacts:
    """Return what the source says."""
    path = _main(tree, directory)
    main = without_comments(tree.text(path)) if path else ""
    boot = _file_with("setGlobalPrefix(", tree, directory, main)
    prefix = _called(_PREFIX, boot)
    uri = versions.facts(boot)
    health, plain = "", True
    if prefix.literal is not None and is_plain(prefix.literal):
        health, plain = _health(tree, directory, boot, prefix.literal, uri)
    port = _port(_file_with(".listen(", tree, directory, main))
    begins = frozenset(one.strip("/").partition("/")[0] for one in _bases(tree, directory))
    return NestFacts(path, port, prefix, health, plain, bool(uri and uri.default != ""), begins)


def is_plain(path: str) -> bool:
    """Check whether a path has no parameters, wildcards or characters that settings and load balancers cannot have."""
    return _PLAIN.fullmatch(path) is not None


def _file_with(call: str, tree: ProjectTree, directory: str, main: str) -> str:
    """Return the text with a call: main's, or that of the file to which main leaves it."""
    if call in main:
        return main
    for path in tree.below(directory):
        if not _SOURCE.search(path) or _TESTS.search(path) or call not in tree.text(path):
            continue
        if call in (text := without_comments(tree.text(path))):
            return text
    return main


def _main(tree: ProjectTree, directory: str) -> str:
    cli = tree.json(joined(directory, "nest-cli.json"))
    source, entry = cli.get("sourceRoot"), cli.get("entryFile")
    said = [f"{source if isinstance(source, str) else 'src'}/{entry if isinstance(entry, str) else 'main'}.ts"]
    usual = next((path for one in (*said, *MAINS) if (path := joined(directory, one)) in tree.paths), "")
    return usual or next(_creating(tree, directory), "")


def _creating(tree: ProjectTree, directory: str) -> Iterator[str]:
    """The files that create a NestJS application, those nearest to the folder first."""
    for path in sorted(tree.below(directory), key=lambda one: (one.count("/"), one)):
        if _SOURCE.search(path) and not _TESTS.search(path) and _CREATED.search(without_comments(tree.text(path))):
            yield path


def _port(main: str) -> FoundValue:
    called = _LISTEN.search(main)
    if called is None:
        return FoundValue()
    said = argument(main, called.end())
    if said.startswith("{") and (inside := _LISTEN_OBJECT.search(said)):
        said = inside[1]
    return value_of(said, main)


def _called(call: re.Pattern[str], main: str) -> FoundValue:
    """Value of the first argument; an empty literal if there is no such call."""
    called = call.search(main)
    return FoundValue("") if called is None else value_of(argument(main, called.end()), main)


def routes(tree: ProjectTree, directory: str, uri: UriVersions | None = None) -> Iterator[tuple[str, str]]:
    """Version and path of all `@Get` routes that can be read, without the global prefix."""
    for text in texts_with("@Controller(", tree, directory):
        yield from _routes_of(text, uri)


def texts_with(call: str, tree: ProjectTree, directory: str) -> Iterator[str]:
    """The texts of source files with a call, without comments."""
    for path in tree.below(directory):
        if _SOURCE.search(path) and not _TESTS.search(path) and call in (text := tree.text(path)):
            yield without_comments(text)


def _bases(tree: ProjectTree, directory: str) -> Iterator[str]:
    """The paths of controllers, and of modules in `RouterModule.register`."""
    for text in texts_with("@Controller(", tree, directory):
        for found in islice(_CONTROLLER.finditer(text), MOST_CONTROLLERS):
            yield _said(argument(text, found.end()), text) or ""
    for text in texts_with("RouterModule.register(", tree, directory):
        yield from re.findall(r"\bpath\s*:\s*['\"`]([^'\"`$]*)['\"`]", text)


def _routes_of(text: str, uri: UriVersions | None) -> Iterator[tuple[str, str]]:
    marks = [(found.start(), found.end()) for found in islice(_CONTROLLER.finditer(text), MOST_CONTROLLERS)]
    for place, (_, end) in enumerate(marks):
        last = marks[place + 1][0] if place + 1 < len(marks) else len(text)
        controller = argument(text, end)
        base = _said(controller, text)
        version = versions.of_controller(uri, controller, text[end:last])
        if base is None or version is None:
            continue
        for found in islice(_GET.finditer(text, end, last), MOST_ROUTES):
            route = _said(argument(text, found.end()), text)
            if route is not None:
                yield version, _path(base, route)


def _said(expression: str, text: str) -> str | None:
    """Return the path in a decorator's argument; nothing for what cannot be read."""
    if expression.startswith("{"):
        inside = _PATH.search(expression)
        expression = inside[1] if inside else ""
    expression = expression.removeprefix("[").split(",")[0].rstrip("]")
    return value_of(expression, text).literal if expression else ""


def _path(*parts: str) -> str:
    return "/" + "/".join(filter(None, (part.strip("/") for part in parts)))


def _health(tree: ProjectTree, directory: str, main: str, prefix: str, uri: UriVersions | None) -> tuple[str, bool]:
    """Return the best route for a health check, and whether it was made for that."""
    excluded = _EXCLUDED.search(main)
    free = {_path(one) for one in re.findall(r"['\"`]([^'\"`]*)['\"`]", excluded[1])} if excluded else set()
    found = {
        _path("" if one in free else prefix, version, one): one
        for version, one in routes(tree, directory, uri)
        if is_plain(one)
    }
    found |= {one: one for one in _DIRECT.findall(main)}
    ranked = sorted((rank, len(path), path) for path, route in found.items() if (rank := _rank(route)) is not None)
    if ranked:
        return ranked[0][2], True
    first = min((path for path, route in found.items() if route == "/"), key=len, default="")
    return first, not first


def _rank(route: str) -> int | None:
    words = route.lower().strip("/").split("/")
    ranks = [rank for rank, name in enumerate(HEALTH_NAMES) if name == words[0] or (name in words and name in CLEAR)]
    return min(ranks, default=None)
