"""Databases, caches and brokers that a program connects to and that a stack does not have. Reads text only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.config.project.javascript import without_comments
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined, table
from awsdeploy.config.project.usual_names import OWN, database_name
from awsdeploy.config.project.workspace import workspace_of
from awsdeploy.config.templates import used

MYSQL = ("mysql2", "mysql", "mariadb", "@mikro-orm/mysql", "@mikro-orm/mariadb", "@prisma/adapter-mariadb")
"""Packages that connect to the stack's database."""
VALUES = (".env", ".env.production", "ecosystem.config.js", "ecosystem.config.cjs")
"""Files of a program's folder that set variables."""


@dataclass(frozen=True)
class BackingService:
    """A database, cache or broker that no stack has.

    `packages` connect to it, `provider` is its name in a Prisma schema, and `words` are in the names of its variables.
    `address` is such a variable. `is_sql`: it is used in place of MySQL, so not by a program that has MySQL.
    """

    name: str
    packages: tuple[str, ...]
    words: str
    address: str = ""
    provider: str = ""
    is_sql: bool = False

    @property
    def is_database(self) -> bool:
        return self.is_sql or bool(self.provider)

    @property
    def absence(self) -> str:
        return "the stack's database is MySQL" if self.is_database else f"the stack has no {self.name}"

    def is_named(self, variable: str) -> bool:
        """Check whether a variable's name says that its value is about this service."""
        general = self.is_database and database_name(variable) in ("DB_HOST", "DATABASE_URL")
        return general or re.search(self.words, variable.upper()) is not None


BACKING_SERVICES = (
    BackingService(
        "PostgreSQL",
        ("pg", "postgres", "pg-promise", "@mikro-orm/postgresql", "@prisma/adapter-pg", "@neondatabase/serverless"),
        "(^|_)PG|POSTGRES",
        "DATABASE_URL=postgresql://…",
        "postgresql",
        is_sql=True,
    ),
    BackingService(
        "SQL Server",
        ("mssql", "tedious", "@mikro-orm/mssql", "@prisma/adapter-mssql"),
        "MSSQL|SQL_?SERVER",
        "DATABASE_URL=sqlserver://…",
        "sqlserver",
        is_sql=True,
    ),
    BackingService(
        "SQLite",
        ("better-sqlite3", "sqlite3", "@mikro-orm/sqlite", "@mikro-orm/better-sqlite"),
        "SQLITE|(DB|DATABASE)_(FILE|PATH)",
        provider="sqlite",
        is_sql=True,
    ),
    BackingService("CockroachDB", (), "COCKROACH", "DATABASE_URL=postgresql://…", "cockroachdb", is_sql=True),
    BackingService(
        "MongoDB",
        ("mongoose", "mongodb", "@nestjs/mongoose", "@mikro-orm/mongodb", "@typegoose/typegoose"),
        "MONGO",
        "MONGODB_URI=mongodb+srv://…",
        "mongodb",
    ),
    BackingService(
        "Redis",
        (
            "ioredis", "redis", "bullmq", "bull", "@nestjs/bullmq", "@nestjs/bull", "@keyv/redis", "connect-redis",
            "cache-manager-redis-yet", "cache-manager-redis-store", "cache-manager-ioredis-yet", "bee-queue",
            "@nestjs-modules/ioredis", "@liaoliaots/nestjs-redis", "@socket.io/redis-adapter",
        ),
        "REDIS|VALKEY|(^|_)(BULL|QUEUE|CACHE|KV)(_|$)",
        "REDIS_URL=redis://…",
    ),
    BackingService(
        "Kafka",
        ("kafkajs", "node-rdkafka", "@confluentinc/kafka-javascript", "@platformatic/kafka"),
        "KAFKA",
        "KAFKA_BROKERS=…",
    ),
    BackingService(
        "RabbitMQ",
        ("amqplib", "amqp-connection-manager", "@golevelup/nestjs-rabbitmq", "rascal", "rabbitmq-client"),
        "RABBIT|AMQP|(^|_)RMQ",
        "RABBITMQ_URL=amqp://…",
    ),
)  # fmt: skip
"""All of them. Only packages of `dependencies` count: tests often use another database."""

