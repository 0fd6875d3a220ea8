"""Programs of a repository, each with the settings that it needs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from awsdeploy.config.health_check import TCP
from awsdeploy.config.project import backing_services, fixed_paths, missing_lock, nestjs, nextjs, orm, usual_names
from awsdeploy.config.project.node_version import node_version
from awsdeploy.config.project.package_managers import PackageManager, package_manager
from awsdeploy.config.project.program import Findings, Program
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined, table, upwards
from awsdeploy.config.rules import DIRECTORY

FOLDERS = {"frontend": ("front", "frontend"), "backend": ("back", "backend")}
PORTS = {"frontend": 3000, "backend": 9999}
FRAMEWORKS = {"Next.js": "frontend", "NestJS": "backend"}
USUAL = {
    "frontend": (*FOLDERS["frontend"], "client", "web", "www", "site", "app", "ui"),
    "backend": (*FOLDERS["backend"], "server", "api", "service"),
}
"""Names of folders by which one of several programs of a framework is chosen."""

NO_PREFIX = "no global prefix: the load balancer removes /api from the paths (strip_prefix)"
NO_HEALTH = f'no health route: with health = "{TCP}" any answer below 500 means healthy'
BESIDE_API = "routes that get no requests, because they do not begin with /api: "
RENDERS = "NestJS answers for the pages of Next.js too: both are one program, and its script build must build both"
OWN_PORT = "a WebSocket gateway has a port of its own ({}), which gets no requests: leave the port out"
SOCKETS_BELOW = "the path that clients of Socket.IO must set, because the load balancer removes /api: "
HIDDEN = "routes that get no requests, because /api goes to the backend: "

WORKSPACES = ("pnpm-workspace.yaml", "nx.json", "turbo.json", "lerna.json")

_ELSEWHERE = re.compile(r"(?:^|/)(?:examples?|samples?|templates?|tests?|e2e|fixtures|playgrounds?|__tests__)/")
_FLAG = re.compile(r"(?:(?:^|\s)(?:-p|--port)[ =]|(?:^|\s)PORT=)(\d{1,5})\b")


def find(tree: ProjectTree, within: str = ".") -> Findings:
    """Return the services' programs, the frontend first. Each framework gives one; others are remarks.

    `within` is the folder to look in; if it has no program, the whole project is searched.
    """
    by_service: dict[str, list[str]] = {"frontend": [], "backend": []}
    others: list[str] = []
    for directory in sorted(_directories(tree, within)):
        frameworks = _frameworks(tree, directory)
        if not re.fullmatch(DIRECTORY, directory) and frameworks:
            others.append(f"{directory}/: rename this folder; use only letters, digits and . _ @ - in its name.")
        elif len(frameworks) > 1:
            others.append(_cannot_tell(joined(directory, "package.json")))
        elif frameworks:
            by_service[FRAMEWORKS[frameworks[0]]].append(directory)
    found = []
    for service, directories in by_service.items():
        named = [joined(within, one) for one in FOLDERS[service]]
        usual = [one for one in named if joined(one, "package.json") in tree.paths]
        ranked = sorted(directories, key=lambda one: _rank(service, one)) or usual[:1]
        found += [_program(tree, service, one) for one in ranked[:1]]
        others += [_not_proposed(tree, one) for one in ranked[1:]]
    if not found and within != ".":
        return find(tree)
    if not found and not others and {"next", "@nestjs/core"} & dependencies(tree.json("package.json")).keys():
        others.append(_cannot_tell("package.json"))
    if len(found) == 1:
        found = [_alone(found[0])]
    if not tree.so_far.is_complete:
        others.append("the repository is too large to read all of it: compare these programs with yours.")
    folders = [one.folder for one in found]
    return Findings(tuple(_with_variables(tree, one, folders) for one in found), tuple(others))


def _with_variables(tree: ProjectTree, program: Program, folders: Sequence[str]) -> Program:
    """The program with the variables that it reads under other names than awsdeploy's."""
    inside = [one for one in folders if one != program.folder and program.folder in (".", *upwards(one))]
    alone = len(folders) == 1
    uses_database = (alone or program.service == "backend") and program.uses_mysql
    knows_site = not alone and program.service == "frontend"
    read = usual_names.names(tree, program.folder, inside)
    return dataclasses.replace(program, variables=usual_names.mapped(read, uses_database, knows_site))


def _cannot_tell(path: str) -> str:
    return (
        f"{path} has the dependencies of several programs (Nx?): cannot tell which folder has which program. A service "
        "needs a folder with its own package.json."
    )


