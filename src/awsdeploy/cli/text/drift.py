"""Differences between AWS and config.toml, for `drift` and `status`: expected and actual values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from awsdeploy.cli.planning import paused
from awsdeploy.cli.session import Session, paragraphs, styled
from awsdeploy.cli.text.changes import said
from awsdeploy.errors import next_command
from awsdeploy.progress.steps import KEY_WIDTH

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.engine.plan import Item, Plan


def lines(at: Session, plan: Plan) -> Iterator[str]:
    """All differences, what is not compared, and the command that removes the differences."""
    parts = [_section("Changed", _changed(plan)), _section("Missing", _named(_missing(plan)))]
    parts += [_section("To be replaced", _named(_replaced(plan))), _section("Not usable, not ours", _unfit(plan))]
    parts += [_section("Not in config.toml", _removed(plan.undeclared))]
    after = [_next(plan), *_how_to_keep(plan)] if plan.writes else []
    yield from paragraphs([f"{at.title}: {_verdict(plan)}"], *parts, [*ignored(at), *after])


def found(plan: Plan) -> bool:
    """True if anything differs, also of what the stack only uses."""
    return plan.writes or bool(unfit(plan))


def unfit(plan: Plan) -> list[Item]:
    """Existing objects that the stack uses, and that are gone or lack something."""
    from awsdeploy.engine.plan import unfit

    return unfit(plan.items.values())


def attributes(item: Item) -> Iterator[str]:
    """A line for each attribute that differs. The words are those of drift detection in CloudFormation."""
    for change in item.changes:
        yield f"{change.field}: expected {said(change.new)}; actual {said(change.old)}"


def ignored(at: Session) -> list[str]:
    """A sentence about what `[drift] ignore` names, or nothing."""
    names = ", ".join(at.settings.drift.ignore)
    return [f"Not compared, by [drift] ignore: {names}"] if names else []


def document(at: Session, plan: Plan) -> dict[str, Any]:
    """The differences as JSON."""
    return {
        **at.header,
        "drift": found(plan),
        "paused": paused(plan),
        "changed": [
            _described(item)
            | {
                "attributes": [
                    {"attribute": one.field, "expected": said(one.new), "actual": said(one.old)} for one in item.changes
                ]
            }
            for item in _changed_items(plan)
        ],
        "missing": [_described(item) for item in _missing(plan)],
        "to_be_replaced": [_described(item) for item in _replaced(plan)],
        "not_usable": [_described(item) | {"reason": item.observed.reason} for item in unfit(plan) if item.observed],
        "not_in_config": [{"key": one.key, "kind": one.kind.__name__, "id": one.id} for one in plan.undeclared],
        "ignored": list(at.settings.drift.ignore),
    }


def _next(plan: Plan) -> str:
    if paused(plan):
        return f"The stack is paused. To start it again: {next_command('resume')}"
    return f"To make AWS match config.toml again: {next_command('up')}"


def _how_to_keep(plan: Plan) -> list[str]:
    """The setting that leaves the first attribute that can be left as it is in AWS, or nothing."""
    for item in _changed_items(plan):
        for change in item.changes:
            if change.field in item.resource.ignorable:
                entry = f"{item.resource.key}:{change.field}"
                return [f'To keep a value as it is in AWS, in config.toml: [drift] ignore = ["{entry}"]']
    return []


def _verdict(plan: Plan) -> str:
    if not found(plan):
        return styled("green")("no drift, AWS matches config.toml")
    counts = {
        "changed": len(_changed_items(plan)),
        "missing": len(_missing(plan)),
        "to be replaced": len(_replaced(plan)),
        "not usable": len(unfit(plan)),
        "not in config.toml": len(plan.undeclared),
    }
    return styled("yellow")(", ".join(f"{count} {word}" for word, count in counts.items() if count) or "differs")


def _section(title: str, found: Iterator[str]) -> list[str]:
    told = list(found)
    return [styled("bold")(title), *told] if told else []


def _changed(plan: Plan) -> Iterator[str]:
    for item in _changed_items(plan):
        yield f"  {item.resource.key:<{KEY_WIDTH}} {item.resource.noun()}"
        yield from (f"      {line}" for line in attributes(item))


def _named(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield f"  {item.resource.key:<{KEY_WIDTH}} {item.resource.noun()}"


def _unfit(plan: Plan) -> Iterator[str]:
    for item in unfit(plan):
        yield f"  {item.resource.key:<{KEY_WIDTH}} {item.resource.noun()} {item.resource.existing}"
        if item.observed and item.observed.reason:
            yield f"      {item.observed.reason}"


def _removed(observations: Sequence[Observed]) -> Iterator[str]:
    for one in observations:
        yield f"  {one.key:<{KEY_WIDTH}} {one.kind.noun()} {one.id}"


def _changed_items(plan: Plan) -> list[Item]:
    return [item for item in plan.items.values() if item.action == "change"]


def _missing(plan: Plan) -> list[Item]:
    return [item for item in plan.items.values() if item.action == "create"]


def _replaced(plan: Plan) -> list[Item]:
    return [item for item in plan.items.values() if item.action == "replace"]


def _described(item: Item) -> dict[str, Any]:
    observed = item.observed
    return {
        "key": item.resource.key,
        "kind": type(item.resource).__name__,
        "id": observed.id if observed else None,
        "step": item.step,
    }