_PROVIDERS = {one.provider: one for one in BACKING_SERVICES if one.provider}
_DATASOURCE = re.compile(r"\bdatasource\s+\w+\s*\{[^}]*?\bprovider\s*=\s*\"(\w+)\"")
_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?['\"]?(\w+)['\"]?[ \t]*[=:][ \t]*(.+)$", re.MULTILINE)
_FAR = re.compile(
    r"(?:^|[/@\s'\",=])(?!127\.|0\.0\.0\.0|host\.docker\.)(?:(?:[\w-]+\.)+[a-z]{2,}|(?:\d+\.){3}\d+)\b", re.I
)


@dataclass(frozen=True)
class Need:
    """A backing service of a program, and what shows it: a package or a Prisma schema, in the file `path`."""

    service: BackingService
    shown_by: str
    path: str

    @property
    def remark(self) -> str:
        return f"it uses {self.service.name} ({self.shown_by}), but {self.service.absence}"


def needs(tree: ProjectTree, directory: str) -> list[Need]:
    """Return the backing services that a program needs, also by packages of its workspace, without MySQL."""
    found: dict[str, Need] = {}
    for folder in _folders(tree, directory):
        package = tree.json(joined(folder, "package.json"))
        schemas = _schemas(tree, folder, package)
        for need in (*_by_schema(schemas), *_by_package(package, folder, has_schema=bool(schemas))):
            found.setdefault(need.service.name, need)
    has_mysql = _has_mysql(tree, directory)
    return [found[one.name] for one in BACKING_SERVICES if one.name in found and not (one.is_sql and has_mysql)]


def uses_mysql(tree: ProjectTree, directory: str) -> bool:
    """Check whether a program uses MySQL, or at least no other database."""
    return _has_mysql(tree, directory) or not any(one.service.is_database for one in needs(tree, directory))


def _folders(tree: ProjectTree, directory: str) -> list[str]:
    workspace = workspace_of(tree, directory)
    return [directory, *(workspace.needed(directory) if workspace else ())]


def _has_mysql(tree: ProjectTree, directory: str) -> bool:
    packages = {folder: tree.json(joined(folder, "package.json")) for folder in _folders(tree, directory)}
    return any(
        "mysql" in _schemas(tree, folder, package) or any(one in dependencies(package) for one in MYSQL)
        for folder, package in packages.items()
    )


def _schemas(tree: ProjectTree, folder: str, package: dict[str, Any]) -> dict[str, str]:
    """Return the providers of the Prisma schemas, each with its path."""
    if not any(one in dependencies(package) for one in ("prisma", "@prisma/client")):
        return {}
    paths = [path for path in tree.below(folder) if path.endswith(".prisma")]
    said = {path: _DATASOURCE.search(without_comments(tree.text(path))) for path in paths}
    return {found[1]: path for path, found in said.items() if found}


def _by_schema(schemas: Mapping[str, str]) -> Iterator[Need]:
    for provider, path in schemas.items():
        if provider in _PROVIDERS:
            yield Need(_PROVIDERS[provider], f"provider {provider}", path)


def _by_package(package: dict[str, Any], folder: str, has_schema: bool) -> Iterator[Need]:
    """Needs by packages. A Prisma schema says which SQL database it is, whatever adapters are installed."""
    needed = table(package, "dependencies")
    for one in BACKING_SERVICES:
        name = next((name for name in one.packages if name in needed), "")
        if name and not (one.is_sql and has_schema):
            yield Need(one, name, joined(folder, "package.json"))


def unset(tree: ProjectTree, directory: str, variables: Mapping[str, str]) -> list[Need]:
    """Return the needs without an address elsewhere in the program's files or in `variables`, its templates."""
    texts = [tree.text(joined(directory, one)) for one in VALUES]
    values = [(name, value) for text in texts for name, value in _LINE.findall(text)]
    given = [name for name, value in values if _FAR.search(value)]
    given += [name for name, template in variables.items() if _FAR.search(template) or not set(used(template)) <= OWN]
    return [one for one in needs(tree, directory) if not any(map(one.service.is_named, given))]