def _alone(program: Program) -> Program:
    """A program that gets every request: it needs no prefix, and no other service takes its routes."""
    remarks = tuple(
        one for one in program.remarks if one != NO_PREFIX and not one.startswith((HIDDEN, BESIDE_API, SOCKETS_BELOW))
    )
    paths = () if program.service == "frontend" else ("/*",)
    return dataclasses.replace(program, paths=paths, strip_prefix=False, remarks=remarks)


def _directories(tree: ProjectTree, within: str) -> Iterator[str]:
    for path in tree.below(within):
        inside = path if within == "." else path.removeprefix(f"{within}/")
        if PurePosixPath(path).name == "package.json" and not _ELSEWHERE.search(inside):
            yield str(PurePosixPath(path).parent)


def _frameworks(tree: ProjectTree, directory: str) -> list[str]:
    """Return the frameworks of a program; none for a library that only needs one.

    In a workspace the top package.json can have the dependencies of all: then the configuration files count. With the
    main file of NestJS and the pages of Next.js in one folder, NestJS answers for both.
    """
    package = tree.json(joined(directory, "package.json"))
    needs = dependencies(package)
    workspace = directory == "." and ("workspaces" in package or any(one in tree.paths for one in WORKSPACES))
    known = PurePosixPath(directory).name in (*USUAL["frontend"], *USUAL["backend"])
    likely = not workspace and (known or any(key.startswith("start") for key in table(package, "scripts")))

    def has(names: Iterable[str]) -> bool:
        return any(joined(directory, one) in tree.paths for one in names)

    found = []
    if has(nextjs.CONFIGS) or ("next" in needs and (likely or nextjs.has_pages(tree, directory))):
        found.append("Next.js")
    if has(["nest-cli.json"]) or ("@nestjs/core" in needs and (likely or has(nestjs.MAINS))):
        found.append("NestJS")
    together = len(found) > 1 and has(nestjs.MAINS) and nextjs.has_pages(tree, directory)
    return ["NestJS"] if together else found


def _rank(service: str, directory: str) -> tuple[int, int, str]:
    name = PurePosixPath(directory).name
    usual = USUAL[service]
    return (usual.index(name) if name in usual else len(usual), directory.count("/"), directory)


def _not_proposed(tree: ProjectTree, directory: str) -> str:
    name = PurePosixPath(directory).name
    (framework,) = _frameworks(tree, directory)
    return (
        f"{directory}/ ({framework}) is not in the file. To deploy it too, add [services.{name}] with "
        f'directory = "{directory}", a port, and paths such as ["/{name}", "/{name}/*"].'
    )


def _program(tree: ProjectTree, service: str, directory: str) -> Program:
    package = tree.json(joined(directory, "package.json"))
    frameworks = _frameworks(tree, directory)
    framework = frameworks[0] if frameworks else ""
    manager = package_manager(tree, directory)
    version, source = node_version(tree, directory)
    database = orm.facts(tree, directory, manager.name)
    program = Program(
        service,
        directory,
        framework,
        _script_port(package) or PORTS[service],
        manager.name,
        migrate=database.migrate,
        orm=database.name,
        orm_package=database.package,
        uses_mysql=backing_services.uses_mysql(tree, directory),
        node=version,
        node_source=source,
    )
    program = _with_next(tree, program) if framework == "Next.js" else _with_nest(tree, program, package)
    return dataclasses.replace(
        program,
        remarks=(
            *program.remarks,
            *filter(None, [manager.remark]),
            *(one.remark for one in backing_services.needs(tree, directory)),
        ),
        missing=(*_not_recognised(tree, program), *program.missing, *_not_found(tree, program, manager)),
    )


def _not_recognised(tree: ProjectTree, program: Program) -> Iterator[str]:
    path = joined(program.folder, "package.json")
    if tree.is_invalid(path):
        yield f"what {path} says: it is not a JSON object"
    elif not program.framework:
        yield f"Next.js or NestJS: {path} has neither"


def _not_found(tree: ProjectTree, program: Program, manager: PackageManager) -> Iterator[str]:
    if not manager.name and not manager.remark:
        commands = missing_lock.commands(tree, tree.paths, program.folder)
        yield f"a lock file: commit one, because `deploy` installs by it: {commands}"
    if program.orm and not program.migrate:
        yield f"a migration command for {program.orm}: if there is one, set migrate"
    if not program.node:
        yield "a Node.js version: write engines.node in package.json"


