"""Recognition of programs in odd repositories: true, quick, inside the folder, and always with a valid config.toml."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.cli.project import ProjectAnswers, config_text, findings, found_lines
from awsdeploy.config.project import Findings, Program
from awsdeploy.config.project.tree import LARGEST, MOST_FILES

NEST: dict[str, Any] = {"dependencies": {"@nestjs/core": "11"}, "scripts": {"start": "nest start"}}
NEXT: dict[str, Any] = {"dependencies": {"next": "16"}, "scripts": {"start": "next start"}}
MAIN = "app.setGlobalPrefix('api'); app.listen(process.env.PORT ?? 3000)"
CONTROLLER = "@Controller('health') export class Health { @Get() check() {} }"
BOM = "\ufeff"

Files = dict[str, Any]


def nest(main: str = MAIN, **package: Any) -> Files:
    return {
        "back/package.json": {**NEST, **package},
        "back/package-lock.json": "{}",
        "back/src/main.ts": main,
        "back/src/health.ts": CONTROLLER,
    }


def front(config: str) -> Files:
    return {"front/package.json": NEXT, "front/next.config.ts": config}


def written(folder: Path, files: Files) -> Path:
    for path, one in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        body = one if isinstance(one, bytes) else (one if isinstance(one, str) else json.dumps(one)).encode()
        (folder / path).write_bytes(body)
    return folder


def seen(folder: Path) -> Findings:
    """Programs of a folder, found in a moment, and good for a config.toml and a terminal."""
    began = time.monotonic()
    found = findings(folder)
    assert time.monotonic() - began < 10
    for line in found_lines(found):
        assert line.isprintable(), line
    answers = ProjectAnswers("shop", "prod", "supported", "UTC", programs=found.programs)
    settings = answers.check(config_text(answers))
    assert {one.service for one in found.programs} <= set(settings.services)
    return found


def program(folder: Path, files: Files) -> Program:
    return seen(written(folder, files)).programs[-1]


def repeated(text: str) -> str:
    return (text * (LARGEST // len(text) + 1))[:LARGEST]


PRISMA = {"@nestjs/core": "11", "prisma": "6"}
ODD: dict[str, Files] = {
    "a prefix of two lines": nest("app.setGlobalPrefix(`api\nname = 1`)"),
    "a default prefix of two lines": nest("app.setGlobalPrefix(process.env.P ?? `api\nname = 1`)"),
    "a prefix with a parameter": nest("app.setGlobalPrefix(':tenant/api')"),
    "a prefix of everything": nest("app.setGlobalPrefix('*')"),
    "a prefix that is no path": nest("app.setGlobalPrefix('한글 x')"),
    "routes with patterns": {**nest(), "back/src/a.ts": "@Controller('health*') class A { @Get('a b') b() {} }"},
    "a Node.js version of two lines": nest(engines={"node": ">=18\n[services.evil]\nport = 1"}),
    "a Node.js version with colours": nest(engines={"node": "\x1b[31m18"}),
    "a base path of two lines": front("export default { basePath: '/a\nname = 1' }"),
    "a base path of everything": front("export default { basePath: '/*' }"),
    "no JSON": {"front/package.json": '{"name"', **nest()},
    "JSON without an object": {"front/package.json": [1], "back/package.json": "null"},
    "JSON without end": {"front/package.json": repeated("["), "back/package.json": repeated('{"a":')},
    "fields of other kinds": nest(scripts={"start": 5, "migrate": ["x"]}, engines=[], volta=1, packageManager={}),
    "no text": {**nest(), "back/src/a.ts": b"\xff\xfe@Controller(\x80", "back/.nvmrc": b"\xff\xfe1\x008\x00"},
    "many prefixes": nest(repeated(".setGlobalPrefix('a', { exclude: ")),
    "many routes": {**nest(), "back/src/a.ts": "@Controller('x')" + repeated("@Get(a)")},
    "many routes and constants": {**nest(), "back/src/a.ts": "@Controller('x')" + repeated("@Get(a) const ")},
    "many constants": nest("app.listen(port);" + repeated("const port:")),
    "a constant far away": nest("app.listen(port);const port:" + repeated(" ")),
    "empty lines": {**nest(dependencies=PRISMA), "back/prisma/schema.prisma": repeated("\n")},
    "many providers": {**nest(dependencies=PRISMA), "back/prisma/schema.prisma": repeated("provider = \n")},
    "many sources": {**nest(""), **{f"back/src/{number}.ts": "const a = 'b' // c\n" * 500 for number in range(1500)}},
    "many packages": {f"p{number}/package.json": NEST for number in range(1000)},
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_repository_gives_a_valid_file_in_a_moment(tmp_path: Path, case: str) -> None:
    seen(written(tmp_path, ODD[case]))


def test_names_that_cannot_be_printed_are_left_out(tmp_path: Path) -> None:
    for name in (b"b\xff", b"b\x1b[31m", b"b\nok"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        try:
            os.mkdir(folder)
        except OSError:
            continue  # macOS: names are UTF-8
        Path(os.fsdecode(folder), "package.json").write_text(json.dumps(NEST))
        Path(os.fsdecode(folder), "nest-cli.json").write_text("{}")
    assert seen(tmp_path) == Findings(())


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    files = {path: BOM + (one if isinstance(one, str) else json.dumps(one)) for path, one in nest().items()}
    found = program(tmp_path, {**files, "back/.nvmrc": f"{BOM}22\r\n"})
    assert (found.framework, found.health, found.node) == ("NestJS", "/api/health", "22")


def test_json_that_is_not_valid_is_said(tmp_path: Path) -> None:
    found = seen(written(tmp_path, {"front/package.json": "{", **nest()})).programs[0]
    assert found.missing[0] == "what front/package.json says: it is not a JSON object"


def test_a_program_without_a_known_framework_is_said(tmp_path: Path) -> None:
    files = {"front/package.json": {"dependencies": {"vite": "7"}}, **nest()}
    assert "has neither" in seen(written(tmp_path, files)).programs[0].missing[0]


@pytest.mark.parametrize(
    ("listen", "port", "missing"),
    [
        ("process.env.PORT ?? 3000", 9999, ""),
        ("+process.env.PORT!", 9999, ""),
        ("process.env.NODE_ENV === 'production' ? process.env.PORT : 3000", 9999, ""),
        ("{ port: Number(process.env.API_PORT ?? 8080), host: '0.0.0.0' }", 8080, ""),
        ("Number(port)", 4001, ""),
        ("port as number", 4001, ""),
        ("3000 + offset", 9999, "comes from an expression"),
        ("isProduction ? 80 : 3000", 9999, "comes from an expression"),
        ("0", 9999, 'is "0"'),
        ("'/run/app.sock'", 9999, 'is "/run/app.sock"'),
    ],
)
def test_a_port_is_read_or_said_to_be_unknown(tmp_path: Path, listen: str, port: int, missing: str) -> None:
    main = "const offset = 5; const port = 4001; const isProduction = process.env.NODE_ENV === 'production';\n"
    found = program(tmp_path, nest(f"{main}app.setGlobalPrefix('api'); app.listen({listen});"))
    assert found.port == port
    assert missing in " ".join(found.missing)
    assert any("its port" in one for one in found.missing) == bool(missing)


@pytest.mark.parametrize(
    ("call", "health"),
    [
        ("enableVersioning()", "/api/health"),
        ("enableVersioning({ defaultVersion: '1' })", "/api/v1/health"),
        ("enableVersioning({ type: VersioningType.URI, defaultVersion: process.env.API_VERSION })", "tcp"),
        ("enableVersioning({ type: VersioningType.HEADER, header: 'v' })", "/api/health"),
    ],
)
def test_versions_in_urls_are_the_default(tmp_path: Path, call: str, health: str) -> None:
    found = program(tmp_path, nest(f"app.setGlobalPrefix('api'); app.{call}; app.listen(process.env.PORT)"))
    assert found.health == health


def test_a_path_in_a_migration_command_is_quoted(tmp_path: Path) -> None:
    package = {"@nestjs/core": "11", "typeorm": "0.3", "mysql2": "3"}
    found = program(tmp_path, {**nest(dependencies=package), "back/src/my data/$(x)/data-source.ts": ""})
    assert found.migrate == "npx typeorm migration:run -d 'dist/my data/$(x)/data-source.js'"


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "back/src/main.ts")


def outside(folder: Path) -> None:
    (folder.parent / "outside.ts").write_text("app.setGlobalPrefix('outside'); app.listen(1234)")
    (folder / "back/src/main.ts").symlink_to("../../../outside.ts")


def device(folder: Path) -> None:
    (folder / "back/src/main.ts").symlink_to("/dev/zero")


def itself(folder: Path) -> None:
    (folder / "back/src/main.ts").symlink_to("main.ts")
    (folder / "back/up").symlink_to("..")


@pytest.mark.parametrize("make", [pipe, outside, device, itself])
def test_only_files_of_the_folder_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    files = nest()
    del files["back/src/main.ts"]
    folder = written(tmp_path / "shop", files)
    make(folder)
    (found,) = seen(folder).programs
    assert (found.port, found.health) == (9999, "/health")


def test_a_link_inside_the_folder_is_read(tmp_path: Path) -> None:
    written(tmp_path, {**nest(), "shared/main.ts": MAIN})
    (tmp_path / "back/src/main.ts").unlink()
    (tmp_path / "back/src/main.ts").symlink_to("../../shared/main.ts")
    assert seen(tmp_path).programs[0].health == "/api/health"


def test_pictures_do_not_hide_programs(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    for number in range(MOST_FILES + 1):
        (tmp_path / f"assets/{number}.png").touch()
    assert seen(written(tmp_path, nest())).programs


def test_a_repository_that_is_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("awsdeploy.config.project.tree.MOST_FILES", 2)
    assert "too large" in seen(written(tmp_path, nest())).others[-1]
