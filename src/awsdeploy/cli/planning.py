"""Plans for the commands that show or carry out one: the options, the plan itself, and the plan as text and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.session import Session
from awsdeploy.cli.text import advisories, bill, glance
from awsdeploy.errors import UsageError, next_command
from awsdeploy.progress.steps import KEY_WIDTH

if TYPE_CHECKING:
    from awsdeploy.architecture.database import Transport
    from awsdeploy.cost.estimate import Line
    from awsdeploy.engine.plan import Item, Plan, Step
    from awsdeploy.engine.resource import Observed, Resource
    from awsdeploy.progress.forecast import Forecast
    from awsdeploy.resources.database.instance import Database

SIGNS = {"create": "+", "change": "~", "replace": "-/+", "wait": "…"}
WORDS = {"create": "to create", "change": "to change", "replace": "to replace", "remove": "to remove"}

take_over_option = click.option(
    "--take-over-record",
    "take_over",
    is_flag=True,
    help="Replace existing DNS records of the application's names that awsdeploy did not create.",
)
replace_option = click.option(
    "--replace", metavar="KEY", multiple=True, help="Recreate this resource. Can be repeated."
)
restore_option = click.option(
    "--restore-snapshot",
    metavar="ID",
    default="",
    help="Restore the database from this DB snapshot, if the database does not exist.",
)


def made(at: Session, take_over: bool = False, replace: tuple[str, ...] = (), restore_snapshot: str = "") -> Plan:
    """The plan for these settings. Raises `UsageError` for a snapshot if the database exists."""
    from awsdeploy import architecture
    from awsdeploy.architecture import database_transport, https_readiness
    from awsdeploy.engine import plan
    from awsdeploy.resources.dns.records import Record

    def steps(ready: https_readiness.HttpsReadiness, found: Transport | None = None) -> list[Step]:
        return architecture.steps(at.settings, take_over, restore_snapshot, ready.https, ready.public, found)

    def seen() -> list[Step]:
        ready = https_readiness.readiness(at.run, at.settings)
        if ready.unasked:
            domain = at.settings.domain
            click.echo(f"Public DNS cannot be queried, so {domain} was not checked: {ready.unasked}", err=True)
        elif ready.public.unanswered:
            click.echo(ready.public.gaps, err=True)
        return steps(ready, database_transport.transport(at.run, at.settings))

    if at.settings.dns.mode == "external":  # what leads to the stack was entered by others, perhaps in this account
        at.run.unmanaged.add(Record)
    found = plan.make(at.run, steps(https_readiness.HttpsReadiness(True)), replace, seen)
    if restore_snapshot and _made_anew(found) is None and not _came_from(found, restore_snapshot):
        raise UsageError(
            f"--restore-snapshot {restore_snapshot}: the database exists. A snapshot can only be restored to a new "
            "database.",
            "To recreate the database from the snapshot, add --replace database/mysql --delete-data database/mysql",
        )
    return found


def _made_anew(plan: Plan) -> Database | None:
    """The database, if the plan makes one."""
    from awsdeploy.resources.database.instance import Database

    made = (item.resource for item in plan.items.values() if item.action in ("create", "replace"))
    return next((one for one in made if isinstance(one, Database)), None)


def _came_from(plan: Plan, snapshot: str) -> bool:
    """Tell if the database was already restored from this snapshot: the same command continues from there."""
    from awsdeploy.resources.database.instance import Database, restored_from

    observations = [item.observed for one, item in plan.items.items() if isinstance(one, Database)]
    return any(one is not None and restored_from(one) == snapshot for one in observations)


def _databases(plan: Plan) -> list[Resource]:
    from awsdeploy.resources.database.groups import ParameterGroup
    from awsdeploy.resources.database.instance import Database

    return [one for one in plan.items if isinstance(one, (Database, ParameterGroup))]


def offered(plan: Plan) -> list[Observed]:
    """Snapshots from which a database that is to be made could be made, newest first."""
    from awsdeploy.resources.backup.snapshot import Snapshot

    database = _made_anew(plan)
    if database is None or database.restore:
        return []
    found = [one for one in plan.observations if (one.kind, one.origin) == (Snapshot, database.key)]
    return sorted(found, key=lambda observed: str(observed.raw.get("SnapshotCreateTime", "")), reverse=True)


def forecast(plan: Plan) -> Forecast:
    """Forecast of how long the plan takes, by the usual times of its resources."""
    from awsdeploy.progress.forecast import Forecast

    usual = {
        item.resource.key: item.resource.wait.usual if item.action != "none" else 0.0 for item in plan.items.values()
    }
    return Forecast(needs(plan), usual)


def needs(plan: Plan) -> dict[str, set[str]]:
    """The keys that each key of the plan waits for."""
    return {resource.key: {edge.key for edge in edges} for resource, edges in plan.needs().items()}


def lines(at: Session, plan: Plan) -> Iterator[str]:
    """The plan as text, grouped by the documented steps."""
    yield at.title
    if plan.quiet:
        yield ""
        yield "No changes: AWS matches config.toml."
    for step in plan.steps:
        items = [plan.items[resource] for resource in step.resources]
        if any(item.action != "none" for item in items):
            yield ""
            yield step.title
            for item in items:
                yield from _item(item)
    for title, removals in (
        ("Replaced, will be deleted last", plan.replaced),
        ("No longer in config.toml, will be deleted", plan.undeclared),
    ):
        if removals:
            yield ""
            yield title
        for observed in removals:
            yield f"  -   {observed.key:<{KEY_WIDTH}} {observed.kind.noun()} {observed.id}" + (
                " (holds data)" if observed.kind.data else ""
            )


def _item(item: Item) -> Iterator[str]:
    if item.action == "none":
        return
    resource = item.resource
    more = f" (is {item.observed.status})" if item.action == "wait" and item.observed else ""
    yield f"  {SIGNS[item.action]:<3} {resource.key:<{KEY_WIDTH}} {resource.noun()}{more}"
    yield from (f"        {line}" for line in trouble(item))
    for change in item.changes:
        impact = f"    {change.impact}" if change.impact else ""
        yield f"        {change.field}: {_said(change.old)} → {_said(change.new)}{impact}"


def trouble(item: Item) -> list[str]:
    """Meaning of a status that does not end by itself, and its remedy."""
    observed = item.observed
    if observed is None or not observed.remedy or item.changes:
        return []
    return [f"{observed.status}: {observed.explained}.", f"→ {observed.remedy}"]


def blocked(plan: Plan) -> list[str]:
    """Reasons why `up` would stop: obstacles, and objects whose status only a person can end."""
    stuck = [item for item in plan.items.values() if item.observed and trouble(item)]
    return [*plan.conflicts, *(f"{one.resource.key} is {one.observed.status}" for one in stuck if one.observed)]


def _said(value: object) -> str:
    """A value of a change, as people write it: `InstanceId=i-1` for AWS's lists of names and values."""
    if value is None or value in ([], {}, ()):
        return "nothing"
    match value:
        case {"Name": name, "Value": inner, **rest} | {"Key": name, "Value": inner, **rest} if not rest:
            return f"{name}={_said(inner)}"
        case dict():
            return ", ".join(f"{name}={_said(inner)}" for name, inner in value.items())
        case list() | tuple():
            return ", ".join(map(_said, value))
    return str(value)


