"""ORM of a program, and the command that migrates its database."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.config.project.backing_services import MYSQL
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined, table
from awsdeploy.config.project.workspace import workspace_of

ORMS = {
    "TypeORM": ("typeorm",),
    "Prisma": ("@prisma/client", "prisma"),
    "Sequelize": ("sequelize", "sequelize-typescript"),
    "MikroORM": ("@mikro-orm/core",),
    "Drizzle": ("drizzle-orm",),
    "Knex": ("knex", "objection"),
}
"""Names of the ORMs, with the packages that show them."""

SCRIPTS = re.compile(
    r"(?:(?:typeorm|prisma|sequelize|mikro-orm|drizzle|knex|db|database|orm):?)*"
    r"(?:migrate|migrations?|mig)(?::(?:deploy|run|up|latest|prod|production|apply|migrate))*"
)
_PREFERRED = re.compile(r"deploy|prod")
_OTHER_WORK = re.compile(
    r"migrate dev|migrate reset|:generate|:create|:revert|migrate:make|db push|nodemon|--watch|\bbunx?\b"
)
_BUN = re.compile(r"\bbunx?\b")
_RUN = {"bun": "bun run", "yarn": "yarn run", "pnpm": "pnpm run"}


@dataclass(frozen=True)
class OrmFacts:
    """ORM of a program. `migrate` is empty if no command was found."""

    name: str = ""
    migrate: str = ""
    package: str = ""
    """Folder of the workspace's package with the ORM, if the program itself has none."""


def facts(tree: ProjectTree, directory: str, manager: str) -> OrmFacts:
    """Return what package.json and the configuration files say, or those of a workspace's package that it needs."""
    own = _facts(tree, directory, manager)
    if own.name or _has_mysql(tree.json(joined(directory, "package.json"))):
        return own
    workspace = workspace_of(tree, directory)
    for package in workspace.needed(directory) if workspace else ():
        if found := _facts(tree, package, manager).name:
            return OrmFacts(found, "", package)  # a migration runs in the program's folder
    return own
    workspace = workspace_of(tree, directory)
    for package in workspace.needed(directory) if workspace else ():
        found = _facts(tree, package, manager)
        if found.name or found.other:
            return OrmFacts(found.name, "", found.other, package)  # a migration runs in the program's folder
    return own


def _facts(tree: ProjectTree, directory: str, manager: str) -> OrmFacts:
    package = tree.json(joined(directory, "package.json"))
    needs = dependencies(package)
    name = next((orm for orm, packages in ORMS.items() if any(one in needs for one in packages)), "")
    migrate = next(_commands(tree, directory, name), "")
    if name or _has_mysql(package):
        migrate = _script(package, manager) or migrate
    return OrmFacts(name, migrate)


def _has_mysql(package: dict[str, Any]) -> bool:
    return any(one in dependencies(package) for one in MYSQL)


def _script(package: dict[str, Any], manager: str) -> str:
    """Return the call of the script in package.json that migrates."""
    found = [
        name
        for name, text in table(package, "scripts").items()
        if SCRIPTS.fullmatch(name)
        and isinstance(text, str)
        and not _OTHER_WORK.search(text)
        and (manager == "bun" or not _BUN.search(text))
    ]
    found.sort(key=lambda name: _PREFERRED.search(name) is None)  # of equal ones the first in the file
    return f"{_RUN.get(manager, 'npm run')} {found[0]}" if found else ""


def _commands(tree: ProjectTree, directory: str, orm: str) -> Iterator[str]:
    """The ORM's own command, if its configuration is where the command looks for it."""
    inside = [path.removeprefix(f"{directory}/") for path in tree.below(directory)]
    names = {path.rpartition("/")[2].partition(".")[0] for path in inside if "/" not in path}
    if orm == "Prisma" and any(re.search(r"(?:^|/)migrations/.+/migration\.sql$", path) for path in inside):
        yield "npx prisma migrate deploy"
    elif orm == "TypeORM":
        for path in inside:
            if re.fullmatch(r"src/(?:.+/)?(?:data-?source|ormconfig|typeorm\.config)\.ts", path):
                compiled = re.sub(r"^src/(.*)ts$", r"dist/\1js", path)
                yield f"npx typeorm migration:run -d {shlex.quote(compiled)}"
    elif orm == "Sequelize" and (".sequelizerc" in inside or any(one.startswith("migrations/") for one in inside)):
        yield "npx sequelize-cli db:migrate"
    elif orm == "MikroORM" and any("mikro-orm.config." in one for one in inside):
        yield "npx mikro-orm migration:up"
    elif orm == "Drizzle" and "drizzle" in names:
        yield "npx drizzle-kit migrate"
    elif orm == "Knex" and "knexfile" in names:
        yield "npx knex migrate:latest"
