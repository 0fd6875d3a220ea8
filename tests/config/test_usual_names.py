"""Usual names of values that awsdeploy provides, and what inserts them."""

from __future__ import annotations

import pytest

from awsdeploy.config.project import ProjectTree, usual_names


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("DATABASE_HOST", "DB_HOST"),
        ("MYSQL_HOSTNAME", "DB_HOST"),
        ("TYPEORM_PORT", "DB_PORT"),
        ("DB_DATABASE", "DB_NAME"),
        ("MYSQL_DATABASE", "DB_NAME"),
        ("DB_SCHEMA", "DB_NAME"),
        ("DATABASE_NAME", "DB_NAME"),
        ("DB_USERNAME", "DB_USER"),
        ("DB_PASS", "DB_PASSWORD"),
        ("MYSQL_PASSWORD", "DB_PASSWORD"),
        ("MYSQL_ROOT_PASSWORD", ""),
        ("REDIS_HOST", ""),
        ("MARIADB_USER", "DB_USER"),
        ("MIKRO_ORM_DB_NAME", "DB_NAME"),
        ("DB_PWD", "DB_PASSWORD"),
        ("DB_URL", "DATABASE_URL"),
        ("DIRECT_URL", "DATABASE_URL"),
        ("TYPEORM_CONNECTION", ""),
    ],
)
def test_usual_names_of_database_values_are_known(name: str, same: str) -> None:
    assert usual_names.database_name(name) == same


@pytest.mark.parametrize(
    ("database", "site", "wanted"),
    [
        (True, False, {"AWS_S3_BUCKET_NAME": "{S3_BUCKET}", "DB_USERNAME": "{DB_USER}", "S3_REGION": "{AWS_REGION}"}),
        (False, False, {"AWS_S3_BUCKET_NAME": "{S3_BUCKET}", "S3_REGION": "{AWS_REGION}"}),
        (
            False,
            True,
            {
                "AWS_S3_BUCKET_NAME": "{S3_BUCKET}",
                "NEXTAUTH_URL": "{NEXT_PUBLIC_BASE_URL}",
                "NEXT_PUBLIC_SITE_URL": "{NEXT_PUBLIC_BASE_URL}",
                "S3_REGION": "{AWS_REGION}",
            },
        ),
    ],
)
def test_a_service_is_given_only_values_that_it_has(database: bool, site: bool, wanted: dict[str, str]) -> None:
    names = {"DB_USERNAME", "DB_HOST", "DATABASE_URL", "AWS_S3_BUCKET_NAME", "S3_BUCKET", "S3_REGION", "STRIPE_KEY"}
    names |= {"NEXT_PUBLIC_SITE_URL", "NEXT_PUBLIC_API_URL", "NEXTAUTH_URL", "PORT"}
    assert usual_names.mapped(names, database, site) == wanted


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("src/a.ts", "host: process.env.MYSQL_HOST ?? 'x'", True),
        ("src/a.ts", "process.env['MYSQL_HOST']", True),
        ("src/a.ts", "const { PORT, MYSQL_HOST: host = 'localhost' } = process.env;", True),
        ("src/a.ts", "config.get<string>('MYSQL_HOST')", True),
        ("src/a.ts", "const schema = Joi.object({ MYSQL_HOST: Joi.string() })", True),
        ("src/env.ts", "class Env { MYSQL_HOST?: string }", True),
        ("prisma/schema.prisma", 'url = env("MYSQL_HOST")', True),
        ("src/a.ts", "// process.env.MYSQL_HOST", False),
        ("src/a.ts", "const MYSQL_HOST = 'x'; connect(MYSQL_HOST)", False),
        ("src/a.spec.ts", "process.env.MYSQL_HOST", False),
        (".env.example", "export MYSQL_HOST=localhost", True),
        (".env.example", "# MYSQL_HOST=localhost", False),
        (".env.sample", "MYSQL_HOST=", True),
        (".env", "MYSQL_HOST=localhost", False),
        ("README.md", "process.env.MYSQL_HOST", False),
        ("web/a.ts", "process.env.MYSQL_HOST", False),
    ],
)
def test_names_are_read_in_the_source_and_in_the_example_of_an_env_file(file: str, text: str, found: bool) -> None:
    for folder in (".", "back"):
        path = file if folder == "." else f"{folder}/{file}"
        tree = ProjectTree({path}, lambda _: text)
        web = "web" if folder == "." else f"{folder}/web"
        assert ("MYSQL_HOST" in usual_names.names(tree, folder, [web])) is found