def _script_port(package: dict[str, Any]) -> int:
    """Return the port in a start script, or 0."""
    scripts = table(package, "scripts")
    named = [str(text) for start in ("start", "serve", "dev") for key, text in scripts.items() if key.startswith(start)]
    ports = [int(match[1]) for text in named if (match := _FLAG.search(text))]
    return (*[one for one in ports if 0 < one < 65536], 0)[0]


def _with_next(tree: ProjectTree, program: Program) -> Program:
    remarks = []
    if routes := nextjs.hidden_folder(tree, program.folder):
        remarks.append(f"{HIDDEN}{routes}")
    if nextjs.is_export(tree, program.folder):
        remarks.append('output: "export" writes files only, and `next start` does not serve them: remove it')
    base = nextjs.base_path(tree, program.folder)
    return dataclasses.replace(program, health=base, remarks=tuple(remarks))


def _with_nest(tree: ProjectTree, program: Program, package: dict[str, Any]) -> Program:
    found = nestjs.facts(tree, program.folder)
    if not found.main:
        said = "its main file (src/main.ts), and so its port and its global prefix"
        unknown = dataclasses.replace(program, health=TCP, remarks=(NO_HEALTH,), missing=(said,))
        return unknown if program.framework == "NestJS" else program
    remarks, missing = list(_prefix_remarks(found)), list[str]()
    port, written = program.port, found.port.literal or ""
    if found.port.variable == "PORT":
        port = PORTS[program.service]
    elif not _script_port(package) and written.isdecimal() and 0 < int(written[:6]) < 65536:
        port = int(written)
    elif not _script_port(package):
        origin = f'is "{written}"' if written else f"comes from {_origin(found.port.variable)}"
        missing.append(f"its port: it {origin}; the program must listen on PORT")
    prefix = (found.prefix.literal or "").strip("/")
    plain = nestjs.is_plain(prefix)
    top = prefix.split("/")[0]
    usual = top == "api" or not top or not plain or program.service != "backend"
    if found.prefix.literal is None:
        missing.append(f"its global prefix: it comes from {_origin(found.prefix.variable)}")
    elif not plain:
        missing.append(f'paths below its global prefix "{prefix}": set paths')
    if not found.health:
        remarks.append(NO_HEALTH)
    strips = _has_no_prefix(found) and program.service == "backend"
    fixed = fixed_paths.paths(tree, program.folder)
    remarks += _other_remarks(tree, program, fixed if strips else ())
    return dataclasses.replace(
        program,
        port=port,
        paths=() if strips or program.service != "backend" else _paths("api" if usual else top, fixed),
        strip_prefix=strips,
        health=found.health or TCP,
        remarks=tuple(remarks),
        missing=tuple(missing),
    )


def _paths(top: str, fixed: tuple[str, ...]) -> tuple[str, ...]:
    """Paths below the first word of the prefix, and others; nothing if these are the backend's default."""
    others = tuple(one for one in fixed if one != f"/{top}" and not one.startswith(f"/{top}/"))
    return () if top == "api" and not others else (f"/{top}", f"/{top}/*", *others)


def _other_remarks(tree: ProjectTree, program: Program, stripped: tuple[str, ...]) -> Iterator[str]:
    """Remarks besides those on routes. `stripped` are the paths that browsers find below /api."""
    if nextjs.has_pages(tree, program.folder):
        yield RENDERS
    for one in stripped:
        if one.endswith("/*"):
            yield f"{SOCKETS_BELOW}/api{one.removesuffix('/*')}"
    for port in fixed_paths.own_ports(tree, program.folder):
        yield OWN_PORT.format(port)


def _origin(variable: str) -> str:
    if not variable:
        return "an expression"
    return f"the {'setting' if '.' in variable else 'variable'} {variable}"


def _has_no_prefix(found: nestjs.NestFacts) -> bool:
    """Check whether the program expects paths without /api: it has no global prefix, and no route begins with it."""
    return found.prefix.literal is not None and not found.prefix.literal.strip("/") and "api" not in found.begins


def _prefix_remarks(found: nestjs.NestFacts) -> Iterator[str]:
    if _has_no_prefix(found):
        yield NO_PREFIX
    elif found.prefix.literal == "" and (others := sorted(found.begins - {"", "api", *nestjs.HEALTH_NAMES})):
        yield f"{BESIDE_API}{', '.join(f'/{one}' for one in others)}"
    elif found.prefix.literal and found.prefix.variable:
        yield f'the global prefix is "{found.prefix.literal}" unless {found.prefix.variable} is set'
    if found.versioned and not found.health:
        yield "URLs contain a version: a health route has it too, such as /api/v1/health"
    if found.health and not found.plain_health:
        yield f"no health route; {found.health} answers too, so it is used"
