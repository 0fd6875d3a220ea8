"""A JSON schema of `config.toml`, for editors that complete and check TOML."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from awsdeploy.config.settings import Settings
from awsdeploy.config.values import Frozen

WITHOUT_DEFAULT = ["name", "platform"]
"""The only keys that nothing else decides."""


def json_schema() -> dict[str, Any]:
    """The schema, in JSON Schema's 2020-12 dialect."""
    schema = Settings.model_json_schema()
    models = {model.__name__: model for model in _models(Frozen)}
    for table in (schema, *schema["$defs"].values()):
        # Other keys may be left out, because something decides them; a service is named by its table.
        table.pop("required", None)
        for key, text in _field_texts(models[table["title"]]).items():
            table["properties"][key]["description"] = text
        table["title"] = table["title"].removesuffix("Settings")
        table["properties"] = {
            key: {word: said for word, said in value.items() if word != "title"}
            for key, value in table["properties"].items()
            if not (table.get("title") == "Service" and key == "name")
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "awsdeploy config.toml",
        "required": WITHOUT_DEFAULT,
    }


def _models(base: type[Frozen]) -> Iterator[type[Frozen]]:
    yield base
    for model in base.__subclasses__():
        yield from _models(model)


def _field_texts(model: type[Frozen]) -> dict[str, str]:
    """The text below each field of the class. pydantic would read the sources for it in every command."""
    texts: dict[str, str] = {}
    for part in reversed(model.__mro__[: model.__mro__.index(Frozen)]):
        tree = ast.parse(inspect.getsource(part))
        for lines in (node.body for node in tree.body if isinstance(node, ast.ClassDef)):
            for pair in pairwise(lines):
                match pair:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        texts[name] = inspect.cleandoc(text)
    return texts
