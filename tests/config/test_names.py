"""Every setting that a message, the documentation or a comment names exists."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from awsdeploy.config import Settings
from tests.test_house import MODULES, part

ROOT = Path(__file__).parents[2]
TEXTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "config.example.toml"]
FILES = ("py", "sh", "md", "toml", "json", "yml", "ts", "gz", "log", "tf", "example")
WORD = r"[A-Za-z][A-Za-z0-9_-]*"
DOTTED = re.compile(rf"(?<![\w./@:{{-])({WORD}(?:\.{WORD})+)(?![\w/(@-])")
TABLE = re.compile(rf"(?<![\w\]])\[{{1,2}}({WORD}(?:\.{WORD})*)\]{{1,2}}(?: +`?({WORD}) *=)?")
ASSIGNED = re.compile(r'(?<![\w.\-:/$\]{])([a-z][a-z0-9_]*) = (?:true|false|"|\d|\[)')
OTHERS = ("repositoryformatversion", "protocol_version", "skip_final_snapshot", "timeout")
"""Names in git's configuration, in the placeholder page's program, and in Terraform files."""

Tree = Mapping[str, Any]


def models(hint: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in typing.get_args(hint):
        yield from models(inner)


def mapping(hint: Any) -> bool:
    """Check whether an annotation is a table whose keys users choose."""
    origin = typing.get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return True
    return any(mapping(inner) for inner in typing.get_args(hint))


def tree(model: type[BaseModel]) -> dict[str, Any]:
    """Each key of a table with what is below it: `None` for a value, `*` for a name that people choose."""
    found: dict[str, Any] = {}
    for name, hint in typing.get_type_hints(model, include_extras=True).items():
        if name in model.model_fields:
            below = next((tree(one) for one in models(hint)), None)
            found[name] = {"*": below} if mapping(hint) else below
    return found


SETTINGS = tree(Settings)
SERVICE: dict[str, Any] = SETTINGS["services"]["*"]
STARTS = {name for name, below in {**SERVICE, **SETTINGS}.items() if below is not None}
"""The tables: whatever begins with one of them and a dot is a setting's name."""


def exists(path: list[str], below: Tree | None = SETTINGS) -> bool:
    for word in path:
        if below is not None and word == "NAME" and "*" not in below:
            return True
        if below is None or (word not in below and "*" not in below):
            return False
        below = below[word] if word in below else below["*"]
    return True


def known(path: list[str]) -> bool:
    """Known keys of the whole config, or of a service."""
    return exists(path) or exists(path, SERVICE)


def keys(below: Tree) -> set[str]:
    return set(below) | {key for inner in below.values() if inner for key in keys(inner)}


KEYS = {*keys(SETTINGS), *OTHERS}


def wrong(text: str) -> Iterator[str]:
    """The names of settings in a text that do not exist."""
    for found in DOTTED.finditer(text):
        path = found[1].split(".")
        if path[0] in STARTS and path[-1] not in FILES and not known(path):
            yield found[1]
    for found in TABLE.finditer(text):
        path, key = found[1].split("."), found[2]
        if (path[0] in STARTS or key) and path[-1] not in FILES and not known([*path, key] if key else path):
            yield found[0]
    yield from (name for name in ASSIGNED.findall(text) if name not in KEYS)


def strings(path: Path) -> Iterator[str]:
    """Every literal text of a module, also its docstrings; a placeholder stands where something is filled in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "NAME" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_setting_that_is_named_exists() -> None:
    found = [(path.name, one) for path in TEXTS for one in wrong(path.read_text())]
    for module, path in MODULES.items():
        if part(module) != "sandbox":
            found += [(module, one) for text in strings(path) for one in wrong(text)]
    scripts = sorted((ROOT / "src").rglob("*.sh"))
    # Of a program's text only what begins like a service's setting is one for sure.
    found += [(path.name, one) for path in scripts for one in wrong(path.read_text()) if one.startswith("services.")]
    assert found == []


def test_a_name_that_does_not_exist_is_found() -> None:
    for text in (
        "set network.nats = true",
        "`services.x.healthy`",
        "[databases] size = 1",
        "[dns] zones = 1",
        "scaling.mim",
        "set nats = true",
    ):
        assert list(wrong(text)), text
    for text in (
        "services.backend.scaling.min",
        "[[services.x.statements]]",
        '[dns] zone = "Z1"',
        "scaling.min",
        "ci.yml",
    ):
        assert not list(wrong(text)), text
