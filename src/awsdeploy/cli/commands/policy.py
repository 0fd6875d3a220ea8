"""`policy`: the IAM policy that a user of awsdeploy needs. Reads only the settings; makes no AWS calls."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import JSON_VERSION, print_lines
from awsdeploy.errors import UsageError, next_command
from awsdeploy.state.files import SHARED, write

if TYPE_CHECKING:
    from awsdeploy.config import Settings

EXAMPLES = """\
  awsdeploy policy
  awsdeploy policy -e dev --account 123456789012
  awsdeploy policy --output policies   # files, and how to attach them
  awsdeploy policy --json
"""
MARK = "*"


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--account", metavar="NUMBER", default=MARK, help="The 12-digit account ID.  [default: any account]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write policy-1.json … to this folder, and print the commands to attach them.",
)
@json_option
@shared_options(reaches_aws=False)
def command(given: Given, account: str, output: Path | None, as_json: bool) -> None:
    """Print the least-privilege IAM policy that awsdeploy needs for this config.toml.

    Prints several policies if one would exceed AWS's limit of 6,144 characters. Makes no AWS calls and needs no
    credentials.
    """
    from awsdeploy import permissions

    if account != MARK and not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise UsageError(f"--account {account!r} is not a valid AWS account ID.", "It has 12 digits, without hyphens.")
    settings = given.settings()
    documents = permissions.policies(settings, account)
    files = _written(output, documents) if output else []
    if as_json:
        document = {
            "version": JSON_VERSION,
            "stack": str(settings.stack),
            "region": settings.region,
            "policies": documents,
        }
        click.echo(json.dumps(document, indent=2))
    elif output:
        print_lines(_attaching(settings, account, files))
    else:
        click.echo("\n\n".join(json.dumps(one, indent=2) for one in documents))
        limit = f"AWS allows {permissions.POLICY_LIMIT:,} characters in one policy"
        many = f"{len(documents)} policies, all required: {limit}. "
        files_too = f"{next_command('policy', '--output', 'DIR')} writes files and prints the commands to attach them."
        said = f"{many if len(documents) > 1 else ''}{files_too}"
        click.echo(said, err=True)


def _written(folder: Path, documents: list[dict[str, Any]]) -> list[Path]:
    """The files, without whitespace: AWS counts it when a policy is made from a file."""
    files = [folder / f"policy-{number}.json" for number, _ in enumerate(documents, start=1)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, document in zip(files, documents, strict=True):
            write(file, json.dumps(document, separators=(",", ":")) + "\n", SHARED)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.", "Choose another folder.") from None
    return files


def _attaching(settings: Settings, account: str, files: list[Path]) -> list[str]:
    """Commands with which an administrator attaches the policies to a role."""
    number = "ACCOUNT" if account == MARK else account
    names = [f"awsdeploy-{settings.stack}-{place}" for place, _ in enumerate(files, start=1)]
    made = [
        f"  aws iam create-policy --policy-name {name} --policy-document {shlex.quote(f'file://{file}')}"
        for name, file in zip(names, files, strict=True)
    ]
    given = [
        f"  aws iam attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::{number}:policy/{name}"
        for name in names
    ]
    return [
        f"Written: {', '.join(str(file) for file in files)}",
        "",
        "An administrator of the account creates the policies:",
        *made,
        "and attaches all of them to the role or user that runs awsdeploy:",
        *given,
    ]
