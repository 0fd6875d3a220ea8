"""Databases, caches and brokers that the stack does not have, before a release and before the first `up`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from awsdeploy.aws.session import AwsSession
from awsdeploy.config import Settings, from_mapping
from awsdeploy.errors import next_command
from awsdeploy.preflight.backing_services import backing_services as before_up
from awsdeploy.preflight.finding import Question
from awsdeploy.release import backing_services
from awsdeploy.release.environment import Listing, Variable
from awsdeploy.release.source import Source, committed
from tests.release.repository import commit, package, placed, repository

NOT_ASKED = cast(Listing, None)


def settings(**variables: str) -> Settings:
    services = {"frontend": {}, "backend": {"variables": variables}}
    base = {"name": "shop", "environment": "dev", "platform": "supported", "services": services}
    return from_mapping(base, source="", environ={})


def source(tmp_path: Path, dependencies: dict[str, str], **files: str) -> Source:
    repository(tmp_path)
    commit(tmp_path, {**placed("back", package(dependencies=dependencies)), **placed("back", dict(files))})
    return committed(tmp_path, "HEAD")


def notes(code: Source, *known: tuple[str, str, bool], **variables: str) -> list[str]:
    stored = [SimpleNamespace(folder=folder, name=name, theirs=theirs) for folder, name, theirs in known]
    return backing_services.notes(lambda: cast(list[Variable], stored), code, settings(**variables).services.values())


def test_each_is_named_with_the_package_and_the_variable_to_set(tmp_path: Path) -> None:
    code = source(tmp_path, {"pg": "8", "ioredis": "5", "better-sqlite3": "11"})
    postgres, sqlite, redis = notes(code)
    command = next_command("env", "set", "backend", "DATABASE_URL=postgresql://…")
    assert postgres == (
        "backend: back/package.json has pg, but the stack's database is MySQL. "
        f"To use one elsewhere, set the variable that the program reads: {command}"
    )
    assert sqlite.endswith("MySQL. Its file is lost with each release: use MySQL")
    assert "the stack has no Redis" in redis
    assert "REDIS_URL=redis://…" in redis


@pytest.mark.parametrize(
    ("dependency", "variable"),
    [
        ("pg", "DATABASE_URL"),
        ("pg", "PGHOST"),
        ("pg", "DB_HOST"),
        ("mongoose", "MONGO_URI"),
        ("mongoose", "DATABASE_URI"),
        ("mssql", "MSSQL_SERVER"),
        ("@nestjs/bull", "QUEUE_HOST"),
        ("redis", "CACHE_REDIS_URL"),
        ("kafkajs", "KAFKA_BROKER"),
        ("amqplib", "CLOUDAMQP_URL"),
    ],
)
def test_a_variable_of_the_owner_silences_it(tmp_path: Path, dependency: str, variable: str) -> None:
    code = source(tmp_path, {dependency: "1"})
    assert len(notes(code, ("backend", "JWT_SECRET", True), ("frontend", variable, True))) == 1
    assert len(notes(code, ("backend", variable, False))) == 1
    assert notes(code, ("backend", variable, True)) == []


@pytest.mark.parametrize(
    ("name", "text", "silent"),
    [
        (".env", "REDIS_URL=redis://localhost:6379", False),
        (".env.production", "REDIS_HOST=redis\nREDIS_PORT=6379", False),
        (".env.production", "REDIS_URL=rediss://:x@cache.example.com:6380", True),
        (".env.production", "REDIS_HOST=10.0.3.4", True),
        (".env.production", "API=https://api.example.com", False),
        ("ecosystem.config.js", "env: {\n  REDIS_URL: 'redis://cache.example.com',\n}", True),
    ],
)
def test_a_committed_address_elsewhere_silences_it_and_a_local_one_does_not(
    tmp_path: Path, name: str, text: str, silent: bool
) -> None:
    code = source(tmp_path, {"bullmq": "5"}, **{name: text})
    assert len(notes(code)) == (not silent)


@pytest.mark.parametrize(
    ("template", "silent"),
    [
        ("{DATABASE_URL}", False),
        ("mysql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/shop", False),
        ("postgresql://shop:{PG_SECRET}@{PG_SERVER}/shop", True),
        ("postgresql://db.example.com/shop", True),
    ],
)
def test_a_template_in_config_toml_counts_if_it_leads_elsewhere(tmp_path: Path, template: str, silent: bool) -> None:
    code = source(tmp_path, {"pg": "8"})
    assert len(notes(code, POSTGRES_URL=template)) == (not silent)


def test_a_package_of_the_workspace_counts_and_mysql_is_asked_nothing(tmp_path: Path) -> None:
    repository(tmp_path)
    commit(
        tmp_path,
        {
            "package.json": '{"workspaces": ["back", "packages/*"]}',
            "back/package.json": '{"name": "back", "dependencies": {"@shop/db": "*", "mysql2": "3"}}',
            "packages/db/package.json": '{"name": "@shop/db", "dependencies": {"pg": "8", "redis": "5"}}',
        },
    )
    (said,) = notes(committed(tmp_path, "HEAD"))
    assert said.startswith("backend: packages/db/package.json has redis, but the stack has no Redis.")


def test_without_a_need_or_a_permission_nothing_is_said(tmp_path: Path) -> None:
    services = settings().services.values()
    assert backing_services.notes(lambda: None, source(tmp_path, {"redis": "5"}), services) == []

    commit(tmp_path, placed("back", package(dependencies={"mysql2": "3"})))
    assert backing_services.notes(NOT_ASKED, committed(tmp_path, "HEAD"), services) == []


def test_the_first_up_says_it_before_it_spends(tmp_path: Path) -> None:
    source(tmp_path, {"kafkajs": "2"})
    (found,) = before_up(Question(settings(), AwsSession(), folder=tmp_path))
    assert (found.what, found.fatal) == ("Kafka of backend", False)
    assert found.seen == "back/package.json has kafkajs, but the stack has no Kafka"
    assert list(before_up(Question(settings(KAFKA_BROKERS="k1.example.com:9092"), AwsSession(), folder=tmp_path))) == []
    assert list(before_up(Question(settings(), AwsSession(), folder=None))) == []
