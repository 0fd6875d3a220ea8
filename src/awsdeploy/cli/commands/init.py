"""`init`: a few questions, good answers to most of them, and a commented config.toml."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, shared_options, yes_option
from awsdeploy.errors import Refused, UsageError, next_command
from awsdeploy.state.files import FOLDER, SHARED, unlinked, write

if TYPE_CHECKING:
    from awsdeploy.cli.project import ProjectAnswers

IGNORED = f"{FOLDER}/"
EXAMPLES = """\
  awsdeploy init                                        asks a few questions
  awsdeploy init --domain example.com
  awsdeploy init --yes --platform supported --env dev   asks nothing
"""
PLATFORM = """
Which versions?
  supported   Amazon Linux 2023, Node.js 24, MySQL 8.4 (recommended)
  documented  Amazon Linux 2, Node.js 18, MySQL 8.0: as in the document; all are out of support.
              AWS bills Extended Support for MySQL 8.0: about +$175/month in dev, +$350/month in prod."""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--name", metavar="NAME", help="The project's name.  [default: this folder's name]")
@click.option("--domain", metavar="DOMAIN", help="The application's domain.  [default: none]")
@click.option(
    "--preset", type=click.Choice(["dev", "prod"]), help="Sizes: dev or prod.  [default: the environment's name]"
)
@click.option(
    "--platform",
    type=click.Choice(["supported", "documented"]),
    help="Versions: supported or documented. Required with --yes.",
)
@click.option("--timezone", metavar="ZONE", help="Time zone for displayed times.  [default: this computer's]")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@yes_option
@shared_options(reaches_aws=False)
def command(
    given: Given,
    name: str | None,
    domain: str | None,
    preset: str | None,
    platform: str | None,
    timezone: str | None,
    force: bool,
    yes: bool,
) -> None:
    """Write a config.toml for the project in this folder. Asks for what it cannot detect.

    Finds the Next.js and NestJS programs of the repository: folder, port, paths, health route, migration command. Reads
    files and runs nothing. Without a terminal, or with --yes, uses the defaults; --platform has no default.
    """
    from awsdeploy.cli.project import ProjectAnswers, config_text, findings, folder_name, found_lines, machine_timezone

    path = given.config
    if os.path.lexists(path) and not force:
        raise Refused(f"{path} exists already.", "Edit it, or overwrite it with --force.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", f"Give the path of the file: --config {path / 'config.toml'}")
    asks = not yes and sys.stdin.isatty()
    if platform is None and not asks:
        hint = "--platform supported, or --platform documented (its MySQL 8.0 costs $175 to $350 a month extra)."
        raise UsageError("--platform is required: it has no default.", hint)
    found = findings(Path.cwd())
    answers = ProjectAnswers(
        name=name or folder_name(Path.cwd()),
        domain=domain or None,
        environment=given.environment or "prod",
        preset=preset,
        platform=platform or "supported",
        timezone=timezone or machine_timezone(),
        region=given.region,
        programs=found.programs,
    )
    if asks:
        answers = _asked(
            answers,
            {
                "name": name,
                "domain": domain,
                "environment": given.environment,
                "platform": platform,
                "timezone": timezone,
            },
        )
    settings = answers.check(config_text(answers))
    text = config_text(answers.changed(domain=settings.domain))
    click.echo("\n".join(found_lines(found)), err=True)
    _write(path, text)
    click.echo(f"Wrote {path}.", err=True)
    if _ignore(path.parent / ".gitignore"):
        click.echo(f"Added {IGNORED} to {path.parent / '.gitignore'}.", err=True)
    real = "" if given.sandbox else f"; {next_command('up')} creates it on AWS"
    click.echo(f"→ {next_command('up', '--sandbox')} tries it on simulated AWS, without an account{real}.", err=True)


def _asked(answers: ProjectAnswers, given: dict[str, str | None]) -> ProjectAnswers:
    """The answers again, with whatever was not given as a flag asked for until it is right."""
    from awsdeploy.cli.project import mistake_in

    click.echo("Press Enter to accept the value in brackets. You can change everything in the file later.\n", err=True)

    def ask(key: str, question: str, default: str) -> str:
        while True:
            answer = str(click.prompt(question, default=default, err=True, show_default=bool(default))).strip()
            mistake = mistake_in(answers.changed(**{key: answer or None}))
            if mistake is None:
                return answer
            click.echo(f"  {mistake}", err=True)

    if given["name"] is None:
        answers = answers.changed(name=ask("name", "Name of the project", answers.name))
    if given["environment"] is None:
        answers = answers.changed(
            environment=ask(
                "environment",
                "Environment (dev is small and cheap, prod survives the loss of a zone)",
                answers.environment,
            )
        )
    if answers.preset is None and answers.environment not in ("dev", "prod"):
        answers = answers.changed(preset=ask("preset", "Sizes, dev or prod", "dev"))
    if given["domain"] is None:
        answers = answers.changed(domain=ask("domain", "Domain, such as example.com (empty: none yet)", "") or None)
    if given["platform"] is None:
        click.echo(PLATFORM, err=True)
        answers = answers.changed(platform=ask("platform", "Versions", answers.platform))
    if given["timezone"] is None:
        answers = answers.changed(timezone=ask("timezone", "Time zone", answers.timezone))
    return answers


def _write(path: Path, text: str) -> None:
    """The whole file or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(part, text, SHARED)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Choose another path with --config PATH."
        ) from None


def _ignore(path: Path) -> bool:
    """Keep our state out of git; whether a line had to be added."""
    try:
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if any(line.strip().strip("/") == IGNORED.strip("/") for line in present.splitlines()):
            return False
        separator = "" if not present or present.endswith("\n") else "\n"
        with open(path, "a", encoding="utf-8", opener=partial(unlinked, mode=SHARED)) as file:
            file.write(f"{separator}{IGNORED}\n")
    except (OSError, UnicodeDecodeError, Refused):
        click.echo(f"Add {IGNORED} to {path} yourself: awsdeploy cannot write that file.", err=True)
        return False
    return True
