"""The option `--output` of commands that write a file for people, and the writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from awsdeploy.errors import UsageError


def output_option(said: str, *endings: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--output FILE`, whose name has one of these endings. Another ending is refused before AWS is asked."""

    def check(_ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and value.suffix not in endings:
            raise click.BadParameter(f"{value.name} must end in {' or '.join(endings)}.")
        return value

    path = click.Path(path_type=Path, dir_okay=False)
    return click.option("--output", "-o", type=path, metavar="FILE", callback=check, help=said)


def write_output(path: Path, text: str) -> None:
    """Write a file and say so on stderr. Raises `UsageError` if it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another file with --output.") from None
    click.echo(f"Wrote {path}.", err=True)
