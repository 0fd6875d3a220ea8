"""Plans for the commands that show or carry out one: the options, the plan itself, its time and its bill.

`cli/text/plan.py` shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from awsdeploy.cli.session import Session
from awsdeploy.errors import Refused, UsageError

if TYPE_CHECKING:
    from awsdeploy.architecture.database import Transport
    from awsdeploy.config import Settings
    from awsdeploy.cost.estimate import Line
    from awsdeploy.engine.plan import Item, Plan, Step
    from awsdeploy.engine.resource import Observed, Resource
    from awsdeploy.progress.forecast import Forecast
    from awsdeploy.resources.database.instance import Database


take_over_option = click.option(
    "--take-over-record",
    "take_over",
    is_flag=True,
    help="Replace existing DNS records of the application's names that awsdeploy did not create.",
)
replace_option = click.option(
    "--replace", metavar="KEY", multiple=True, help="Recreate this resource. Can be repeated."
)
refresh_option = click.option(
    "--refresh-images",
    "refresh",
    is_flag=True,
    help="Recreate machines whose system image (AMI) is not the newest. New machines serve before old ones stop.",
)
restore_option = click.option(
    "--restore-snapshot",
    metavar="ID",
    default="",
    help="Restore the database from this DB snapshot, if the database does not exist.",
)


def made(
    at: Session,
    take_over: bool = False,
    replace: tuple[str, ...] = (),
    restore_snapshot: str = "",
    refresh: bool = False,
) -> Plan:
    """The plan for these settings. Raises `UsageError` for a snapshot if the database exists."""
    from awsdeploy import architecture
    from awsdeploy.architecture import database_transport, https_readiness
    from awsdeploy.engine import plan
    from awsdeploy.resources.compute.images import with_old_images
    from awsdeploy.resources.dns.records import Record

    if restore_snapshot:
        need_own_database(at.settings)

    def steps(ready: https_readiness.HttpsReadiness, found: Transport | None = None) -> list[Step]:
        return architecture.steps(at.settings, take_over, restore_snapshot, ready.https, ready.public, found)

    def seen() -> tuple[list[Step], list[str]]:
        ready = https_readiness.readiness(at.run, at.settings)
        if ready.unasked:
            domain = at.settings.domain
            click.echo(f"Public DNS cannot be queried, so {domain} was not checked: {ready.unasked}", err=True)
        elif ready.public.unanswered:
            click.echo(ready.public.gaps, err=True)
        now = steps(ready, database_transport.transport(at.run, at.settings))
        return now, list(with_old_images(at.run, now)) if refresh else []

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


def need_own_database(settings: Settings) -> None:
    """Raises `Refused` for what is only done to a database of the stack, if the config names an existing one."""
    if id := settings.database.instance:
        raise Refused(
            f"The database {id} (database.instance) is used by {settings.stack} and not managed by it: awsdeploy does "
            "not back it up, restore or test it.",
            f"Ask its owner. To list its snapshots: aws rds describe-db-snapshots --db-instance-identifier {id}",
        )


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


def databases(plan: Plan) -> list[Resource]:
    """Databases and their settings, whose advisories a plan shows."""
    from awsdeploy.resources.database.existing_database import ExistingDatabase
    from awsdeploy.resources.database.groups import ParameterGroup
    from awsdeploy.resources.database.instance import Database

    return [one for one in plan.items if isinstance(one, (Database, ExistingDatabase, ParameterGroup))]


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


def paused(plan: Plan) -> bool:
    """Check whether all machines and the database are stopped."""
    from awsdeploy.operations import pausing

    return pausing.is_paused(plan.observations)


def needs(plan: Plan) -> dict[str, set[str]]:
    """The keys that each key of the plan waits for."""
    return {resource.key: {edge.key for edge in edges} for resource, edges in plan.needs().items()}


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


def bill_after(plan: Plan, at: Session) -> list[Line]:
    """The bill once the plan is carried out."""
    from awsdeploy.cost import estimate, inventory

    return estimate.of_parts(inventory.after(at.settings, plan))


def existing_bill(plan: Plan, at: Session) -> list[Line]:
    """Bill of what exists, by the look that the plan was made from."""
    from awsdeploy.cost import estimate, inventory

    used = [item.observed for item in plan.items.values() if item.resource.existing and item.observed]
    there = {(one.kind, one.id): one for one in (*used, *plan.observations)}
    return estimate.of_parts(inventory.parts(there.values(), at.settings.region))
