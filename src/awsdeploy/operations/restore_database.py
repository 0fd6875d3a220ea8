"""Restore of the database: a new instance beside it, checked, which then takes its name.

The database keeps its name and so its endpoint; what it was before stays under another name until `finish` or `undo`.
Which steps are done is in the names of the instances, so the same command continues after a crash:

    database + restored              created, and perhaps checked
    restored + replaced              the database has given its name away; nothing answers at the endpoint
    database + replaced              restored
    replaced + discarded             an undo has taken the name from the restored database
    database + discarded             undone; the discarded one is still to be deleted
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from awsdeploy.engine import teardown
from awsdeploy.engine.observed import DestroyOptions, Observed
from awsdeploy.engine.run import Run
from awsdeploy.errors import Refused, next_command
from awsdeploy.operations.database_instances import (
    Instances,
    RestorePoint,
    converge,
    exported,
    find,
    make,
    rename,
    settings_of,
)
from awsdeploy.resources.database.beside import DISCARDED, REPLACED, RESTORED
from awsdeploy.resources.database.instance import EXPORTS, restored_from

Check = Callable[[Observed], object]
"""Asks a restored instance; raises if it does not answer."""


def survey(run: Run, point: RestorePoint, exact: bool) -> Instances:
    """Look at what exists. Without `exact` the point is a period before now: it continues an unfinished restore to a
    time, since that is another one whenever it is typed.

    Raises `NoSuchStack`, and `Refused` for what has to be ended first.
    """
    run.need_record()
    there = find(run)
    others = there.beside
    if DISCARDED in others:
        raise Refused("An undo has not finished.", f"To finish it: {next_command('restore', 'undo')}")
    if there.current is None and not {RESTORED, REPLACED} <= others.keys():
        raise Refused(
            f"{run.stack} has no database.",
            f"To create it from a snapshot: {next_command('up', '--restore-snapshot', 'SNAPSHOT')}",
        )
    if there.current is not None and there.current.status == "stopped":
        raise Refused(f"{there.current.id} is stopped.", f"To start it: {next_command('resume')}")
    begun = begun_to(there)
    same = begun == str(point) if exact else _is_time(begun)
    # The newest data and a period mean something else today than they did for a restore that is done.
    if begun and (not same or (_done(run, there) and not (exact and begun != str(RestorePoint())))):
        _other(there, begun)
    return there


def _done(run: Run, there: Instances) -> bool:
    """True if nothing of a restore is left to do but its end."""
    old, current = there.beside.get(REPLACED), there.current
    if old is None or current is None or RESTORED in there.beside or not current.state.usable:
        return False
    return not list(settings_of(run, old, logs=EXPORTS)(current))


def _is_time(begun: str) -> bool:
    return begun[:1].isdigit()  # a snapshot's name begins with a letter


def begun_to(there: Instances) -> str:
    """The point of a restore that is under way or not ended; empty if there is none."""
    restored = there.beside.get(RESTORED) or (there.current if REPLACED in there.beside else None)
    return restored_from(restored) if restored else ""


def _other(there: Instances, begun: str) -> NoReturn:
    if RESTORED in there.beside:
        what = f"A restore to {begun} has not finished."
        again, undo = next_command("restore", "database", "--to", begun), next_command("restore", "undo")
        raise Refused(what, f"To continue it: {again}, or undo it: {undo}")
    finish, undo = next_command("restore", "finish"), next_command("restore", "undo")
    raise Refused(f"The database was restored to {begun}.", f"First keep that: {finish}, or undo it: {undo}")


def restore(run: Run, point: RestorePoint, exact: bool, check: Check) -> Observed:
    """Restore the database; returns it as it is then.

    Holds the stack's lock. Raises `Refused`, `AwsFailure`, `TimedOut`; what `check` raises leaves the database as it
    was.
    """
    with run.writing("restore"):
        there = survey(run, point, exact)
        current, new, old = there.current, there.beside.get(RESTORED), there.beside.get(REPLACED)
        if new is None and old is None and current is not None:
            new = make(run, current, RESTORED, point)
        if new is not None:
            source = current or old
            assert source is not None  # noqa: S101  # tells mypy: `survey` has refused everything else
            new = converge(run, new, settings_of(run, source, logs=()))
            if current is not None:
                check(new)
                converge(run, current, exported(run, ()))
                old = rename(run, current, REPLACED)
            current = rename(run, new, "")
        assert current is not None and old is not None  # noqa: S101, PT018  # tells mypy
        return converge(run, current, settings_of(run, old, logs=EXPORTS))


def replaced(run: Run) -> Observed:
    """The instance that `finish` deletes. Raises `Refused` if no restore waits for its end."""
    run.need_record()
    there = find(run)
    if REPLACED in there.beside and there.current is not None and DISCARDED not in there.beside:
        return there.beside[REPLACED]
    if there.beside.keys() & {RESTORED, REPLACED, DISCARDED}:
        again = next_command("restore", "undo")
        raise Refused(
            "The restore has not come to its end.", f"Run `restore database` again to continue it, or undo it: {again}"
        )
    raise Refused("No restore of the database waits for its end.", f"To see what exists: {next_command('status')}")


def finish(run: Run) -> Observed:
    """Delete the instance that the restore replaced, after a final snapshot; returns what was deleted."""
    with run.writing("restore"):
        old = replaced(run)
        teardown.remove(run, [old], DestroyOptions(snapshot=teardown.stamp()))
        return old


def undoable(run: Run) -> Instances:
    """Instances that `undo` finds. Raises `Refused` if there is nothing to undo."""
    run.need_record()
    there = find(run)
    if not there.beside.keys() & {RESTORED, REPLACED, DISCARDED}:
        raise Refused("There is no restore to undo.", f"To see what exists: {next_command('status')}")
    old = there.beside.get(REPLACED)
    if old is not None and old.state.leaving:
        raise Refused(
            f"{old.id} is being deleted, so it cannot be brought back.",
            f"Its final snapshot can be restored: {next_command('backups')}",
        )
    return there


def undo(run: Run) -> Observed | None:
    """Bring the replaced instance back; returns what was deleted instead.

    A restored instance that was in use gets a final snapshot: it has what was written since the restore.
    """
    with run.writing("restore"):
        there = undoable(run)
        current, old = there.current, there.beside.get(REPLACED)
        unused, discarded = there.beside.get(RESTORED), there.beside.get(DISCARDED)
        if old is not None:
            if current is not None:
                converge(run, current, exported(run, ()))
                discarded = rename(run, current, DISCARDED)
            current = rename(run, old, "")
        if current is not None:
            converge(run, current, exported(run, EXPORTS))
        stamp = teardown.stamp()
        if discarded is not None:
            teardown.remove(run, [discarded], DestroyOptions(snapshot=stamp))
        if unused is not None:  # a copy of a backup that nobody has used
            teardown.remove(run, [unused], DestroyOptions(data=True, snapshot=stamp))
        return discarded or unused
