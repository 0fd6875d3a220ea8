"""`restore uploads`: the uploaded files as they were at a time, from S3's versions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.consent import agree, need_consent
from awsdeploy.cli.options import Given, json_option, shared_options, yes_option
from awsdeploy.cli.session import Session, print_lines, session

if TYPE_CHECKING:
    from awsdeploy.operations.restore_uploads import UploadsPlan

EXAMPLES = """\
  awsdeploy restore uploads --to 2h
  awsdeploy restore uploads --to 2026-11-24T16:05 avatars/
"""
MEGABYTE = 1e6


@click.command("uploads", cls=ExampleHelp, examples=EXAMPLES)
@click.argument("prefix", required=False, default="")
@click.option(
    "--to",
    "text",
    metavar="TIME",
    required=True,
    help="The time: 30m, 2h or 1d ago, or a date and time (ISO 8601), in the time zone of config.toml.",
)
@yes_option
@json_option
@shared_options()
def command(given: Given, prefix: str, text: str, yes: bool, as_json: bool) -> None:
    """Restore the uploaded files to a time. With PREFIX only files whose names begin with it.

    A file that was overwritten or deleted since gets the content it had, by a copy of that version. A file that was
    added since gets a delete marker. No version is removed, so you can restore to another time later.
    """
    settings = given.settings()
    need_consent(yes)
    with session(given, settings, "restore", writes=True) as at:
        from awsdeploy.operations import restore_uploads
        from awsdeploy.operations.moments import moment

        now = at.clock.now()
        to = moment("--to", text, now, settings.tz, at.clock.speed)
        plan = restore_uploads.survey(at.run, to, prefix, now)
        if not as_json or not plan.empty:
            print_lines(_lines(plan), err=True)
        agree(yes or plan.empty)
        begun = time.monotonic()
        if not plan.empty:
            restore_uploads.apply(at.run, plan, lambda line: click.echo(f"  {line}", err=True))
        _report(at, plan, time.monotonic() - begun, as_json)


def _lines(plan: UploadsPlan) -> Iterator[str]:
    below = f", files that begin with {plan.prefix}" if plan.prefix else ""
    yield f"Bucket {plan.bucket}{below}, as of {plan.to:%Y-%m-%d %H:%M:%S%z}:"
    yield f"  {len(plan.copies)} to restore ({plan.size / MEGABYTE:.1f} MB): overwritten or deleted since"
    yield f"  {len(plan.deletions)} to delete: added since. Their versions are kept"
    yield f"  {plan.unchanged} unchanged"
    if plan.too_large:
        yield f"  {len(plan.too_large)} over 5 GB: they cannot be restored by this command"


def _report(at: Session, plan: UploadsPlan, seconds: float, as_json: bool) -> None:
    from awsdeploy.progress.steps import spell

    if as_json:
        document = {
            **at.header,
            "seconds": round(seconds, 1),
            "bucket": plan.bucket,
            "prefix": plan.prefix,
            "to": plan.to.isoformat(),
            "restored": len(plan.copies),
            "deleted": len(plan.deletions),
            "unchanged": plan.unchanged,
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif plan.empty:
        click.echo("No changes: the files are as they were.")
    else:
        click.echo(f"Restored {len(plan.copies)} files and deleted {len(plan.deletions)} in {spell(seconds)}.")
