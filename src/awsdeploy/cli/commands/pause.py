"""`pause`: stop the machines and the database of a stack that nobody needs for a while."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.consent import agree, need_consent
from awsdeploy.cli.options import Given, json_option, shared_options, yes_option
from awsdeploy.cli.session import Session, print_lines, session
from awsdeploy.cli.watching import steps_of, watched
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed

EXAMPLES = """\
  awsdeploy pause -e dev        in the evening
  awsdeploy resume -e dev       in the morning
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@yes_option
@json_option
@shared_options()
def command(given: Given, yes: bool, as_json: bool) -> None:
    """Stop the machines and the database, which are billed by the hour. No data is deleted.

    The application cannot be reached until `resume`. Load balancer, disks, addresses and backups remain, and cost as
    before. AWS starts a stopped database by itself after seven days: to stop it again, run `pause` again.
    """
    settings = given.settings()
    need_consent(yes)
    with session(given, settings, "pause", writes=True) as at:
        from awsdeploy.operations import pausing

        found = pausing.running(at.run)
        now, then = _monthly(at)
        if found:
            print_lines(_announced(at, found, now, then), err=True)
            agree(yes)
        at.run.monthly = round(then, 2)
        begun = time.monotonic()
        _carry_out(at, found, as_json)
        _report(at, found, (now, then), at.clock.of(time.monotonic() - begun), as_json)


def _monthly(at: Session) -> tuple[float, float]:
    """US dollars a month of what exists now, and of the same while it is paused."""
    from awsdeploy.cost import estimate, inventory
    from awsdeploy.operations import pausing

    there = at.run.cache.known()
    now, then = (inventory.parts(some, at.settings.region) for some in (there, pausing.after(there)))
    return estimate.total(estimate.of_parts(now)), estimate.total(estimate.of_parts(then))


def _announced(at: Session, found: Sequence[Observed], now: float, then: float) -> Iterator[str]:
    yield f"Pauses {at.title}. The application cannot be reached until: {next_command('resume')}"
    for what, count in _counted(found).items():
        yield f"  {count} × {what}"
    yield f"It costs about ${then:.2f} a month while it is paused; now ${now:.2f} (before VAT)."


def _counted(found: Sequence[Observed]) -> Counter[str]:
    """Number of objects by kind and what happens to them, in words."""
    from awsdeploy.operations.pausing import HOW

    return Counter(f"{one.kind.noun()}: {HOW[one.kind].effect}" for one in found)


def _carry_out(at: Session, found: Sequence[Observed], as_json: bool) -> None:
    from awsdeploy.operations import pausing

    if not found:
        return
    with watched(at, "pause", steps_of({one.key: one.kind for one in found}), {}, as_json=as_json):
        pausing.pause(at.run, found)


def _report(at: Session, found: Sequence[Observed], bill: tuple[float, float], seconds: float, as_json: bool) -> None:
    from awsdeploy.operations.pausing import STARTS_AGAIN
    from awsdeploy.progress.steps import spell

    now, then = bill
    starts = at.clock.now() + STARTS_AGAIN if any(one.kind.data for one in found) else None
    if as_json:
        document = {
            **at.header,
            "paused": [one.key for one in found],
            "seconds": round(seconds, 1),
            "monthly": {"before": round(now, 2), "paused": round(then, 2)},
            "database_starts": starts.isoformat(timespec="seconds") if starts else None,
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    said = f"Paused {at.settings.stack} in {spell(seconds)}." if found else f"{at.settings.stack} is paused already."
    lines = [said, f"It costs about ${then:.2f} a month while it is paused (before VAT)."]
    if starts is not None:
        day = f"{starts.astimezone(at.settings.tz):%Y-%m-%d}"
        lines.append(f"AWS starts the database by itself on {day}. To stop it again: {next_command('pause')}")
    print_lines([*lines, "", f"To start everything again: {next_command('resume')}"])
