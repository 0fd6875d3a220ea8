"""`timeline`: where the time of a run went, from the record on this computer. Makes no AWS calls."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import SANDBOX, Given, full_option, json_option, shared_options
from awsdeploy.cli.output_file import output_option, write_output
from awsdeploy.cli.session import JSON_VERSION, print_lines
from awsdeploy.errors import UsageError, next_command

if TYPE_CHECKING:
    from awsdeploy.timeline.history import History, RecordedRun

EXAMPLES = """\
  awsdeploy timeline                        the last run
  awsdeploy timeline --run 3 --full         run 3, every resource
  awsdeploy timeline --output trace.json    open it at ui.perfetto.dev
"""
PIPED_WIDTH = 120


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--run", "number", type=int, metavar="N", help="The number of the run. Without it, the last run.")
@full_option
@output_option("The trace to write, in Chrome's format: NAME.json.", ".json")
@json_option
@shared_options(reaches_aws=False)
def command(given: Given, number: int | None, full: bool, output: Path | None, as_json: bool) -> None:
    """Show how long each resource took in a run, and the critical path: the waits that made the run that long.

    `up`, `destroy` and `backup now` record their last 10 runs on this computer. Makes no AWS calls.
    """
    from awsdeploy.cli.text import timeline

    settings = given.settings()
    stack = str(settings.stack)
    history = _history(given, settings.stack.slug, stack)
    run = _chosen(history, number)
    if output:
        from awsdeploy.timeline.trace import trace

        write_output(output, json.dumps(trace(run, stack), ensure_ascii=False) + "\n")
        click.echo("To see it: https://ui.perfetto.dev, Open trace file.", err=True)
    if as_json:
        document = {"version": JSON_VERSION, "stack": stack, "region": settings.region}
        click.echo(json.dumps(document | timeline.document(history, run), indent=2, ensure_ascii=False))
    elif not output:
        on_terminal = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if on_terminal else PIPED_WIDTH
        print_lines(timeline.lines(stack, history, run, full or not on_terminal, width))


def _history(given: Given, slug: str, stack: str) -> History:
    """The recorded runs. Raises `UsageError` if there are none."""
    from awsdeploy.timeline.history import path_of, read

    path = path_of(given.state_folder / f"{slug}.json")
    try:
        history = read(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Make it readable, or delete it.") from None
    if history.damaged:
        said = f"{path} is damaged: {history.damaged} lines cannot be read and are left out."
        click.echo(f"{said} The next recorded run removes them.", err=True)
    if not history.runs:
        simulated = path_of(SANDBOX / f"{slug}.json")
        there = not given.sandbox and simulated.exists()
        hint = next_command("timeline", "--sandbox") if there else "`up`, `destroy` and `backup now` record their runs."
        raise UsageError(
            f"No run of {stack} is recorded on this computer.",
            f"Runs in the sandbox: {hint}" if there else hint,
        )
    return history


def _chosen(history: History, number: int | None) -> RecordedRun:
    if number is None:
        return history.runs[-1]
    found = [run for run in history.runs if run.number == number]
    if not found:
        known = ", ".join(str(run.number) for run in history.runs)
        raise UsageError(f"--run {number}: no such run.", f"Recorded runs: {known}")
    return found[-1]
