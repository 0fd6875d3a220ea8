"""`restore database`, `restore finish` and `restore undo`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.consent import agree, agree_by_name, confirm_option, need_consent, need_stack_name
from awsdeploy.cli.options import Given, json_option, shared_options, yes_option
from awsdeploy.cli.planning import need_own_database
from awsdeploy.cli.restoring.points import need_reachable, point, to_option
from awsdeploy.cli.session import Session, print_lines, session
from awsdeploy.cli.watching import watched
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Observed
    from awsdeploy.operations.database_instances import Instances, RestorePoint
    from awsdeploy.progress.steps import BoardRow
    from awsdeploy.release.counting import DatabaseCount

EXAMPLES = """\
  awsdeploy restore database --to 30m                         as it was 30 minutes ago
  awsdeploy restore database --to 2026-11-24T16:05
  awsdeploy restore database --to shop-prod-mysql-manual-…    a DB snapshot
"""


@click.command("database", cls=ExampleHelp, examples=EXAMPLES)
@to_option(required=True)
@yes_option
@json_option
@shared_options()
def restore(given: Given, text: str, yes: bool, as_json: bool) -> None:
    """Restore the database to a time or from a snapshot. The endpoint stays the same.

    A new instance is restored beside the database, gets its settings and password, and is asked from a machine. Then
    the two change names. The database cannot be reached while AWS does that: about 20 minutes. What it was before is
    kept until `restore finish` or `restore undo`. After an interruption run the same command again.
    """
    settings = given.settings()
    need_own_database(settings)
    need_consent(yes)
    with session(given, settings, "restore", writes=True) as at:
        from awsdeploy.operations import restore_database
        from awsdeploy.release.counting import counter

        to, exact = point(at, text)
        there = restore_database.survey(at.run, to, exact)
        fresh = there.current is not None and not there.beside.keys() - {"drill"}
        note = need_reachable(at, there.current, to) if there.current is not None and fresh else ""
        ask = counter(at.run, settings, rows=False) if there.current is not None else None
        print_lines(_announced(at, there, to, note), err=True)
        agree(yes)
        counts: list[DatabaseCount] = []

        def check(new: Observed) -> None:
            if ask is not None:
                counts.append(ask(str(new.raw["Endpoint"]["Address"])))

        begun = time.monotonic()
        with watched(at, "restore", _rows("restored", "replaced", ""), {}, as_json=as_json):
            current = restore_database.restore(at.run, to, exact, check)
        _report(at, current, counts, at.clock.of(time.monotonic() - begun), as_json)


def _announced(at: Session, there: Instances, to: RestorePoint, note: str) -> Iterator[str]:
    from awsdeploy.operations.restore_database import begun_to

    if begun := begun_to(there):
        yield f"Continues the restore to {begun} that was begun:"
        yield from (f"  {one.id} is {one.kind.kept_for(one)}" for one in there.beside.values())
        return
    assert there.current is not None  # noqa: S101  # tells mypy
    when = f"{to.time.astimezone(at.settings.tz):%Y-%m-%d %H:%M:%S%z}" if to.time else str(to)
    yield f"Restores {there.current.id} to: {when}{note}"
    yield "  1. A new instance is restored beside it, with its settings, and asked from a machine (about 20 minutes)."
    yield "  2. The two change names. The database cannot be reached meanwhile (about 20 minutes)."
    yield "  What was written after that time is not in the restored database. The instance of now is kept, and billed,"
    yield f"  until `{next_command('restore', 'finish')}` or `{next_command('restore', 'undo')}`."


def _rows(*roles: str) -> list[tuple[str, list[BoardRow]]]:
    from awsdeploy.architecture import STEPS
    from awsdeploy.operations.database_instances import KEY
    from awsdeploy.progress.steps import BoardRow
    from awsdeploy.resources.database.instance import Database

    keys = [f"{KEY}/{role}" if role else KEY for role in roles]
    return [(STEPS["database"], [BoardRow(key, Database.noun(), Database.wait.usual) for key in keys])]


def _report(at: Session, current: Observed, counts: list[DatabaseCount], seconds: float, as_json: bool) -> None:
    from awsdeploy.progress.steps import spell
    from awsdeploy.resources.database.instance import restored_from

    finish, undo = next_command("restore", "finish"), next_command("restore", "undo")
    endpoint = f"{current.raw['Endpoint']['Address']}:{current.raw['Endpoint']['Port']}"
    if as_json:
        document = {
            **at.header,
            "seconds": round(seconds, 1),
            "restored_to": restored_from(current),
            "id": current.id,
            "endpoint": endpoint,
            "tables": counts[-1].tables if counts else None,
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    checked = f" ({counts[-1]})" if counts else ""
    print_lines(
        [
            f"Restored {current.id} to {restored_from(current)}{checked} in {spell(seconds)}.",
            f"  endpoint, as before: {endpoint}",
            "",
            f"Check the application. Then delete the instance of before: {finish}",
            f"Or bring it back: {undo}",
        ]
    )


@click.command("finish", cls=ExampleHelp, examples="  awsdeploy restore finish\n")
@confirm_option
@json_option
@shared_options()
def finish(given: Given, confirm: str | None, as_json: bool) -> None:
    """Keep the restored database: delete the instance that it replaced, after a final snapshot."""
    settings = given.settings()
    need_own_database(settings)
    need_stack_name(settings.stack, confirm, "Nothing was changed.")
    with session(given, settings, "restore", writes=True) as at:
        from awsdeploy.operations import restore_database

        old = restore_database.replaced(at.run)
        click.echo(f"Deletes {old.id}, after a final snapshot. The restore can then not be undone.", err=True)
        if confirm is None:
            agree_by_name(str(settings.stack), "Nothing was changed.")
        with watched(at, "restore", _rows("replaced"), {}, as_json=as_json):
            restore_database.finish(at.run)
        _gone(at, old, as_json)


@click.command("undo", cls=ExampleHelp, examples="  awsdeploy restore undo\n")
@confirm_option
@json_option
@shared_options()
def undo(given: Given, confirm: str | None, as_json: bool) -> None:
    """Bring back the database of before the restore, and delete the restored one.

    If the restored one was in use, AWS takes a final snapshot of it: it has what was written since.
    """
    settings = given.settings()
    need_own_database(settings)
    need_stack_name(settings.stack, confirm, "Nothing was changed.")
    with session(given, settings, "restore", writes=True) as at:
        from awsdeploy.operations import restore_database

        there = restore_database.undoable(at.run)
        print_lines((f"{one.id}: {one.kind.kept_for(one)}" for one in there.beside.values()), err=True)
        if "replaced" in there.beside:
            click.echo("The database cannot be reached while the two change names: about 20 minutes.", err=True)
        if confirm is None:
            agree_by_name(str(settings.stack), "Nothing was changed.")
        roles = ("discarded", "replaced", "") if "replaced" in there.beside else (*there.beside, "")
        with watched(at, "restore", _rows(*roles), {}, as_json=as_json):
            deleted = restore_database.undo(at.run)
        _gone(at, deleted, as_json)


def _gone(at: Session, deleted: Observed | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**at.header, "deleted": deleted.id if deleted else None}, indent=2))
    else:
        click.echo(f"Deleted {deleted.id}." if deleted else "The database of before the restore is back.")
