"""`export terraform`: the stack as Terraform files. Reads only, and writes no secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.cli.session import session
from awsdeploy.errors import Refused, UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Plan

EXAMPLES = """\
  awsdeploy export terraform --output terraform
"""


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Write the stack as files for another tool."""


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    required=True,
    help="The folder to write: a new or empty one.",
)
@shared_options()
def terraform(given: Given, output: Path) -> None:
    """Write Terraform files with which Terraform takes over the stack: one file for each documented step.

    The files contain no secrets. README.md in the folder says what to do next. Nothing changes in AWS.
    """
    _need_empty(output)
    with session(given, given.settings(), "export", existing=True) as at:
        from awsdeploy.cli.stack_state import look
        from awsdeploy.export import readme
        from awsdeploy.export import terraform as described

        plan, ignored = look(at).plan, at.settings.drift.ignore
        _need_complete(plan)
        files = described.files(at.run, plan)
        _write(output, {**files, "README.md": readme.text(at.run, plan, files, ignored, f"{at.clock.now():%Y-%m-%d}")})
    if ignored:
        click.echo(
            f"The files have the values of awsdeploy for what [drift] ignore names: {', '.join(ignored)}. "
            "To keep the values of AWS: change the files before the first `terraform apply`.",
            err=True,
        )
    differing = [item.resource.key for item in plan.items.values() if item.writes]
    if differing:
        many = f"{len(differing)} resources differ" if len(differing) > 1 else "1 resource differs"
        click.echo(
            f"{many} from config.toml, and `terraform plan` will show that: {', '.join(differing)}. "
            f"To fix it first: {next_command('up')}",
            err=True,
        )
    click.echo(f"Wrote {len(files) + 1} files to {output}. What to do next: {output / 'README.md'}", err=True)


def _need_empty(folder: Path) -> None:
    """Raises `UsageError` for a folder with files: they could be somebody's work."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"The folder {folder} is not empty.", "Name a new folder with --output.")


def _need_complete(plan: Plan) -> None:
    """Raises `Refused` if something that is declared does not exist: Terraform could not import it."""
    from awsdeploy.engine.resource import Gate

    missing = [
        item.resource.key
        for item in plan.items.values()
        if item.action in ("create", "replace") and not isinstance(item.resource, Gate)
    ]
    if missing:
        raise Refused(
            f"These resources do not exist yet, or have to be replaced: {', '.join(missing)}.",
            f"Create them first: {next_command('up')}",
        )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from None
