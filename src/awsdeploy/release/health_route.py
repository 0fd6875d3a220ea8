"""Route of the health path in a service's source: a note where none can be seen. Reads text, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from awsdeploy.config import Service
from awsdeploy.config.health_check import TCP
from awsdeploy.config.project.javascript import without_comments
from awsdeploy.config.project.tree import joined
from awsdeploy.errors import next_command
from awsdeploy.release.source import Source

NEXT, NEST, EXPRESS = "next", "@nestjs/core", "express"

MOST_FILES, MOST_BYTES = 2000, 20_000_000
"""A larger folder is not read: then nothing is known."""

_SOURCE = re.compile(r"\.([cm]?[jt]sx?|mdx)$")
_NOT_READ = re.compile(
    r"(^|/)(node_modules|dist|build|out|coverage|\.next|test|tests|__tests__|e2e)/|\.(spec|test|d)\."
)
_NEXT_FRONT = re.compile(r"(src/)?(app/([(\[@][^/]*/)*page|pages/(\[[^/]*\]/)?index|pages/\[+\.\.\.[^/]*)\.")
_NEXT_FILE = re.compile(r"(src/)?(app/(?P<app>.+)/(page|route)|pages/(?P<pages>.+?)(/index)?)\.")
_FRONT = re.compile(r"@(Get|All)\(\s*(['\"`]/?['\"`])?\s*\)|\.(get|all|use|route)\(\s*['\"`][/*]['\"`]|static\(")
_PREFIX = re.compile(r"setGlobalPrefix\(\s*['\"`]/?([^'\"`\x00-\x1f]*?)/?['\"`]")

_NOT_SEEN = (
    "{service}: no route for the health path {path} can be seen in {folder}. This is the most common reason "
    "for a failed release. {add}\n"
    '  Or change the check in config.toml: [services.{service}] health = "/…" (a path that answers 200), '
    'health_status = "200-499" (a 404 is healthy too), or health = "tcp"; then run {up}'
)
_NEST = "In a NestJS controller{prefix}:\n    @Get('{route}')\n    health() {{ return {{ status: 'ok' }} }}"
_NEXT = "In {folder}/{file}:\n    export function GET() {{ return new Response('ok') }}"
_EXPRESS = "In the program:\n    app.get('{path}', (request, response) => response.send('ok'))"


def unseen(source: Source, service: Service) -> str:
    """Say that no route answers the health path; nothing where one may, or where it cannot be known."""
    path = service.health_path.partition("?")[0]
    if service.port is None or service.health == TCP or service.is_healthy(404):
        return ""
    framework = _framework(source.json(joined(service.directory, "package.json")))
    if framework is None or (texts := source_texts(source, service.directory)) is None:
        return ""
    if any(_mentions(file, text, path, framework == NEXT) for file, text in texts.items()):
        return ""
    if framework == NEST:
        add = _for_nest(path, texts)
    elif framework == NEXT:
        add = _for_next(service, path, texts)
    else:
        add = _EXPRESS.format(path=path)
    folder = "the repository" if service.directory == "." else f"{service.directory}/"
    return _NOT_SEEN.format(service=service.name, path=path, folder=folder, add=add, up=next_command("up"))


def _mentions(file: str, text: str, path: str, is_next: bool) -> bool:
    """Check whether a file may answer the path: it is Next.js's file for it, or has its last part in quotes."""
    last = path.rstrip("/").rpartition("/")[2]
    if not last:
        return bool(_NEXT_FRONT.match(file)) if is_next else bool(_FRONT.search(text))
    if is_next and (found := _NEXT_FILE.match(file)):
        parts = (found["app"] or found["pages"]).split("/")
        if last in parts or any(part.startswith("[") for part in parts[-1:]):
            return True
    return re.search(rf"['\"`][^'\"`\n]*(?<![\w-]){re.escape(last)}(?![\w-])", text) is not None


def source_texts(source: Source, directory: str) -> Mapping[str, str] | None:
    """The service's own source files by their path in its folder, without comments; None if they are too many."""
    top = "" if directory == "." else f"{directory}/"
    paths = [
        path
        for path in source.files
        if path.startswith(top) and _SOURCE.search(path) and not _NOT_READ.search(path.removeprefix(top))
    ]
    if not paths or len(paths) > MOST_FILES or sum(source.tree[path].size for path in paths) > MOST_BYTES:
        return None
    read = source.contents(paths)
    return {path.removeprefix(top): without_comments(body.decode(errors="replace")) for path, body in read.items()}


def _framework(package: Mapping[str, object]) -> str | None:
    needs = package.get("dependencies")
    return next((name for name in (NEXT, NEST, EXPRESS) if isinstance(needs, dict) and name in needs), None)


def _for_nest(path: str, texts: Mapping[str, str]) -> str:
    """The lines for NestJS, under the global prefix if the source has one."""
    found = next((match[1] for text in texts.values() if (match := _PREFIX.search(text))), None)
    first, _, rest = path.strip("/").partition("/")
    if found is not None and not path.startswith(f"/{found}/"):
        route = path.rpartition("/")[2]
        prefix = f" (its prefix makes this /{found}/{route}: set health to this path)" if found else ""
        return _NEST.format(route=route, prefix=prefix)
    if found:
        return _NEST.format(route=path.removeprefix(f"/{found}/"), prefix="")
    prefix = f", with app.setGlobalPrefix('{first}') in main.ts" if rest else ""
    return _NEST.format(route=rest or first, prefix=prefix)


def _for_next(service: Service, path: str, texts: Mapping[str, str]) -> str:
    """The file for Next.js: a route of the App Router."""
    top = "src/app" if any(file.startswith("src/") for file in texts) else "app"
    if path == "/":
        return f"Next.js serves / from {PurePosixPath(service.directory, top)}/page.tsx or pages/index.tsx."
    end = "ts" if any(file.endswith((".ts", ".tsx")) for file in texts) else "js"
    file = f"{top}{path.rstrip('/')}/route.{end}"
    return _NEXT.format(folder=service.directory, file=file)
