"""A JSON schema of `config.toml`, for editors that complete and check TOML."""

from __future__ import annotations

from typing import Any

from awsdeploy.config.settings import Settings

WITHOUT_DEFAULT = ["name", "platform"]
"""The only keys that nothing else decides."""


def json_schema() -> dict[str, Any]:
    """The schema, in JSON Schema's 2020-12 dialect."""
    schema = Settings.model_json_schema()
    for table in (schema, *schema["$defs"].values()):
        # Other keys may be left out, because something decides them; a service is named by its table.
        table.pop("required", None)
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
