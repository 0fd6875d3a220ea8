"""A plan as text, for `plan` and `up`: on one screen where a new stack is planned on a terminal, else in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from awsdeploy.cli import planning
from awsdeploy.cli.session import Session, paragraphs
from awsdeploy.cli.text import advisories, bill, changes, drift, glance, referenced
from awsdeploy.cli.text.notes import Notes
from awsdeploy.progress.steps import spell

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Plan

WORDS = {"create": "to create", "change": "to change", "replace": "to replace", "remove": "to remove"}


def lines(at: Session, plan: Plan, *, one_screen: bool) -> Iterator[str]:
    """The plan. With `one_screen` that of a new stack fits one.

    Changes of an existing stack are always complete.
    """
    notes, stopped = _notes(at, plan), [f"Blocked by: {reason}" for reason in planning.blocked(plan)]
    if one_screen and plan.new:
        head = [bill.closing(at.settings, planning.bill_after(plan, at)), *_counted(plan)]
        rest = f"{notes.others()}Every resource, cost and note: {glance.MORE}"
        return paragraphs([at.title], head, _steps(plan), stopped, notes.decisions(), [rest])
    quiet = ["No changes: AWS matches config.toml."] if plan.quiet else []
    money = [] if plan.quiet else [*_counted(plan), *_bill(at, plan)]
    used = [] if plan.quiet else referenced.of_plan(plan)
    changed = [*changes.sections(plan), used]
    return paragraphs([at.title], quiet, *changed, money, stopped, notes.lines(), changes.warning(plan))


def _steps(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        briefs = [(brief, 1) for resource in step.resources if (brief := resource.brief())]
        yield glance.step(step.title, briefs, len(step.resources))


def _counted(plan: Plan) -> Iterator[str]:
    """The numbers of changes, and the usual time."""
    counts = Counter(item.action for item in plan.items.values())
    counts["remove"] = len(plan.removals)
    said = [f"{counts[action]} {words}" for action, words in WORDS.items() if counts[action]]
    usual = planning.forecast(plan).longest
    if said or not planning.blocked(plan):
        yield (", ".join(said) or "No changes, only waiting") + (f"; usually {spell(usual)}." if usual >= 10 else ".")


def _bill(at: Session, plan: Plan) -> Iterator[str]:
    """Bill of a new stack line by line; of an existing one the effect of the change."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate

    planned = planning.bill_after(plan, at)
    if plan.new:
        yield "US dollars a month:"
        yield from bill.table(planned)
        yield bill.closing(at.settings, planned)
        yield "Not included in the total:"
        yield from bill.table(differences_from_document.beside(at.settings))
        yield f"Usage-based, not estimated: {', '.join(estimate.BY_USE)}."
    else:
        yield bill.closing(at.settings, planned)
        yield from bill.difference(planning.existing_bill(plan, at), planned)


def _notes(at: Session, plan: Plan) -> Notes:
    """Notes for a person to decide about, and for a new stack how it differs from the document."""
    from awsdeploy.architecture import differences_from_document

    found = list(differences_from_document.differences(at.settings)) if plan.new else []
    advice = [f"{sentence}." for sentence in advisories.collect(at, planning.databases(plan))]
    kept = [f"{one.id} is billed too: {one.kind.kept_for(one)}." for one in plan.kept]
    decide = [*kept, *_wide_grants(plan), *_offers(at, plan), *advice, *(one.sentence for one in found if one.decision)]
    know = [one.sentence for one in found if not one.decision]
    return Notes(tuple(decide), (*know, *(() if plan.new else drift.ignored(at))))


def _offers(at: Session, plan: Plan) -> Iterator[str]:
    for observed in planning.offered(plan)[:1]:
        made, size = observed.raw.get("SnapshotCreateTime"), observed.raw.get("AllocatedStorage")
        day = f"{made.astimezone(at.settings.tz):%Y-%m-%d}" if made else observed.status
        restore = f"up --restore-snapshot {observed.id}"
        yield f"A snapshot of {observed.origin} exists ({day}, {size} GB): {restore} restores it."


def _wide_grants(plan: Plan) -> Iterator[str]:
    """A warning for each role that is made or changed and is to have a wildcard, or a policy for administrators."""
    from awsdeploy.resources.identity import grants
    from awsdeploy.resources.identity.role import Role

    for role, item in plan.items.items():
        if isinstance(role, Role) and item.writes and (wide := grants.wide(role.statements, role.attached)):
            yield f"{role.key} allows {', '.join(wide)}. List single actions in services.NAME.statements instead."
