"""Plan of a destroy as text: on one screen of a terminal, else with every resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from awsdeploy.cli.session import Session, paragraphs
from awsdeploy.cli.text import glance, referenced
from awsdeploy.cli.text.notes import Notes
from awsdeploy.progress.steps import KEY_WIDTH, spell

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Observed, Retained
    from awsdeploy.engine.teardown import DestroyPlan

FEW = 3  # of a kind are named one by one


def by_step(going: Iterable[Observed]) -> dict[str, list[Observed]]:
    """Objects by the title of their documented step, in the order in which steps are deleted: the last one first."""
    from awsdeploy.architecture import STEPS, title_of

    found: dict[str, list[Observed]] = {title: [] for title in reversed(STEPS.values())}
    for observed in going:
        found.setdefault(title_of(observed.key), []).append(observed)
    return {title: some for title, some in found.items() if some}


def lines(at: Session, plan: DestroyPlan, *, one_screen: bool, everything: str) -> Iterator[str]:
    """Losses, what is retained, what it saves; then the resources, with `one_screen` in one line for each step.

    `everything` is the command that also deletes what is retained.
    """
    notes, lost, kept = _notes(plan, everything), list(_lost(plan)), list(_retained(plan))
    head = (
        [at.title],
        ["Lost for good:", *lost] if lost else [],
        ["Will retain:", *kept] if kept else [],
        referenced.of_settings(at.settings),
        _sums(at, plan),
    )
    steps = by_step(plan.going)
    if one_screen:
        rows = [glance.step(title, _briefs(some), len(some)) for title, some in steps.items()]
        return paragraphs(*head, rows, notes.decisions(), [f"Every resource: {glance.MORE}"])
    rows = [f"Will delete: {counted(plan.going) or 'only its record'}"]
    return paragraphs(*head, rows, *(_step(title, some) for title, some in steps.items()), notes.lines())


def _lost(plan: DestroyPlan) -> Iterator[str]:
    """Objects that nothing can bring back: data one by one, logs and many copies of a kind together."""
    by_kind: dict[str, list[Observed]] = {}
    for one in sorted(_gone_for_good(plan), key=lambda one: (not one.kind.data, one.origin != one.key)):
        by_kind.setdefault(one.kind.noun(), []).append(one)
    for noun, several in by_kind.items():
        if len(several) > FEW or not several[0].kind.data:
            yield f"  {_plural(noun, len(several))}"
            continue
        for one in several:
            why = f", status {one.status}" if one.without_snapshot else ""
            yield f"  {one.key:<{KEY_WIDTH}} {noun} {one.id}{why}"


def _gone_for_good(plan: DestroyPlan) -> Iterator[Observed]:
    """Objects whose content is lost. Without `options.data` data is copied first, or there is none."""
    from awsdeploy.engine.resource import Danger

    for one in plan.going:
        kept = one.kind.data and not (plan.options.data or one.without_snapshot)
        if one.kind.deletion_danger(one) == Danger.DATA_LOSS and not kept and not one.state.empty:
            yield one


def _copied(plan: DestroyPlan) -> list[Observed]:
    """Objects of which AWS makes a last copy before it deletes them."""
    if plan.options.data:
        return []
    return [one for one in plan.lost_data if one.kind.copies and not (one.state.empty or one.without_snapshot)]


def _retained(plan: DestroyPlan) -> Iterator[str]:
    from awsdeploy.engine.resource import KINDS

    for one in _copied(plan):
        yield f"  final {KINDS[one.kind.copies].noun()} of {one.key} ({one.id}), made before it is deleted"
    yield from kept(plan.staying)
    yield from (f"  {line}" for line in leftovers(plan.going))


def _sums(at: Session, plan: DestroyPlan) -> Iterator[str]:
    """Savings a month, what the rest costs, and how long it takes."""
    from awsdeploy.cost import estimate, inventory

    bill = estimate.of_parts(inventory.parts(plan.going, at.run.region))
    if any(one.monthly is not None for one in bill):
        unknown = [one.what for one in bill if one.monthly is None]
        also = f", and {', '.join(unknown)} of unknown price" if unknown else ""
        yield f"Saves about ${estimate.total(bill):,.2f} a month before VAT and traffic{also}."
    elif bill:
        yield f"What it saves is unknown: awsdeploy has no price list for {at.run.region}."
    if plan.staying:
        yield f"What is retained: {price([retained for _, retained in plan.staying])}."
    usual = _longest(plan)
    count = f"{len(plan.going)} to delete" if plan.going else "Only its record to delete"
    yield count + (f"; usually {spell(usual)}." if usual >= 10 else ".")


def _longest(plan: DestroyPlan) -> float:
    from awsdeploy.cli.watching import deletions
    from awsdeploy.progress.forecast import Forecast

    usual: dict[str, float] = {}
    for one in plan.going:
        usual[one.key] = max(plan.usual(one), usual.get(one.key, 0.0))
    return Forecast({row.key: row.needs for row in deletions(plan.going)}, usual).longest


def _notes(plan: DestroyPlan, everything: str) -> Notes:
    decide = []
    if plan.staying or _copied(plan):
        decide.append(f"To retain nothing: {everything}")
    protected = [one for one in plan.going if one.kind.is_protected(one)]
    decide += [f"Deletion protection of {one.key} is on. `destroy` turns it off." for one in protected]
    return Notes(tuple(decide))


def _briefs(some: list[Observed]) -> Iterator[tuple[str, int]]:
    """Words for the objects of each kind, data and what takes longest first."""
    by_kind = Counter(
        one.kind.noun() for one in sorted(some, key=lambda one: (not one.kind.data, -one.kind.deletion.usual))
    )
    for noun, count in by_kind.items():
        yield (noun if count == 1 else _plural(noun, count)), count


def _step(title: str, some: list[Observed]) -> Iterator[str]:
    yield title
    for one in some:
        yield f"  -   {one.key:<{KEY_WIDTH}} {one.kind.noun()} {one.id}"


def leftovers(going: Iterable[Observed]) -> list[str]:
    """Resources that belong to the account and not to the stack: `destroy` does not delete them."""
    return sorted({line for one in going if (line := one.kind.leftovers(one))})


def not_seen(at: Session) -> list[str]:
    """Kinds that these credentials cannot read, so that something may be left."""
    from awsdeploy.resources.monitoring import budget

    if action := at.run.denied.get(budget.Budget):
        return [
            f"AWS Budget {budget.named(at.run.stack)}, which needs the permission {action}. Add it, then run the "
            "same command again."
        ]
    return []


def kept(staying: Iterable[tuple[Observed, Retained]]) -> Iterator[str]:
    """A line with reason and cost for each retained object; many of a kind share one."""
    by_kind: dict[str, list[tuple[Observed, Retained]]] = {}
    for observed, retained in staying:
        by_kind.setdefault(observed.kind.noun(), []).append((observed, retained))
    for noun, several in by_kind.items():
        if len(several) > FEW:
            first, last = several[0][1].why, several[-1][1].why
            yield f"  {_plural(noun, len(several))}: {first} … {last} ({price([retained for _, retained in several])})"
        else:
            yield from (f"  {noun} {one.id}: {retained.why} ({price([retained])})" for one, retained in several)


def price(several: Iterable[Retained]) -> str:
    """Cost of retained objects together."""
    monthly = [retained.monthly for retained in several]
    known = [one for one in monthly if one is not None]
    if not known:
        return "cost unknown"
    return f"{'' if len(known) == len(monthly) else 'at least '}${sum(known):.2f} a month"


def counted(observations: Iterable[Observed]) -> str:
    """Objects by kind: `2 subnets, 1 VPC`."""
    counts = Counter(one.kind.noun() for one in observations)
    return ", ".join(_plural(noun, count) for noun, count in counts.items())


def _plural(noun: str, count: int) -> str:
    return f"{count} {noun}{'s' if count > 1 and noun[-1] != 's' else ''}"
