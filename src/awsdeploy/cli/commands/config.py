"""`config`: the settings in effect and where each came from; the schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options

if TYPE_CHECKING:
    from awsdeploy.config import Settings

EXAMPLES = """\
  awsdeploy config show --origin        every setting and where it came from
  awsdeploy config show -e dev          for the dev environment
  awsdeploy config schema               for your editor
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Show the settings. Flags override AWSDEPLOY_* variables, which override config.toml, which overrides defaults."""


@command.command(
    cls=ExampleHelp,
    short_help="Print every setting in effect.",
    examples="  awsdeploy config show\n  awsdeploy config show --origin\n  awsdeploy config show -e dev --json\n",
)
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@json_option
@shared_options(reaches_aws=False)
def show(given: Given, origin: bool, as_json: bool) -> None:
    """Print every setting in effect, in the format of config.toml."""
    settings = given.settings()
    if as_json:
        document = {"version": 1, "settings": settings.model_dump(mode="json"), "origins": dict(settings.origins)}
        click.echo(json.dumps(document, indent=2))
        return
    for line in _toml(settings, origin):
        click.echo(line)


@command.command(
    cls=ExampleHelp,
    short_help="Print a JSON schema of config.toml.",
    examples="  awsdeploy config schema > config.schema.json\n"
    "  then make this the first line of config.toml (Taplo, Even Better TOML):\n"
    "  #:schema ./config.schema.json\n",
)
@shared_options(reads_config=False, reaches_aws=False)
def schema(_given: Given) -> None:
    """Print the JSON schema of config.toml, for completion and validation in editors."""
    from awsdeploy.config import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def _toml(settings: Settings, origin: bool) -> Iterator[str]:
    rows = list(_rows(settings.model_dump()))
    width = min(max(len(line) for _, line in rows), 48)
    for key, line in rows:
        yield f"{line:<{width}}  # {settings.origins[key]}" if origin and key else line


def _rows(tree: Mapping[str, Any], table: str = "") -> Iterator[tuple[str, str]]:
    """Each line with its key; headers and blank lines have none."""
    for key, value in tree.items():
        if (
            not isinstance(value, Mapping)
            and value is not None
            and not (table.startswith("services.") and key == "name")
        ):
            yield f"{table}.{key}".lstrip("."), f"{key} = {_value(value)}"
    for key, value in tree.items():
        if isinstance(value, Mapping):
            header = f"{table}.{key}".lstrip(".")
            if not all(isinstance(inner, Mapping) for inner in value.values()):
                yield "", ""
                yield "", f"[{header}]"
            yield from _rows(value, header)


def _value(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return json.dumps(value)
