"""`rehearsal`: a stack's whole life on real AWS, recorded without values; and what two recordings differ in."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleGroup, ExampleHelp
from awsdeploy.cli.consent import agree, need_consent
from awsdeploy.cli.options import CONFIG, Given, json_option, shared_options, yes_option
from awsdeploy.cli.session import JSON_VERSION, print_lines, session, table
from awsdeploy.errors import AwsFailure, Interrupted, Leftovers, Refused

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.progress.steps import DisplayClock
    from awsdeploy.rehearsal.commands import Rehearsal
    from awsdeploy.rehearsal.compare import RecordingDifference
    from awsdeploy.rehearsal.project import Project

EXAMPLES = """\
  awsdeploy rehearsal run --sandbox              on simulated AWS: no account, no cost
  awsdeploy rehearsal run                        on real AWS: shows the cost, then asks
  awsdeploy rehearsal compare aws.json sandbox.json
"""
HOURS = 2
"""Hours that the cost is computed for: a rehearsal takes about one, and AWS bills each started load balancer hour."""
DIFFER = 7


@click.group(cls=ExampleGroup, examples=EXAMPLES)
def command() -> None:
    """Test awsdeploy on an AWS account with a small separate stack, and record how AWS answers.

    The recording contains operations, durations, statuses, error codes and the shapes of responses, but no values. You
    can attach it to a report and compare it with a recording of the sandbox.
    """


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@yes_option
@click.option(
    "--domain", metavar="NAME", default="", help="Also test HTTPS, with this name in a hosted zone of the account."
)
@click.option("--name", metavar="NAME", help="The stack's name; begins with rehearsal-.  [default: a random one]")
@click.option(
    "--application",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("examples/shop"),
    metavar="DIR",
    help="A folder with front/ and back/.  [default: examples/shop]",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The recording.")
@shared_options()
def run(given: Given, yes: bool, domain: str, name: str | None, application: Path, output: Path | None) -> None:
    """Run up, deploy, a change, a kill, status and destroy on a dev stack, and record it.

    Shows the cost and asks first. Always deletes the stack at the end, also after a failure or Ctrl-C. If something is
    left, prints the command to delete it.
    """
    from awsdeploy.rehearsal import project

    stack = project.new_name() if name is None else project.checked_name(name)
    need_consent(yes)
    folder = Path(tempfile.mkdtemp(prefix="awsdeploy-"))
    made = project.Project(folder, project.StackOptions(stack, given.region or "", domain))
    rehearsal: Rehearsal | None = None
    try:
        made.begin(application)
        clock = _ask(given, made, yes)
        rehearsal = _carry_out(given, made, clock, output or _unused_path(f"{stack}.json"))
    finally:
        if rehearsal is None or rehearsal.destroyed:
            shutil.rmtree(folder, ignore_errors=True)
    _raise_failure(given, rehearsal)


@command.command(cls=ExampleHelp, examples=EXAMPLES)
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@json_option
@shared_options(reads_config=False, reaches_aws=False)
def compare(_given: Given, first: Path, second: Path, as_json: bool) -> int:
    """Show the differences between two recordings, the most important first. Exits with 7 if there are any.

    FIRST is the recording of AWS, SECOND that of the sandbox. Durations are compared in AWS time.
    """
    from awsdeploy.rehearsal import compare as comparing
    from awsdeploy.rehearsal import recording

    one, other = recording.read(first), recording.read(second)
    found = comparing.differences(one, other)
    if as_json:
        differences = [{"matter": each.matter.name.lower(), "where": each.where, "what": each.what} for each in found]
        click.echo(json.dumps({"version": JSON_VERSION, "differences": differences}, indent=2, ensure_ascii=False))
    else:
        print_lines(_compared((first, one), (second, other), found))
    return DIFFER if found else 0


def _ask(given: Given, made: Project, yes: bool) -> DisplayClock:
    """Show what will be done and what it costs, and ask. Raises `Declined`, `Refused` where the stack exists."""
    settings = made.settings
    with session(given, settings, "rehearsal run") as at:
        account = at.run.account
        if at.run.read_record() is not None:
            raise Refused(f"{settings.stack} exists already.", f"Delete it first: {_take_down(given, made)}")
        print_lines(list(_announced(given, made, account)), err=True)
        agree(yes, "Nothing was created.")
        return at.clock


def _announced(given: Given, made: Project, account: str) -> Iterator[str]:
    settings = made.settings
    simulated = bool(os.environ.get("AWS_ENDPOINT_URL"))
    yield f"A rehearsal: stack {settings.stack} in {settings.region}, account {account}."
    yield "Runs up, deploy, a change, a kill, status and destroy. Takes about one hour."
    yield ""
    yield from _cost(settings)
    if simulated:
        yield "Nothing is billed: AWS_ENDPOINT_URL is not an AWS endpoint."
    yield ""
    yield "If this computer fails before the end, delete the stack with:"
    yield f"  {_take_down(given, made)}"


def _cost(settings: Settings) -> Iterator[str]:
    from awsdeploy.aws import prices
    from awsdeploy.cost import estimate

    bill = estimate.lines(settings)
    hourly = estimate.total(bill) / prices.HOURS_PER_MONTH
    yield f"US dollars for {HOURS} hours:"
    hours = {
        one.what: "unknown" if one.monthly is None else f"{one.monthly / prices.HOURS_PER_MONTH * HOURS:.3f}"
        for one in bill
    }
    yield from table(hours)
    yield (
        f"About ${hourly * HOURS:.2f} before VAT and traffic, by AWS's list prices of {prices.READ_ON}; "
        f"${hourly * 24:.2f} a day if it is not deleted."
    )


def _take_down(given: Given, made: Project) -> str:
    """The command that removes the stack from any folder, whatever is left of this one."""
    settings = made.settings
    there = replace(given, config=CONFIG, environment=settings.environment, region=settings.region)
    return there.typed(["destroy", "--name", settings.name, "--confirm", str(settings.stack), "--everything"])


def _unused_path(name: str) -> Path:
    """A path in this folder at which nothing is."""
    path, number = Path(name), 1
    while path.exists():
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return path


def _carry_out(given: Given, made: Project, clock: DisplayClock, output: Path) -> Rehearsal:
    """Run all commands and write the recording, however they end."""
    from awsdeploy.rehearsal import recording
    from awsdeploy.rehearsal.commands import Rehearsal

    endpoint = "other" if os.environ.get("AWS_ENDPOINT_URL") else "aws"
    day = datetime.now(UTC).date().isoformat()
    header = recording.Header(endpoint, made.settings.region, clock.speed, bool(made.options.domain), day)
    rehearsal = Rehearsal(made, lambda line: click.echo(f"\n── {line}", err=True))
    try:
        rehearsal.run()
    finally:
        output.write_text(recording.text(recording.document(header, rehearsal.commands)), encoding="utf-8")
        print_lines(list(_report(given, rehearsal, clock, output)))
    return rehearsal


def _report(given: Given, rehearsal: Rehearsal, clock: DisplayClock, output: Path) -> Iterator[str]:
    from awsdeploy.progress.steps import spell

    yield ""
    yield from table({one.name: f"{spell(clock.of(one.seconds))}, {_result(one.exit)}" for one in rehearsal.commands})
    yield ""
    yield f"Recorded in {output}: operations, durations, statuses, error codes and the shapes of responses; no values."
    if not given.sandbox:
        yield "To compare it with the sandbox:"
        yield f"  {Given(sandbox=True).typed(['rehearsal', 'run', '--output', 'sandbox.json'])}"
        yield f"  {Given().typed(['rehearsal', 'compare', str(output), 'sandbox.json'])}"


def _result(code: int) -> str:
    return "done" if code == 0 else f"exit code {code}" if code > 0 else "killed"


def _raise_failure(given: Given, rehearsal: Rehearsal) -> None:
    """Raise the error of a rehearsal that failed or was stopped."""
    if not rehearsal.destroyed:
        raise Leftovers(
            f"The stack could not be deleted. Its folder is kept: {rehearsal.project.folder}",
            _take_down(given, rehearsal.project),
        )
    if rehearsal.stopped:
        raise Interrupted(
            "Stopped on request. The stack was deleted.", "The recording contains everything up to that point."
        )
    if rehearsal.failed:
        said = ", ".join(f"{one.name} ({_result(one.exit)})" for one in rehearsal.failed)
        raise AwsFailure(
            f"Some steps failed: {said}. The stack was deleted.",
            "Attach the recording and the output above to your report.",
        )


def _compared(
    first: tuple[Path, dict[str, Any]], second: tuple[Path, dict[str, Any]], found: Sequence[RecordingDifference]
) -> list[str]:
    said = [*_described("First", *first), *_described("Second", *second)]
    for matter, group in groupby(found, lambda one: one.matter):
        several = list(group)
        said += ["", f"{matter.value} ({len(several)}):", *(f"  {one.where}  {one.what}" for one in several)]
    return [*said, "", f"{len(found)} differences." if found else "No differences."]


def _described(which: str, path: Path, recorded: dict[str, Any]) -> Iterator[str]:
    from awsdeploy.progress.steps import spell

    clock = recorded["clock"]
    where = "AWS" if recorded["endpoint"] == "aws" else "not AWS"
    speed = f", {clock:g} AWS seconds per second" if clock != 1 else ""
    yield f"{which}: {path.name} ({where}, {recorded['region']}, {recorded['day']}{speed})"
    yield "  " + ", ".join(f"{one['act']} {spell(one['seconds'] * clock)}" for one in recorded["acts"])
