"""Detection of a project from its folder, and the config.toml that describes it.

Reads small files and the history of git, and never runs anything of the repository. Knows no terminal.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.config import Settings, from_mapping
from awsdeploy.config.project import FOLDERS, Findings, Program, find, on_disk, top
from awsdeploy.config.rules import FORBIDDEN_STARTS
from awsdeploy.errors import ConfigInvalid, next_command
from awsdeploy.release import git


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


def findings(folder: Path) -> Findings:
    """Programs in a folder, or else in the repository around it. Paths are relative to its top, as in the settings."""
    folder = folder.resolve()
    root = top(folder)
    tree = on_disk(root)

    def modified(path: str) -> float:
        """Time of the last commit, as `deploy` reads it: in a fresh clone files have the time of the clone."""
        return git.committed_at(path, "HEAD", root) or tree.modified(path)

    return find(dataclasses.replace(tree, modified=modified), folder.relative_to(root).as_posix())


def found_lines(found: Findings) -> Iterator[str]:
    """Each program with its facts, and what its source does not say."""
    if not found.programs:
        yield "Found no Next.js or NestJS program: the services have the documented folders, front and back."
    for program in found.programs:
        yield f"Found {program.folder}/: {program.described}."
        yield from (f"  {one}" for one in [program.details] if one)
        if program.variables:
            names = ", ".join(program.variables)
            yield f"  Variables under other names, in [services.{program.service}.variables]: {names}"
        yield from (f"  Note: {one}." for one in program.remarks)
        yield from (f"  Not found: {one}." for one in program.missing)
    yield from (f"Note: {one}" for one in found.others)


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
    """The services with a program. A service without one would have machines for nothing."""
    lines = []
    for program in found:
        service = program.service
        lines += ["", f"[services.{service}]", f"# {program.folder}/: {program.described}"]
        lines += [f"# {program.details}"] if program.details else []
        lines += [f"# Note: {one}" for one in program.remarks]
        lines += [f"# Not found: {one}" for one in program.missing]
        lines.append(f"port = {program.port}")
        if program.folder != FOLDERS[service][0]:
            lines.append(f"directory = {_text(program.folder)}")
        if program.paths:
            lines.append(f"paths = [{', '.join(map(_text, program.paths))}]")
        if program.strip_prefix:
            lines.append("strip_prefix = true    # the program gets /users for /api/users")
        if program.health:
            lines.append(f"health = {_text(program.health)}")
        if program.node_major:
            lines.append(f"node = {_text(program.node_major)}")
        if program.migrate:
            lines.append(f"migrate = {_text(program.migrate)}    # runs once in each release, before the switch")
        if program.variables:
            lines += ["", f"[services.{service}.variables]    # names in the source = values that awsdeploy provides"]
            lines += [f"{name} = {_text(template)}" for name, template in program.variables.items()]
    return lines


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _contents(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