def remarks(at: Session, plan: Plan) -> Iterator[str]:
    """Remarks below a plan: the counts, the bill, what blocks it, and notes."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.progress.steps import spell

    if not plan.quiet:
        counts = _counts(plan)
        said = [f"{counts[action]} {words}" for action, words in WORDS.items() if counts[action]]
        usual = forecast(plan).longest
        if said or not blocked(plan):
            yield (", ".join(said) or "No changes, only waiting") + (
                f"; usually {spell(usual)}." if usual >= 10 else "."
            )
        yield from _bill(at, plan)
    yield from _wide_grants(plan)
    yield from _offers(at, plan)
    for sentence in advisories.collect(at, _databases(plan)):
        yield f"Note: {sentence}."
    for reason in blocked(plan):
        yield f"Blocked by: {reason}"
    if plan.new:
        yield from (f"Note: {one.sentence}" for one in differences_from_document.differences(at.settings))


def _offers(at: Session, plan: Plan) -> Iterator[str]:
    for observed in offered(plan)[:1]:
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
            yield (
                f"Warning: {role.key} allows {', '.join(wide)}. List single actions in services.NAME.statements "
                "instead."
            )


def _bill(at: Session, plan: Plan) -> Iterator[str]:
    """Bill of a new stack line by line; of an existing one the effect of the change."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate

    planned = _after(plan, at)
    if plan.new:
        yield "US dollars a month:"
        yield from bill.table(planned)
        yield bill.closing(at.settings, planned)
        yield "Not included in the total:"
        yield from bill.table(differences_from_document.beside(at.settings))
        yield f"Usage-based, not estimated: {', '.join(estimate.BY_USE)}."
    else:
        yield bill.closing(at.settings, planned)
        yield from bill.difference(existing_bill(plan, at), planned)


def _after(plan: Plan, at: Session) -> list[Line]:
    """The bill once the plan is carried out."""
    from awsdeploy.cost import estimate, inventory

    return estimate.of_parts(inventory.after(at.settings, plan))


def existing_bill(plan: Plan, at: Session) -> list[Line]:
    """Bill of what exists, by the look that the plan was made from."""
    from awsdeploy.cost import estimate, inventory

    used = [item.observed for item in plan.items.values() if item.resource.existing and item.observed]
    there = {(one.kind, one.id): one for one in (*used, *plan.observations)}
    return estimate.of_parts(inventory.parts(there.values(), at.settings.region))


def at_a_glance(at: Session, plan: Plan) -> Iterator[str]:
    """The plan of a new stack for one screen."""
    from awsdeploy.architecture import differences_from_document

    yield from glance.lines(at.title, at.settings, plan, _after(plan, at), forecast(plan).longest)
    yield from _wide_grants(plan)
    yield from _offers(at, plan)
    yield from (f"Note: {sentence}." for sentence in advisories.collect(at, _databases(plan)))
    yield from (f"Blocked by: {reason}" for reason in blocked(plan))
    yield from glance.notes(list(differences_from_document.differences(at.settings)), next_command("plan", "--full"))


def _counts(plan: Plan) -> Counter[str]:
    counts = Counter(item.action for item in plan.items.values())
    counts["remove"] = len(plan.removals)
    return counts


def document(at: Session, plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate

    planned = _after(plan, at)
    present = 0.0 if plan.new else estimate.total(existing_bill(plan, at))
    return {
        **at.header,
        "quiet": plan.quiet,
        "seconds": round(forecast(plan).longest),
        "monthly": round(estimate.total(planned), 2),
        "difference": round(estimate.total(planned) - present, 2),
        "bill": bill.to_json(planned),
        "beside": bill.to_json(differences_from_document.beside(at.settings)),
        "steps": [
            {"title": step.title, "resources": [_described(plan.items[resource]) for resource in step.resources]}
            for step in plan.steps
        ],
        "removals": [
            {"key": one.key, "kind": one.kind.__name__, "id": one.id, "data": one.kind.data} for one in plan.removals
        ],
        "obstacles": plan.conflicts,
        "notes": [one.sentence for one in differences_from_document.differences(at.settings)],
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
