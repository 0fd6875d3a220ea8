"""Detection of a project from its folder, and the config.toml that describes it.

Reads a few small files and never runs anything. Knows no terminal.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.config import Settings, from_mapping
from awsdeploy.config.rules import FORBIDDEN_STARTS
from awsdeploy.errors import ConfigInvalid, next_command
from awsdeploy.release.source import LOCK_FILES, UNSUPPORTED, unsupported

FOLDERS = {"frontend": ("front", "frontend"), "backend": ("back", "backend")}
PORTS = {"frontend": 3000, "backend": 9999}
LARGEST = 200_000  # bytes of a file worth looking into

_FLAG = re.compile(r"(?:(?:^|\s)(?:-p|--port)[ =]|(?:^|\s)PORT=)(\d{1,5})\b")
_LISTEN = re.compile(r"\.listen\(\s*(?:[^)\d]*?(?:\?\?|\|\|)\s*)?['\"]?(\d{1,5})\b")
_PREFIX = re.compile(r"setGlobalPrefix\(\s*['\"]/?([A-Za-z0-9_/-]*)['\"]")


@dataclass(frozen=True)
class Program:
    """A folder that holds one of the services."""

    service: str
    folder: str
    framework: str
    port: int
    package_manager: str
    remark: str = ""

    @property
    def described(self) -> str:
        parts = (self.framework, f"port {self.port}", self.package_manager, self.remark)
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class ProjectAnswers:
    """Everything that `init` asks or sees."""

    name: str
    environment: str
    platform: str
    timezone: str
    domain: str | None = None
    preset: str | None = None
    region: str | None = None
    programs: tuple[Program, ...] = ()

    def changed(self, **answers: str | None) -> ProjectAnswers:
        return dataclasses.replace(self, **answers)  # type: ignore[arg-type]

    def check(self, text: str) -> Settings:
        """Parse `text`. Raises `ConfigInvalid` in terms of the answers rather than of its lines."""
        try:
            return from_mapping(tomllib.loads(text), source="", environ={})
        except ConfigInvalid as error:
            raise ConfigInvalid(
                error.message, f"Nothing was written. To see the flags: {next_command('init', '--help')}"
            ) from None


def mistake_in(answers: ProjectAnswers) -> str | None:
    """First mistake in the answers so far, or None."""
    if answers.preset is None and answers.environment not in ("dev", "prod"):
        answers = answers.changed(preset="prod")
    try:
        answers.check(config_text(answers))
    except ConfigInvalid as error:
        return error.message
    return None


def folder_name(folder: Path) -> str:
    """The folder's name as a project may be called."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).lstrip("-0123456789")[:32].rstrip("-")
    return "app" if not name or name.startswith(FORBIDDEN_STARTS) else name


def machine_timezone() -> str:
    """This machine's IANA zone, UTC if it does not say."""
    said = [os.environ.get("TZ", "").lstrip(":")]
    try:
        said.append(os.readlink("/etc/localtime").partition("zoneinfo/")[2])
    except OSError:
        said.append("")
    said.append(_contents(Path("/etc/timezone")).strip())
    for zone in said:
        if zone and mistake_in(ProjectAnswers("app", "prod", "supported", zone)) is None:
            return "UTC" if zone in ("Etc/UTC", "Etc/UCT", "Universal", "Zulu") else zone
    return "UTC"


def programs(folder: Path) -> tuple[Program, ...]:
    """The documented services that the folder holds."""
    found = []
    for service, names in FOLDERS.items():
        for name in names:
            if (folder / name / "package.json").is_file():
                found.append(_program(service, folder / name))
                break
    return tuple(_apart(found))


def _program(service: str, folder: Path) -> Program:
    package = _package(folder / "package.json")
    needs = {**_table(package, "dependencies"), **_table(package, "devDependencies")}
    framework = "Next.js" if "next" in needs else "NestJS" if "@nestjs/core" in needs else ""
    scripts = [
        str(text) for key, text in _table(package, "scripts").items() if key.startswith(("start", "dev", "serve"))
    ]
    main = _contents(folder / "src" / "main.ts")
    ports = [match[1] for text in scripts if (match := _FLAG.search(text))]
    ports += [match[1] for match in [_LISTEN.search(main)] if match]
    # A program that reads PORT listens wherever it is told to.
    reads_port = "process.env.PORT" in main
    port = next((int(one) for one in ports if 0 < int(one) < 65536), PORTS[service])
    remark = ""
    prefix = _PREFIX.search(main)
    if service == "backend" and main and (prefix is None or prefix[1] != "api"):
        remark = 'without the global prefix "api", which the /api paths and the health check need'
    if framework == "Next.js" and (routes := _hidden(folder)):
        remark = f"whose routes in {routes} get no requests: /api goes to the backend"
    return Program(service, folder.name, framework, PORTS[service] if reads_port else port, _manager(folder), remark)


