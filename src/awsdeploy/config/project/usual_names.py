"""Usual names of values that awsdeploy provides under its own names, and what inserts the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from awsdeploy.config.project.javascript import without_comments
from awsdeploy.config.project.tree import ProjectTree, joined
from awsdeploy.config.project.variables import mentioned, set_in_text

_DATABASE = re.compile(
    r"(?:DB|DATABASE|MYSQL|MARIADB|RDS|TYPEORM|SEQUELIZE|MIKRO_ORM|KNEX|DRIZZLE|PRISMA)_(?:DB_)?"
    r"(?:(?P<HOST>HOST(?:NAME)?|SERVER)|(?P<PORT>PORT)|(?P<NAME>NAME|DATABASE|DATABASE_NAME|DB_?NAME|DB|SCHEMA)"
    r"|(?P<USER>USER(?:_?NAME)?)|(?P<PASSWORD>PASS(?:WORD|WD)?|PWD)|(?P<URL>URL|URI|DSN|DATABASE_URL))"
    r"|(?P<DIRECT>DIRECT_URL|DIRECT_DATABASE_URL)"
)
_BUCKET = re.compile(r"(?:AWS_|S3_|STORAGE_|UPLOADS?_)*BUCKET(?:_NAME)?")
_BUCKET_REGION = re.compile(r"(?:AWS_)?(?:S3_|BUCKET_)+REGION|AWS_DEFAULT_REGION")
_SITE = re.compile(r"NEXT_PUBLIC_(?:(?:SITE|APP|WEB|FRONTEND|DOMAIN|HOST)_)?(?:URL|ORIGIN)|(?:NEXT)?AUTH_URL")

OWN = {"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_SSL_CA", "DATABASE_URL", "S3_BUCKET"}
"""Names that need no other: the program reads awsdeploy's own."""


EXAMPLES = (
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env-example", "env.example",
    ".env.local.example", ".env.production.example",
)  # fmt: skip
"""Files with the names of variables, without values of any environment."""
MOST_FILES = 2000
_SOURCE = re.compile(r"\.(?:[cm]?[jt]sx?|prisma)$")
_TESTS = re.compile(r"\.(?:spec|test|e2e-spec|d)\.[cm]?[jt]sx?$|(?:^|/)(?:test|tests|__tests__|e2e)/")


def names(tree: ProjectTree, directory: str, others: Iterable[str] = ()) -> set[str]:
    """Return the names that a program's source or its example of a .env file mentions. `others` are not part of it."""
    found: set[str] = set()
    for path in list(_sources(tree, directory, tuple(f"{one}/" for one in others if one != ".")))[:MOST_FILES]:
        found |= mentioned(without_comments(tree.text(path)))
    for one in EXAMPLES:
        found |= set_in_text(tree.text(joined(directory, one)))
    return found


def _sources(tree: ProjectTree, directory: str, others: tuple[str, ...]) -> Iterator[str]:
    for path in sorted(tree.below(directory)):
        if _SOURCE.search(path) and not _TESTS.search(path) and not path.startswith(others):
            yield path


def database_name(name: str) -> str:
    """Return the variable in which awsdeploy provides what usually has this name; nothing if there is none."""
    found = _DATABASE.fullmatch(name)
    if found is None:
        return ""
    said = str(found.lastgroup)
    return "DATABASE_URL" if said in ("URL", "DIRECT") else f"DB_{said}"


def mapped(names: Iterable[str], uses_database: bool, knows_site: bool) -> dict[str, str]:
    """Return the names of a program that need a template, each with it.

    `uses_database`: it gets the database's values. `knows_site`: it gets the address of the application.
    """
    found = {name: _provided(name, uses_database, knows_site) for name in sorted(names) if name not in OWN}
    return {name: f"{{{ours}}}" for name, ours in found.items() if ours}


def _provided(name: str, uses_database: bool, knows_site: bool) -> str:
    if _BUCKET.fullmatch(name):
        return "S3_BUCKET"
    if _BUCKET_REGION.fullmatch(name):
        return "AWS_REGION"
    if knows_site and _SITE.fullmatch(name):
        return "NEXT_PUBLIC_BASE_URL"
    return database_name(name) if uses_database else ""
