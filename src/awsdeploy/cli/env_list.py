"""`env list`: each variable of the services, who set it and when, or how awsdeploy provides it. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, session, styled
from awsdeploy.errors import UsageError

if TYPE_CHECKING:
    from awsdeploy.release.environment import Variable

EXAMPLES = """\
  awsdeploy env list
  awsdeploy env list backend --show     with the values
"""


@dataclass(frozen=True)
class VariableRow:
    """A name as a service sees it; `stored` is missing where the value is computed, which is then no secret."""

    service: str
    name: str
    said: str
    stored: Variable | None = None
    shadows: str = ""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("service", required=False)
@click.option("--show", is_flag=True, help="Show the values too.")
@json_option
@shared_options()
def command(given: Given, service: str | None, show: bool, as_json: bool) -> None:
    """List the variables, with who set each one and when, or where awsdeploy gets it from."""
    with session(given, given.settings(), "env list") as at:
        from awsdeploy.release import environment

        at.run.need_record()
        stored = environment.stored(at.run)
        folders = environment.folders(at.settings, stored)
        if service is not None and service not in folders:
            raise UsageError(f"{service} is not a service in config.toml.", f"Services: {', '.join(folders)}.")
        shown = [service] if service else folders
        rows = [row for folder in shown for row in _rows(at, folder, stored)]
        known = [row.stored for row in rows if row.stored]
        values = environment.values(at.run, known) if show else {}
        if as_json:
            document = {**at.header, "variables": [_described(row, values, show) for row in rows]}
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            click.echo("\n".join([at.title, *_lines(at, shown, rows, values)]))


def _rows(at: Session, folder: str, stored: list[Variable]) -> Iterator[VariableRow]:
    """Yield the owner's variables, those of the stack, computed ones, and last those for the build only."""
    from awsdeploy.release import environment
    from awsdeploy.resources.compute.parameter import SHARED

    mine = [one for one in stored if one.folder == folder]
    taken = {one.name for one in mine if not one.build}
    for one in mine:
        if not one.build and one.theirs:
            shadows = environment.shadowed(at.settings, folder, one.name)
            yield VariableRow(folder, one.name, _who(at, one), one, shadows)
    for one in mine:
        if not one.build and not one.theirs:
            yield VariableRow(folder, one.name, _who(at, one), one)
    service = at.settings.services.get(folder)
    shared = {one.name: one for one in stored if one.folder == SHARED}
    for name, where in environment.provided(at.settings, service).items() if service else ():
        if name not in taken:
            said = where if where.startswith(environment.CONFIG) else f"awsdeploy: {where}"
            yield VariableRow(folder, name, said, shared.get(name) if where == "the database" else None)
    for one in mine:
        if one.build:
            yield VariableRow(folder, one.name, f"{_who(at, one)}, for the build only", one)


def _who(at: Session, one: Variable) -> str:
    when = f", {one.at.astimezone(at.settings.tz):%Y-%m-%d %H:%M%z}" if one.at else ""
    if one.origin == "stack":
        return f"set by awsdeploy{when}"
    return f"set by {one.by or 'an unknown user'}{when}" + (", not by `env set`" if one.origin == "hand" else "")


def _lines(at: Session, folders: list[str], rows: list[VariableRow], values: Mapping[str, str]) -> Iterator[str]:
    from awsdeploy.release import environment

    widest = max((len(row.name) for row in rows), default=0)
    warned = styled("yellow")
    for folder in folders:
        yield ""
        more = "" if folder in at.settings.services else " (no longer in config.toml)"
        yield styled("bold")(folder) + more
        for row in rows:
            if row.service == folder:
                yield f"  {row.name:<{widest}}  {_value(row, values)}{row.said}"
                if row.shadows:
                    yield warned(f"  {'':<{widest}}  {environment.overrides(row.shadows)}")


def _value(row: VariableRow, values: Mapping[str, str]) -> str:
    if row.stored is None or row.stored.path not in values:
        return ""
    value = values[row.stored.path]
    plain = value.isprintable() and value == value.strip()
    return (value if plain else json.dumps(value, ensure_ascii=False)) + "  "


def _described(row: VariableRow, values: Mapping[str, str], show: bool) -> dict[str, Any]:
    one = row.stored
    source, _, text = row.said.partition(": ")
    where = "config.toml" if source == "config.toml" else "computed"
    document: dict[str, Any] = {
        "service": row.service,
        "name": row.name,
        "build": bool(one and one.build),
        "origin": {"set": "set", "hand": "by hand", "stack": "awsdeploy"}[one.origin] if one else where,
        "by": one.by if one and one.theirs else "config.toml" if where == "config.toml" else "awsdeploy",
        "at": one.at.isoformat() if one and one.at else None,
        "from": text if source in ("awsdeploy", "config.toml") else None,
        "shadows": row.shadows or None,
    }
    return {**document, "value": values.get(one.path) if one else None} if show else document
