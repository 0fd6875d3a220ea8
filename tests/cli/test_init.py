"""`init` asks little, sees the rest, and never writes a config that would be refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from awsdeploy.cli import awsdeploy
from awsdeploy.cli.project import findings, folder_name
from awsdeploy.config import ENVIRONMENT, Settings, load
from awsdeploy.config.project import LOCK_FILES
from awsdeploy.release.packages import manager_of
from awsdeploy.release.source import committed
from tests.release.repository import commit, git
from tests.terminal import talk

ALL = ("init", "--yes", "--platform", "supported")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TZ", "Asia/Seoul")
    folder = tmp_path / "My Shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(awsdeploy, list(words))


def written() -> Settings:
    return load(Path("config.toml"))


def program(folder: Path, package: object, main: str = "", lock: str = "") -> None:
    (folder / "src").mkdir(parents=True)
    (folder / "package.json").write_text(package if isinstance(package, str) else json.dumps(package))
    if main:
        (folder / "src" / "main.ts").write_text(main)
    if lock:
        (folder / lock).touch()


NEXT = {"dependencies": {"next": "14.0.0"}, "scripts": {"dev": "next dev", "start": "next start -p 3100"}}
NEST = {"dependencies": {"@nestjs/core": "10.0.0"}, "scripts": {"start:prod": "node dist/main"}}
MAIN = "const app = await NestFactory.create(AppModule);\napp.setGlobalPrefix('api');\nawait app.listen({});\n"


def test_every_default_is_taken_without_a_question() -> None:
    result = run(*ALL)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Wrote config.toml." in result.stderr
    settings = written()
    assert (settings.name, settings.environment, settings.domain) == ("my-shop", "prod", None)
    assert (settings.platform, settings.timezone, settings.region) == ("supported", "Asia/Seoul", "ap-northeast-2")
    assert list(settings.services) == ["frontend", "backend"]


def test_every_answer_is_also_a_flag() -> None:
    flags = "--name store --domain Example.com --env staging --preset dev --platform documented --timezone UTC"
    assert run("init", *flags.split(), "--region", "us-east-1").exit_code == 0
    settings = written()
    assert (str(settings.stack), settings.preset, settings.platform) == ("store-staging", "dev", "documented")
    assert (settings.domain, settings.region, settings.timezone) == ("example.com", "us-east-1", "UTC")
    assert "Extended Support" in Path("config.toml").read_text()


def test_without_a_terminal_the_platform_must_be_named() -> None:
    for words in (["init"], ["init", "--yes"]):
        result = run(*words)
        assert result.exit_code == 64
        assert "--platform" in result.stderr
        assert not Path("config.toml").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--name", "Shop"], "Error: name: expected 1–32 lowercase letters"),
        (["--domain", "localhost"], "Error: domain: "),
        (["--env", "staging"], "Error: preset: missing"),
        (["--region", "seoul"], "Error: region: "),
        (["--timezone", "Seoul"], 'did you mean "Asia/Seoul"?'),
        (["--name", 'a"\nb = 1'], "Error: name: "),
    ],
)
def test_a_flag_that_would_be_refused_later_is_refused_now(flags: list[str], says: str) -> None:
    result = run(*ALL, *flags)
    assert result.exit_code == 64
    assert says in result.stderr
    assert "Nothing was written" in result.stderr
    assert not Path("config.toml").exists()


def test_an_existing_file_is_kept_unless_forced() -> None:
    Path("config.toml").write_text("mine")
    result = run(*ALL)
    assert result.exit_code == 5
    assert "--force" in result.stderr
    assert Path("config.toml").read_text() == "mine"
    assert run(*ALL, "--force").exit_code == 0
    assert written().name == "my-shop"


def test_another_place_is_written_and_named_in_what_comes_next() -> None:
    result = run(*ALL, "--config", "deploy.toml")
    assert "--config deploy.toml" in result.stderr
    assert load(Path("deploy.toml")).name == "my-shop"


@pytest.mark.parametrize("path", ["missing/config.toml", "."])
def test_a_place_that_cannot_be_written_is_refused(path: str) -> None:
    result = run(*ALL, "--force", "--config", path)
    assert result.exit_code == 64
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, ".awsdeploy/\n"),
        ("node_modules", "node_modules\n.awsdeploy/\n"),
        ("node_modules/\n", "node_modules/\n.awsdeploy/\n"),
        ("/.awsdeploy\n", "/.awsdeploy\n"),
        (".awsdeploy/\n", ".awsdeploy/\n"),
    ],
)
def test_git_is_told_to_ignore_our_state_once(before: str | None, after: str) -> None:
    if before is not None:
        Path(".gitignore").write_text(before)
    run(*ALL)
    run(*ALL, "--force")
    assert Path(".gitignore").read_text() == after


def test_the_programs_in_the_folder_are_recognised(project: Path) -> None:
    program(project / "front", NEXT, lock="yarn.lock")
    program(project / "back", NEST, MAIN.format(8081), lock="package-lock.json")
    result = run(*ALL)
    assert "Found front/: Next.js, port 3100, yarn." in result.stderr
    assert "Found back/: NestJS, port 8081, npm." in result.stderr
    services = written().services
    assert (services["frontend"].port, services["backend"].port) == (3100, 8081)
    assert services["backend"].paths == ("/api", "/api/*")


@pytest.mark.parametrize("place", [".", "back"])
@pytest.mark.parametrize("lock", LOCK_FILES)
def test_init_and_deploy_agree_on_the_package_manager(project: Path, lock: str, place: str) -> None:
    program(project / "back", NEST)
    (project / place / lock).touch()
    said = run(*ALL).stderr
    git(project, "init", "-q")
    commit(project, {})
    assert f"NestJS, port 9999, {manager_of(committed(project, 'HEAD'), 'back').name}." in said


def test_of_several_lock_files_the_one_that_was_committed_last_counts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(project / "back", NEST)
    git(project, "init", "-q")
    for year, lock in ((2030, "yarn.lock"), (2031, "package-lock.json")):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-01-01T00:00:00Z")
        commit(project, {f"back/{lock}": ""})
    os.utime(project / "back/package-lock.json", (0, 0))  # as a clone may have it
    assert "package-lock.json counts (it is the newest)" in run(*ALL).stderr
    assert manager_of(committed(project, "HEAD"), "back").lock == "back/package-lock.json"


@pytest.mark.parametrize(
    ("package", "main", "port"),
    [
        (NEST, MAIN.format("9000"), 9000),
        (NEST, MAIN.format("'9000'"), 9000),
        (NEST, MAIN.format("process.env.PORT ?? 3000"), 9999),
        (NEST, MAIN.format("process.env.PORT || 3000"), 9999),
        (NEST, MAIN.format("port"), 9999),
        (NEST, MAIN.format("99999"), 9999),
        ({"scripts": {"start": "PORT=4000 node server.js"}}, "", 4000),
        ({"scripts": {"start": "serve --port 4100"}}, "", 4100),
        ({"scripts": {"start": "serve --port=4100"}}, "", 4100),
        ({"scripts": "none"}, "", 9999),
        ([], "", 9999),
        ("{ not json", "", 9999),
        ("[" * 20_000, "", 9999),
    ],
)
def test_ports_are_found_where_projects_say_them(project: Path, package: object, main: str, port: int) -> None:
    program(project / "backend", package, main)
    assert [one.port for one in findings(project).programs] == [port]
    assert run(*ALL).exit_code == 0
    assert written().services["backend"].port == port


def test_two_programs_may_listen_on_one_port(project: Path) -> None:
    program(project / "frontend", {"dependencies": {"next": "14"}})
    program(project / "backend", NEST, MAIN.format(3000))
    assert run(*ALL).exit_code == 0
    assert [one.port for one in written().services.values()] == [3000, 3000]


def test_a_service_without_a_program_is_not_in_the_file(project: Path) -> None:
    program(project / "front", {"scripts": {"start": "next start -p 9999"}})
    assert run(*ALL).exit_code == 0
    services = written().services
    assert [(one.name, one.port, one.paths) for one in services.values()] == [("frontend", 9999, ("/*",))]


def test_a_backend_alone_gets_every_request(project: Path) -> None:
    program(project / "server", NEST, MAIN.format(8081))
    assert run(*ALL).exit_code == 0
    (only,) = written().services.values()
    assert (only.name, only.directory, only.port, only.paths) == ("backend", "server", 8081, ("/*",))


def test_a_folder_of_another_name_is_written_down(project: Path) -> None:
    program(project / "frontend", NEXT)
    program(project / "back", NEST)
    assert run(*ALL).exit_code == 0
    services = written().services
    assert (services["frontend"].directory, services["backend"].directory) == ("frontend", "back")


@pytest.mark.parametrize("place", ["app/api", "src/app/api", "pages/api", "src/pages/api"])
def test_routes_that_are_never_reached_are_pointed_out(project: Path, place: str) -> None:
    program(project / "front", NEXT)
    program(project / "back", NEST)
    (project / "front" / place / "session").mkdir(parents=True)
    (project / "front" / place / "session" / "route.ts").touch()
    assert f"get no requests, because /api goes to the backend: front/{place}." in run(*ALL).stderr
    shutil.rmtree(project / "back")
    assert "get no requests" not in run(*ALL, "--force").stderr


def test_a_missing_api_prefix_is_removed_by_the_load_balancer(project: Path) -> None:
    program(project / "back", NEST, "app.listen(9999)")
    assert "prefix" not in run(*ALL).stderr
    assert not written().services["backend"].strip_prefix
    program(project / "front", NEXT)
    assert "no global prefix: the load balancer removes /api" in run(*ALL, "--force").stderr
    assert written().services["backend"].strip_prefix


def test_folders_are_relative_to_the_top_of_the_repository(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(project, "init", "-q")
    program(project / "apps" / "web", NEXT)
    program(project / "apps" / "api", NEST, MAIN.format(8081))
    (project / "infra").mkdir()
    monkeypatch.chdir(project / "infra")
    assert run(*ALL).exit_code == 0
    assert [one.directory for one in written().services.values()] == ["apps/web", "apps/api"]


def test_what_was_found_and_what_was_not_is_said_and_written(project: Path) -> None:
    program(project / "client", NEXT, lock="yarn.lock")
    needs = {"@nestjs/core": "11", "prisma": "6"}
    scripts = {"start:prod": "node dist/main", "migrate:deploy": "prisma migrate deploy"}
    program(project / "server", {"dependencies": needs, "scripts": scripts}, MAIN.format(8081).replace("api", "v1"))
    (project / "server" / ".nvmrc").write_text("v22.1.0\n")
    said = run(*ALL).stderr
    assert "  Node.js 22.1.0 (server/.nvmrc), Prisma, migrations by npm run migrate:deploy\n" in said
    assert '  Note: no health route: with health = "tcp" any answer below 500 means healthy.\n' in said
    assert "  Not found: a lock file: commit one, because `deploy` installs by it: cd server && npm install && " in said
    backend = written().services["backend"]
    assert (backend.paths, backend.migrate) == (("/v1", "/v1/*"), "npm run migrate:deploy")
    assert (backend.health, backend.node) == ("tcp", "22")
    assert written().services["frontend"].node == ""
    assert "# Note: no health route" in Path("config.toml").read_text()


def test_names_that_the_source_reads_are_given_the_values(project: Path) -> None:
    program(project / "front", {**NEXT, "dependencies": {"next": "16", "mysql2": "3"}})
    (project / "front" / "src" / "db.ts").write_text("process.env.MYSQL_HOST; process.env.NEXT_PUBLIC_SITE_URL")
    program(project / "back", NEST, MAIN.format(9999))
    (project / "back" / "src" / "db.ts").write_text("username: config.get('DB_USERNAME'), port: process.env.DB_PORT")
    (project / "back" / ".env.example").write_text("DATABASE_HOST=localhost\nAWS_BUCKET_NAME=\nSTRIPE_KEY=\n")
    said = run(*ALL).stderr
    assert "in [services.backend.variables]: AWS_BUCKET_NAME, DATABASE_HOST, DB_USERNAME\n" in said
    services = written().services
    assert services["frontend"].variables == {"NEXT_PUBLIC_SITE_URL": "{NEXT_PUBLIC_BASE_URL}"}
    assert services["backend"].variables == {
        "AWS_BUCKET_NAME": "{S3_BUCKET}",
        "DATABASE_HOST": "{DB_HOST}",
        "DB_USERNAME": "{DB_USER}",
    }


def test_a_program_for_another_database_gets_no_names_of_ours(project: Path) -> None:
    program(project / "back", {**NEST, "dependencies": {"@nestjs/core": "10.0.0", "pg": "8"}}, MAIN.format(9999))
    (project / "back" / "src" / "db.ts").write_text("process.env.DATABASE_HOST")
    assert run(*ALL).exit_code == 0
    assert written().services["backend"].variables == {}


@pytest.mark.parametrize(
    ("folder", "name"),
    [("My Shop", "my-shop"), ("shop_2", "shop-2"), ("2024-shop", "shop"), ("aws-thing", "app"), ("쇼핑", "app")],
)
def test_the_folder_gives_the_name(folder: str, name: str) -> None:
    assert folder_name(Path("/somewhere") / folder) == name
    assert len(folder_name(Path("/somewhere") / ("x" * 31 + "-y"))) <= 32


def test_questions_are_asked_on_a_terminal_until_the_answers_are_right(project: Path) -> None:
    conversation = [
        ("Name of the project", "shop"),
        ("Environment", "a b"),
        ("Environment", "stage"),
        ("Sizes", ""),
        ("Domain", "https://foo.com/"),
        ("Domain", "foo.com"),
        ("Versions [", "suported"),
        ("Versions [", ""),
        ("Time zone", ""),
    ]
    said, code = talk(["init"], conversation)
    assert code == 0, said
    for part in ('for example "ab"', 'write only the name: "foo.com"', 'did you mean "supported"?', "+$175/month"):
        assert part in said
    settings = load(project / "config.toml")
    assert (str(settings.stack), settings.preset, settings.domain) == ("shop-stage", "dev", "foo.com")
    assert (settings.platform, settings.timezone) == ("supported", "Asia/Seoul")


def test_leaving_in_the_middle_writes_nothing(project: Path) -> None:
    said, code = talk(["init"], [("Name of the project", "\x03")], end="")
    assert code == 130, said
    assert "Stopped." in said
    assert list(project.iterdir()) == []
