"""From what the validator says to what a person needs: the key, what was expected, what was found, a remedy.

Knows the shape of the settings (for suggestions), not where anything was written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from awsdeploy.config.consistency import Mistake
from awsdeploy.config.settings import Database, Network, Release, Scaling, Service, Settings, Statement, Waits
from awsdeploy.config.wrong import Wrong, printable, shown

Path = tuple[str | int, ...]

TABLES: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"network": Network, "database": Database, "release": Release, "waits": Waits}
)
SECRET = re.compile(r"passw|secret|token|key", re.IGNORECASE)
NO_PLATFORM = """\
missing, and without a default because one choice costs extra every month. Write one of
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


def suggestion(path: Path) -> Path | None:
    """The key that an unknown one at `path` was probably meant to be."""
    if not path or not isinstance(path[-1], str):
        return None
    table, key = path[:-1], path[-1]
    for place, known in _places(table):
        if key in known and place != table:
            return (*place, key)
    siblings = next((known for place, known in _places(table) if place == table), [])
    near = difflib.get_close_matches(key.lower().replace("-", "_")[:60], siblings, 1, cutoff=0.7)
    return (*table, near[0]) if near else None


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
        return f"unknown key; the table's own name names the service: [{dotted(path[:2])}]"
    meant = suggestion(path)
    if meant is not None and len(meant) == 1 and len(path) > 1:
        return f"unknown key; {meant[0]} belongs above the first [table]"
    if meant is not None and meant[:-1] != path[:-1]:
        return f"unknown key; {meant[-1]} belongs in [{dotted(meant[:-1])}]"
    if meant is not None:
        return f"unknown key; did you mean {meant[-1]}?"
    if SECRET.search(str(path[-1])):
        return "unknown key; secrets do not belong here: passwords are generated and kept in Parameter Store"
    known = next((known for place, known in _places(path[:-1]) if place == path[:-1]), [])
    return f"unknown key; known here: {', '.join(known)}" if known else "unknown key"


def _missing(path: Path) -> str:
    return 'missing; for example name = "shop"' if path == ("name",) else "missing"


def _places(table: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every table and its keys; those of `table`'s own service if it is in one, otherwise of a stand-in."""
    yield (), list(Settings.model_fields)
    for name, model in TABLES.items():
        yield (name,), list(model.model_fields)
    service = table[:2] if len(table) >= 2 and table[0] == "services" else ("services", "NAME")
    yield (*service, "scaling"), list(Scaling.model_fields)
    yield service, [key for key in Service.model_fields if key != "name"]
    if table[2:3] == ("statements",):
        yield table, list(Statement.model_fields)
