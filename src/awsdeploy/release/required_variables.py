"""Variables that a service's source requires and that nobody has set: notes before the build."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from awsdeploy.config import Service, Settings
from awsdeploy.config.project.backing_services import VALUES
from awsdeploy.config.project.tree import joined
from awsdeploy.config.project.usual_names import database_name
from awsdeploy.config.project.variables import read, required, set_in_files
from awsdeploy.errors import next_command
from awsdeploy.release.environment import Listing, provided
from awsdeploy.release.health_route import source_texts
from awsdeploy.release.source import Source

ALWAYS = {"HOME", "PATH", "USER", "SHELL", "PWD", "LANG"}


def notes(listing: Listing, settings: Settings, source: Source, services: Iterable[Service]) -> list[str]:
    """Return a note for each service with such variables. `listing` is asked only if there may be some."""
    missing = {service.name: unprovided(settings, source, service) for service in services}
    if not any(missing.values()) or (listed := listing()) is None:
        return []
    known = {(one.folder, one.name) for one in listed}
    said = []
    for name, variables in missing.items():
        unset = {one: path for one, path in variables.items() if (name, one) not in known}
        if unset:
            lines = _lines(name, unset, name in settings.database_users)
            said.append("\n".join([f"{name}: the code requires variables that are not set:", *lines]))
    return said


def unprovided(settings: Settings, source: Source, service: Service) -> dict[str, str]:
    """Return the required variables that neither awsdeploy nor a committed file sets, each with its file."""
    texts = source_texts(source, service.directory) or {}
    found = {**_of_the_database(texts, settings, service), **required(texts)}
    if not found:
        return {}
    files = {path: source.text(path) for one in VALUES if (path := joined(service.directory, one)) in source.files}
    given = {*provided(settings, service), *set_in_files(files), *ALWAYS}
    return {name: joined(service.directory, path) for name, path in found.items() if name not in given}


def _of_the_database(texts: Mapping[str, str], settings: Settings, service: Service) -> dict[str, str]:
    """Other names of the database's values, read instead of ours. A default such as localhost does not help."""
    names = read(texts)
    if service.name not in settings.database_users or "DATABASE_URL" in names:
        return {}
    return {name: path for name, path in names.items() if database_name(name) not in ("", "DB_PORT", *names)}


def _lines(service: str, unset: dict[str, str], uses_database: bool) -> Iterator[str]:
    same = {name: ours for name in unset if uses_database and (ours := database_name(name))}
    for name, path in unset.items():
        yield f"  {name} ({path})" + (f": awsdeploy provides this value as {same[name]}" if name in same else "")
    if same:
        yield f"  To give the program these names, write in config.toml: [services.{service}.variables]"
        yield from (f'    {name} = "{{{ours}}}"' for name, ours in same.items())
    if len(same) < len(unset):
        yield f"  To set one: {next_command('env', 'set', service, next(one for one in unset if one not in same))}"
