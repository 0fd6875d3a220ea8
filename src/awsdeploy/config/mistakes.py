"""Mistakes in a config as a person needs them: the key, what was expected, what was found, and a remedy.

Knows the shape of the settings (for suggestions), not where anything was written.
"""

from __future__ import annotations

import collections.abc
import difflib
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from awsdeploy.config.consistency import Mistake
from awsdeploy.config.services import Service
from awsdeploy.config.settings import Settings
from awsdeploy.config.wrong import Wrong, printable, shown

Path = tuple[str | int, ...]

SECRET = re.compile(r"passw|secret|token|key", re.IGNORECASE)
NO_PLATFORM = """\
missing. It has no default because one choice costs extra every month. Write one of
    platform = "supported"   Amazon Linux 2023, Node.js 24, MySQL 8.4: all still in support
    platform = "documented"  Amazon Linux 2, Node.js 18, MySQL 8.0: out of support since 2026-06-30, 2025-04-30 and
                             2026-07-31; AWS bills Extended Support for the last, about +$175/month in dev
                             (db.t3.micro), +$350/month in prod (Multi-AZ db.t3.small)"""

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "an ordinary number",
    "float_type": "a number",
    "int_type": "a whole number",
    "invalid_key": "a name",
    "mapping_type": "a table",
    "model_type": "a table",
    "string_type": "text in quotes",
    "tuple_type": "a list",
}


def explained(error: Mapping[str, Any]) -> Mistake:
    """One of pydantic's errors as a mistake."""
    path, value, kind = tuple(error["loc"]), error["input"], error["type"]
    if path and path[-1] == "[key]" and kind != "extra_forbidden":  # pydantic's word for a name that is refused
        path = path[:-1]
    if kind == "extra_forbidden":
        return Mistake(path, _unknown(path))
    if kind == "missing":
        return Mistake(path, NO_PLATFORM if path == ("platform",) else _missing(path))
    expected, remedy, got = _EXPECTED.get(kind, "something else"), "", f", got {shown(value)}"
    context = error.get("ctx", {})
    if isinstance(context.get("error"), Wrong):
        expected, remedy = context["error"].expected, context["error"].remedy
        got = "" if context["error"].hidden else got
    elif kind == "literal_error":
        choices = re.findall("'([^']*)'", context["expected"])
        expected = " or ".join(f'"{choice}"' for choice in choices)
        said = (value[:50] if isinstance(value, str) else shown(value)).lower()
        near = [choice for choice in choices if said.startswith(choice)] or difflib.get_close_matches(said, choices, 1)
        if near:
            remedy = f'did you mean "{near[0]}"?' if isinstance(value, str) else f'write "{near[0]}"'
    elif kind == "string_type" and isinstance(value, int | float):
        remedy = f'write "{value}"' if abs(value) < 10**20 and not isinstance(value, bool) else ""
    elif kind == "tuple_type" and isinstance(value, str):
        remedy = f"write [{shown(value)}]"
    elif kind in ("int_type", "float_type") and isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        remedy = f"write {value} without quotes"
    elif kind == "bool_type" and isinstance(value, str) and value.lower() in ("true", "false"):
        remedy = f"write {value.lower()} without quotes"
    return Mistake(path, f"expected {expected}{got}" + (f"; {remedy}" if remedy else ""))


def meant(path: Path) -> list[Path]:
    """The keys that an unknown one at `path` may be meant to be: those of its name elsewhere, else the nearest here."""
    if not path or not isinstance(path[-1], str):
        return []
    table, key = path[:-1], path[-1]
    places = _places(table)
    if elsewhere := [(*place, key) for place, known in places.items() if key in known and place != table]:
        return elsewhere
    near = difflib.get_close_matches(key.lower().replace("-", "_")[:60], places.get(table, ()), 1, cutoff=0.7)
    return [(*table, near[0])] if near else []


def dotted(path: Path) -> str:
    """`services.backend.paths[1]`, with unusual keys in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]{1,60}", part)
            text += ("." if text else "") + (part if plain else shown(part))
    return printable(text)


def _unknown(path: Path) -> str:
    if len(path) == 3 and path[0] == "services" and path[2] == "name":
        return f"unknown key; the service's name is in the table header: [{dotted(path[:2])}]"
    key, found = str(path[-1]), meant(path)
    if found and found[0][:-1] == path[:-1]:
        return f"unknown key; did you mean {found[0][-1]}?"
    if found:
        return f"unknown key; {key} belongs {' or '.join(_inside(one[:-1]) for one in found)}"
    if SECRET.search(key):
        return "unknown key; do not put secrets here: passwords are generated and stored in Parameter Store"
    known = _places(path[:-1]).get(path[:-1], ())
    return f"unknown key; valid keys here: {', '.join(known)}" if known else "unknown key"


def _inside(table: Path) -> str:
    """The place where the keys of a table are written."""
    if not table:
        return "above the first [table]"
    return f"in [[{dotted(table[:-1])}]]" if isinstance(table[-1], int) else f"in [{dotted(table)}]"


def _missing(path: Path) -> str:
    return 'missing; for example name = "shop"' if path == ("name",) else "missing"


def _places(table: Path) -> dict[Path, list[str]]:
    """Every table of the settings and its keys.

    Of repeated tables (services, statements) it contains the one in which `table` is, otherwise an example name.
    """
    found: dict[Path, list[str]] = {}

    def walk(model: type[BaseModel], place: Path) -> None:
        # A service is named by its table; the field is ours.
        found[place] = [key for key in model.model_fields if (model, key) != (Service, "name")]
        for key in found[place]:
            for inner, stand_in in _tables(model.model_fields[key].annotation):
                below = (*place, key)
                if stand_in is not None:
                    below = (*below, table[len(below)] if table[: len(below)] == below != table else stand_in)
                walk(inner, below)

    walk(Settings, ())
    return found


def _tables(hint: Any, stand_in: str | int | None = None) -> Iterator[tuple[type[BaseModel], str | int | None]]:
    """Yield the tables in a field, each with an example name or number if the table is repeated."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint, stand_in
    origin = typing.get_origin(hint)
    many = 0 if origin is tuple else "NAME" if origin is collections.abc.Mapping else stand_in
    for part in typing.get_args(hint):
        yield from _tables(part, many)
