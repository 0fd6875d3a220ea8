"""`plan`: what `up` would do, and why the stack differs from the document. Writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli import cost
from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Item, Plan
    from awsdeploy.forecast import Forecast

EXAMPLES = """\
  awsdeploy plan
  awsdeploy plan -e dev
  awsdeploy plan --detailed-exitcode    2 if there is anything to do
"""
CHANGES_PRESENT = 2
SIGNS = {"create": "+", "change": "~", "replace": "-/+", "wait": "…"}
WORDS = {"create": "to create", "change": "to change", "replace": "to replace", "remove": "to remove"}

take_over_option = click.option(
    "--take-over-record", "take_over", is_flag=True, help="Replace DNS records of our names that are not ours."
)
replace_option = click.option(
    "--replace", metavar="KEY", multiple=True, help="Make this resource anew. May be given more than once."
)


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@take_over_option
@replace_option
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 if there is anything to do.")
@json_option
@shared_options()
def command(given: Given, take_over: bool, replace: tuple[str, ...], detailed_exitcode: bool, as_json: bool) -> int:
    """Show what `up` would create, change and remove, step by step. Writes nothing."""
    with session(given, given.settings(), "plan") as at:
        found = made(at, take_over, replace)
        if as_json:
            click.echo(json.dumps(document(at, found), indent=2, ensure_ascii=False))
        else:
            print_lines([*lines(at, found), "", *remarks(at, found), "", f"Next: {at.next('up')}"])
        return CHANGES_PRESENT if detailed_exitcode and not found.quiet else 0


def made(at: Session, take_over: bool = False, replace: tuple[str, ...] = ()) -> Plan:
    """The plan for these settings."""
    from awsdeploy import blueprint
    from awsdeploy.engine import plan

    return plan.make(at.run, blueprint.steps(at.settings, take_over), replace)


def forecast(plan: Plan) -> Forecast:
    """How long carrying it out takes, by the resources' usual times."""
    from awsdeploy.forecast import Forecast

    needs = {resource.key: {edge.key for edge in edges} for resource, edges in plan.needs().items()}
    usual = {
        item.resource.key: item.resource.wait.usual if item.action != "none" else 0.0 for item in plan.items.values()
    }
    return Forecast(needs, usual)


def lines(at: Session, plan: Plan) -> Iterator[str]:
    """The plan as text, grouped by the documented steps."""
    yield at.title
    if plan.quiet:
        yield ""
        yield "Nothing to do: AWS is as config.toml says."
    for step in plan.steps:
        items = [plan.items[resource] for resource in step.resources]
        if any(item.action != "none" for item in items):
            yield ""
            yield step.title
            for item in items:
                yield from _item(item)
    if plan.removals:
        yield ""
        yield "No longer declared"
        for live in plan.removals:
            yield f"  -   {live.key:<28} {live.kind.noun()} {live.id}" + (" (holds data)" if live.kind.data else "")


def _item(item: Item) -> Iterator[str]:
    if item.action == "none":
        return
    resource = item.resource
    more = f" (is {item.live.status})" if item.action == "wait" and item.live else ""
    yield f"  {SIGNS[item.action]:<3} {resource.key:<28} {resource.noun()}{more}"
    for change in item.changes:
        impact = f"    {change.impact}" if change.impact else ""
        yield f"        {change.field}: {_said(change.old)} → {_said(change.new)}{impact}"


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)


def remarks(at: Session, plan: Plan) -> Iterator[str]:
    """What it comes to, what stands in the way, and what is good to know."""
    from awsdeploy import deviations, estimate
    from awsdeploy.progress import spell

    if not plan.quiet:
        counts = _counts(plan)
        said = [f"{counts[action]} {words}" for action, words in WORDS.items() if counts[action]]
        usual = forecast(plan).longest
        yield (", ".join(said) or "Only waits") + (f"; usually {spell(usual)}." if usual >= 10 else ".")
        yield cost.closing(at.settings, estimate.lines(at.settings))
    for obstacle in plan.obstacles:
        yield f"In the way: {obstacle}"
    if plan.new:
        yield from (f"Note: {sentence}" for sentence in deviations.sentences(at.settings))


def _counts(plan: Plan) -> Counter[str]:
    counts = Counter(item.action for item in plan.items.values())
    counts["remove"] = len(plan.removals)
    return counts


def document(at: Session, plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    from awsdeploy import deviations, estimate

    return {
        **at.header,
        "quiet": plan.quiet,
        "seconds": round(forecast(plan).longest),
        "monthly": round(estimate.total(estimate.lines(at.settings)), 2),
        "steps": [
            {"title": step.title, "resources": [_described(plan.items[resource]) for resource in step.resources]}
            for step in plan.steps
        ],
        "removals": [
            {"key": live.key, "kind": live.kind.__name__, "id": live.id, "data": live.kind.data}
            for live in plan.removals
        ],
        "obstacles": plan.obstacles,
        "notes": list(deviations.sentences(at.settings)),
    }


def _described(item: Item) -> dict[str, Any]:
    return {
        "key": item.resource.key,
        "kind": type(item.resource).__name__,
        "action": item.action,
        "changes": [
            {"field": one.field, "old": _said(one.old), "new": _said(one.new), "impact": one.impact}
            for one in item.changes
        ],
    }
