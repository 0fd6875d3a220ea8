"""An `up`, for the commands that bring a stack up: the plan, the question, the run, and where the application is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from awsdeploy.cli import planning
from awsdeploy.cli.consent import agree, agree_by_name, can_ask, need_consent
from awsdeploy.cli.options import Given
from awsdeploy.cli.session import Session, print_lines, session, table
from awsdeploy.cli.text import advisories, glance, preflight
from awsdeploy.cli.text import plan as text
from awsdeploy.cli.text.facts import found_out
from awsdeploy.cli.watching import watched
from awsdeploy.errors import (
    AwsFailure,
    CredentialsMissing,
    Interrupted,
    Refused,
    TimedOut,
    UsageError,
    next_command,
)

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Plan


def bring_up(
    given: Given,
    take_over: bool = False,
    replace: tuple[str, ...] = (),
    restore_snapshot: str = "",
    delete_data: tuple[str, ...] = (),
    *,
    refresh: bool = False,
    existing: bool = False,
    yes: bool,
    full: bool = False,
    as_json: bool,
) -> None:
    """Show the plan, ask, carry it out and report. Raises `NoSuchStack` for an `existing` stack that is not there."""
    settings = given.settings()
    need_consent(yes)
    with session(given, settings, "up", writes=True) as at:
        with preflight.explained(at):
            plan = planning.made(at, take_over, replace, restore_snapshot, refresh)
        if existing and plan.new:
            raise at.run.missing
        print_lines(text.lines(at, plan, one_screen=glance.wanted(full, err=True)), err=True)
        _refuse(plan.conflicts, _before_spending(at, plan))
        if plan.writes:
            _agree_to_lose(plan, delete_data)
            agree(yes)
        at.run.monthly = _monthly(at, plan)
        begun = time.monotonic()
        try:
            _carry_out(at, plan, as_json)
        except (AwsFailure, TimedOut, CredentialsMissing, Interrupted) as error:
            error.message += _already_billed(at)
            raise
        _report(at, plan, at.clock.of(time.monotonic() - begun), as_json)


def _monthly(at: Session, plan: Plan) -> float:
    """US dollars a month that the stack costs after this plan, for its record."""
    from awsdeploy.cost import estimate

    return round(estimate.total(planning.bill_after(plan, at)), 2)


def _before_spending(at: Session, plan: Plan) -> list[str]:
    """Findings that stop a first run, before its first write; warnings are printed."""
    if not plan.new or not plan.writes:
        return []
    from awsdeploy.preflight.checks import BEYOND_A_PLAN, findings

    found = findings(preflight.asked(at, planning.forecast(plan).longest), BEYOND_A_PLAN)
    warned = [one for one in found if not one.fatal]
    if warned:
        print_lines(["", *preflight.lines(warned)], err=True)
    return list(preflight.lines([one for one in found if one.fatal]))


def _refuse(conflicts: list[str], fatal: list[str]) -> None:
    """Raise `Refused` with all conflicts and fatal findings."""
    if fatal:
        fatal = ["This run would fail:", *fatal]
    if conflicts or fatal:
        raise Refused("\n".join([*conflicts, *fatal]), "Nothing was created.")


def _already_billed(at: Session) -> str:
    """Line about the cost of resources that a failed `up` leaves, from what it has seen: AWS may not answer."""
    from awsdeploy.cost import inventory

    there = {(one.kind, one.id): one for one in (*at.run.cache.known(), *at.run.observations.values())}
    said = inventory.already_billed(there.values(), at.settings.region)
    return f"\n{said}" if said else ""


def _agree_to_lose(plan: Plan, given: tuple[str, ...]) -> None:
    """Ask for the key of each resource with data that would be deleted, unless an option names it."""
    for observed in plan.lost_data:
        if observed.key in given:
            continue
        if not can_ask():
            raise UsageError(
                f"The plan deletes {observed.key} ({observed.id}), which contains data.",
                f"To allow it: --delete-data {observed.key}",
            )
        question = f"{observed.key} ({observed.id}) contains data. Type {observed.key} to allow its deletion"
        agree_by_name(observed.key, "Nothing was changed.", question)


def _carry_out(at: Session, plan: Plan, as_json: bool) -> None:
    from awsdeploy.engine import up
    from awsdeploy.progress.steps import BoardRow

    if plan.quiet:
        up.apply(at.run, plan)
        return
    steps = [
        (step.title, [BoardRow(one.key, one.noun(), one.wait.usual) for one in step.resources]) for step in plan.steps
    ]
    needs, usual = planning.needs(plan), planning.forecast(plan)
    with watched(at, "up", steps, needs, as_json=as_json, forecast=usual, removals=plan.removals):
        up.apply(at.run, plan)


def _report(at: Session, plan: Plan, seconds: float, as_json: bool) -> None:
    from awsdeploy.progress.steps import spell

    facts = found_out(at, plan)
    if as_json:
        document = {**at.header, "changed": plan.writes, "seconds": round(seconds, 1), "facts": facts}
        document["notices"] = advisories.collect(at, plan.items)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    said = "No changes" if plan.quiet else f"Done in {spell(seconds)}"
    warned = advisories.lines(at, plan.items)
    print_lines(
        [f"{said}. {at.settings.stack} is up.", "", *table(facts), *warned, "", f"Next: {next_command('status')}"]
    )
