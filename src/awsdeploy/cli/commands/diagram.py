"""`diagram`: the stack as a picture, in the terminal, as SVG or as a page. Reads only."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from awsdeploy.cli import planning
from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, language_option, shared_options
from awsdeploy.cli.output_file import output_option, write_output
from awsdeploy.cli.session import session, styled
from awsdeploy.progress import streams

if TYPE_CHECKING:
    from awsdeploy.diagram.model import Health

EXAMPLES = """\
  awsdeploy diagram
  awsdeploy diagram --lang ko
  awsdeploy diagram --output diagram.svg
  awsdeploy diagram --output diagram.html
"""
COLOURS = {
    "planned": (),
    "healthy": ("green",),
    "differs": ("yellow",),
    "changing": ("yellow",),
    "unhealthy": ("red",),
    "not there": ("red",),
}


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@output_option("The file to write: NAME.svg or NAME.html.", ".svg", ".html")
@language_option
@click.option("--links", is_flag=True, help="Also print the address of each part in the AWS console.")
@json_option
@shared_options()
def command(given: Given, output: Path | None, language: str, links: bool, as_json: bool) -> None:
    """Draw the stack: what there is, how it is, and what reaches what by which port.

    Makes the same AWS calls as `awsdeploy status`. If nothing exists yet, it draws what `up` would create.
    """
    with session(given, given.settings(), "diagram") as at:
        from awsdeploy.diagram import picture, terminal
        from awsdeploy.diagram.words import words

        drawn = picture.of(at.settings, planning.made(at), at.run.state.account or "", language)
        if output:
            from awsdeploy.diagram import pages

            write_output(output, (pages.svg if output.suffix == ".svg" else pages.html)(drawn, language))
        if as_json:
            click.echo(json.dumps({**at.header, **drawn.document()}, indent=2, ensure_ascii=False))
        elif not output:
            columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else terminal.WIDTH + 1
            text = "\n".join(terminal.lines(drawn, words(language), _paint, links, columns))
            click.echo(text if streams.shows("→←…┌") else text.translate(terminal.PLAIN))


def _paint(state: Health, text: str) -> str:
    return styled(*COLOURS[state.value])(text)