def _manager(folder: Path) -> str:
    """The package manager by its lock file, in the folder or at the root (workspaces), or why `deploy` will refuse."""
    for known in (LOCK_FILES, UNSUPPORTED):
        for place in (folder, folder.parent):
            for file, manager in known.items():
                if (place / file).is_file():
                    return manager if known is LOCK_FILES else f"{file}: {unsupported(manager)}"
    return ""


def _hidden(folder: Path) -> str:
    """The folder of a Next.js frontend's own routes under /api, which the load balancer sends to the backend."""
    for place in ("app/api", "src/app/api", "pages/api", "src/pages/api"):
        if (folder / place).is_dir():
            return f"{folder.name}/{place}"
    return ""


def _apart(found: list[Program]) -> list[Program]:
    """Two services cannot share a port; the second keeps the documented one."""
    if len({one.port for one in found}) == len(found):
        return found
    taken = found[0].port
    port = PORTS["backend"] if taken != PORTS["backend"] else PORTS["backend"] + 1
    remark = f"which uses port {taken}, as {found[0].folder} does: make it read PORT"
    return [found[0], dataclasses.replace(found[1], port=port, remark=remark)]


def config_text(answers: ProjectAnswers) -> str:
    """Return the text of config.toml; other settings are comments."""
    price = (
        "" if answers.platform == "supported" else "; AWS bills Extended Support for MySQL 8.0: $175 to $350 a month"
    )
    other = "documented" if answers.platform == "supported" else "supported"
    lines = [
        "# Settings of awsdeploy. Everything that is not here has its default value:",
        "#   awsdeploy config show --origin",
        "",
        f"name = {_text(answers.name)}",
        f"environment = {_text(answers.environment)}    # awsdeploy -e dev … creates another stack from this file",
    ]
    if answers.preset is not None:
        lines.append(f"preset = {_text(answers.preset)}    # sizes: dev or prod")
    if answers.domain:
        lines.append(
            f"domain = {_text(answers.domain)}    # needs a hosted zone in the account, create_zone = true, or [dns] "
            "mode"
        )
    else:
        lines.append('# domain = "example.com"    # without one: no DNS record, no TLS')
    lines += [
        f"platform = {_text(answers.platform)}    # or {_text(other)}{price}",
        f"timezone = {_text(answers.timezone)}    # for displayed times",
        f"region = {_text(answers.region)}" if answers.region else '# region = "ap-northeast-2"',
        "",
        "# [network]",
        '# ssh_from = ["203.0.113.7/32"]    # opens port 22; Session Manager needs no port',
        "# nat = false                      # saves about $47 a month; on in prod",
    ]
    if answers.programs:
        lines += _services(answers.programs)
    lines += [
        "",
        "# [database]",
        '# instance_class = "db.t3.small"',
        "# storage_gb = 20",
        "# backup_days = 7",
    ]
    return "\n".join(lines) + "\n"


def _services(found: tuple[Program, ...]) -> list[str]:
    """Both documented services: one whose folder is elsewhere is still deployed."""
    seen = {program.service: program for program in found}
    lines = []
    for service, port in PORTS.items():
        program = seen.get(service)
        lines += ["", f"[services.{service}]"]
        said = (
            f"{program.folder}/: {program.described}"
            if program
            else f"no {' or '.join(FOLDERS[service])} folder found here"
        )
        lines += [f"# {said}", f"port = {program.port if program else _free(port, found)}"]
        if program and program.folder != FOLDERS[service][0]:
            lines.append(f"directory = {_text(program.folder)}")
    return lines


def _free(port: int, found: tuple[Program, ...]) -> int:
    return port if all(program.port != port for program in found) else port + 1


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _contents(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST)
    except OSError:
        return ""


def _package(path: Path) -> dict[str, object]:
    try:
        package = json.loads(_contents(path))
    except (ValueError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def _table(package: dict[str, object], key: str) -> dict[str, object]:
    table = package.get(key)
    return table if isinstance(table, dict) else {}
