"""`report`: one page about the stack for a colleague or an auditor. Reads only, and contains no secret."""

from __future__ import annotations

import json
from pathlib import Path

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, language_option, shared_options
from awsdeploy.cli.output_file import output_option, write_output
from awsdeploy.cli.session import session
from awsdeploy.errors import UsageError

EXAMPLES = """\
  awsdeploy report --output report.html
  awsdeploy report --output report.html --lang ko
  awsdeploy report --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@output_option("The page to write: NAME.html.", ".html")
@language_option
@json_option
@shared_options()
def command(given: Given, output: Path | None, language: str, as_json: bool) -> None:
    """Write one page about the stack: diagram, health, releases, costs, backups, alarms and the document's rows.

    The page loads nothing and contains no secret and no environment variable. --json prints the same data.
    """
    if output is None and not as_json:
        raise UsageError("report needs --output or --json.", "Add --output report.html")
    with session(given, given.settings(), "report", existing=True) as at:
        from awsdeploy.cli import reporting
        from awsdeploy.report import page

        history = reporting.recorded_runs(at)
        picture, document = reporting.collected(at, history, language)
        if output:
            write_output(output, page.html(picture, document, language, *reporting.bars(history, language)))
        if as_json:
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
