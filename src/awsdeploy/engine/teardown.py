"""Take things down in the order their kinds demand, without any record, and prove that nothing is left.

What is deleted is what a look at AWS finds; the order comes from the field annotations of the kinds
(what points at something goes before it); refusals because something else still uses it are waited out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from awsdeploy.aws.refusals import tolerated
from awsdeploy.aws.remedies import GO_ON
from awsdeploy.aws.session import AnswerLost, AwsRefusal
from awsdeploy.engine import schedule
from awsdeploy.engine.blockage import Blockage, explained
from awsdeploy.engine.deletion import Asked, DeletionProgress
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.kind_order import needs
from awsdeploy.engine.pace import Pace
from awsdeploy.engine.resource import (
    KINDS,
    TAG_RESOURCE,
    DestroyOptions,
    Observed,
    Resource,
    Retained,
)
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import combined_error
from awsdeploy.errors import AwsdeployError, AwsFailure, Leftovers, TimedOut
from awsdeploy.state.record import StateEntry
from awsdeploy.state.stack_lock import RENEW_EVERY


@dataclass
class DestroyPlan:
    """Objects that a destroy deletes, and objects that it retains, with the reason and the monthly cost."""

    going: list[Observed]
    staying: list[tuple[Observed, Retained]]
    options: DestroyOptions

    @property
    def lost_data(self) -> list[Observed]:
        return [one for one in self.going if one.kind.data]

    def usual(self, observed: Observed) -> float:
        """Seconds that the deletion of one object usually takes, with the final copy of its data."""
        return _usual(observed, self.options)

    @property
    def without_snapshot(self) -> list[Observed]:
        """Objects that would be deleted after a final snapshot that AWS cannot take."""
        return [] if self.options.data else [one for one in self.going if one.without_snapshot]

    @property
    def locked(self) -> list[Observed]:
        """Objects whose deletion protection is on and cannot be turned off now."""
        return [one for one in self.going if one.locked]


def _usual(observed: Observed, options: DestroyOptions) -> float:
    kind = observed.kind
    copied = kind.data and kind.copies and not options.data and not observed.state.empty
    return float(kind.deletion.usual + (KINDS[kind.copies].wait.usual if copied else 0))


def stamp() -> str:
    """UTC now, as it appears in the names of final snapshots."""
    return f"{datetime.now(UTC):%Y%m%d%H%M%S}"


def survey(run: Run, options: DestroyOptions) -> DestroyPlan:
    """Look at everything of the stack and sort it. Raises `NoSuchStack` where there is nothing at all."""
    observations = run.look_everywhere(run.pin, run.read_record)
    if not observations and run.record is None:
        run.state.remove()
        raise run.missing
    going, staying = _sorted(run, observations, options)
    return DestroyPlan(going, staying, options)


def _sorted(
    run: Run, observations: Sequence[Observed], options: DestroyOptions
) -> tuple[list[Observed], list[tuple[Observed, Retained]]]:
    """Objects to delete, and objects to retain on purpose."""
    going: list[Observed] = []
    staying: list[tuple[Observed, Retained]] = []
    for observed in observations:
        if retained := _kept(run, observed, options):
            staying.append((observed, retained))
        else:
            going.append(observed)
    return going, staying


def destroy(run: Run, destroy_plan: DestroyPlan) -> None:
    """Delete everything in the plan, sweep, and delete the stack's record last.

    Raises `Leftovers` naming what the sweep found, `RunFailed`, `TimedOut`, or what stopped the run.
    """
    run.state.save()
    with run.writing("destroy"):
        remove(run, destroy_plan.going + _latecomers(run, destroy_plan), destroy_plan.options)
        destroy_plan.staying = sweep(run, destroy_plan.options)
        run.stack_lock.remove()
    if destroy_plan.staying:
        run.state.entries.clear()
        run.state.save()
    else:
        run.state.remove()


def _latecomers(run: Run, destroy_plan: DestroyPlan) -> list[Observed]:
    """Objects that an interrupted run created and AWS lists only now. Unseen, they would block others."""
    known = {one.id for one in destroy_plan.going} | {observed.id for observed, _ in destroy_plan.staying}
    seen = {one.key for one in destroy_plan.going} | {observed.key for observed, _ in destroy_plan.staying}
    unsettled = {k: e.age() for k, e in run.state.entries.items() if e.phase in ("creating", "created")}
    lost = unsettled.keys() - seen
    seconds = max((run.settle - unsettled[key] for key in lost), default=0.0)
    if (forgotten := run.forgotten_for) is not None:
        seconds = max(seconds, run.settle + RENEW_EVERY - forgotten)
    late: list[Observed] = []
    for _ in run.polling.ticks(run.stop, seconds) if seconds > 0 else ():
        run.cache.forget()
        observations = run.look_everywhere()
        late = [one for one in observations if one.id not in known and not _kept(run, one, destroy_plan.options)]
        if forgotten is None and lost <= {one.key for one in observations}:
            break
    return late


def remove(run: Run, observations: Sequence[Observed], options: DestroyOptions) -> None:
    """Delete these objects and wait for each. Errors are raised at the end, after everything else is deleted."""
    leaving, before = DeletionProgress(), order(observations)
    pace = Pace(run.polling, before, {one: _usual(one, options) for one in observations})

    def part(observed: Observed) -> None:
        try:
            with run.reporting(observed.key):
                _part(run, observed, options, leaving, pace)
        except AwsdeployError:
            leaving.failed = True
            raise
        finally:
            leaving.finished(observed)

    def skip(observed: Observed) -> None:
        run.emit(ResourceEvent(observed.key, "skipped", detail="something that uses it could not be deleted"))

    errors = schedule.run(before, part, run.stop, skip)
    if errors:
        failed = ((observed.key, error) for observed, error in errors.items())
        raise combined_error(failed, "Not everything could be deleted")


def order(observations: Sequence[Observed]) -> dict[Observed, set[Observed]]:
    """The objects that are deleted before each of these objects."""
    users = _users({one.kind for one in observations})
    return {one: {other for other in observations if other.kind in users[one.kind]} for one in observations}


def _users(kinds: set[type[Resource]]) -> dict[type[Resource], set[type[Resource]]]:
    """Kinds that must be deleted before each kind: those that refer to it, directly or not, or create it again."""
    below = {kind: _below(kind) for kind in kinds}

    def uses(other: type[Resource], kind: type[Resource]) -> bool:
        return kind in below[other] or other.__name__ in kind.deletion.recreated_by

    return {kind: {other for other in kinds if other is not kind and uses(other, kind)} for kind in kinds}


def _below(kind: type[Resource]) -> set[type[Resource]]:
    """Every kind it points at, also through kinds of which nothing exists any more."""
    found: set[type[Resource]] = set()
    todo = [kind]
    while todo:
        above = todo.pop()
        new = {one for one in needs(above) if one.__name__ not in above.deletion.recreated_by} - found
        found |= new
        todo += new
    return found


def _part(run: Run, observed: Observed, options: DestroyOptions, leaving: DeletionProgress, pace: Pace) -> None:
    begun = last_hope = time.monotonic()
    view = run.view_of(observed, removing=True)
    _announce(run, observed)
    run.emit(ResourceEvent(observed.key, "deleting", observed.status))
    shown, current, blockage, rule = "", observed, Blockage(run), observed.kind.deletion
    asked, looked = Asked(run.settle, run.polling), begun
    for tick in pace.ticks(observed, run.stop, rule.timeout):
        run.stop.check()
        blocked, accepted, before, age = asked.refusal, False, tolerated(), tick.age
        try:
            if asked.is_due(current, looked):
                blocked, age = "", 0.0
                with run.cache.changing(observed.kind, observed.region):
                    observed.kind.delete(view, current, options)
                tick.begun = asked.of(current)
                accepted = True
        except AnswerLost:
            pass  # the look tells
        except AwsRefusal as refusal:
            if failure := explained(run, current, refusal, options):
                raise failure from None
            blocked = refusal.text
            asked.of(current, blocked)
        looked = time.monotonic() - age
        seen: Observed | None = current
        # AWS may answer "not found" of what it has created a moment ago: then only a look tells.
        told = rule.immediate and tolerated() == before
        if told and accepted:
            seen = None
            run.cache.deleted(observed)
            run.deleted.add((observed.kind, observed.id))
        elif not (told and blocked):
            seen = run.reread(observed.kind, observed.region, observed.id, age)
        tick.blocked = told and bool(blocked)
        if seen is None:
            pace.ready(observed)
            run.state.gone(_place(run, observed))
            run.emit(ResourceEvent(observed.key, "gone"))
            return
        current = seen
        waits = bool(blocked) or not seen.state.leaving
        leaving.started(observed, waits)
        why = ". ".join(filter(None, (blocked.rstrip("."), blockage.words(seen, waits))))
        if not leaving.stuck:
            last_hope = time.monotonic()
        elif time.monotonic() - last_hope > run.settle:
            raise AwsFailure(f"{observed.id} is still in use ({why or seen.status}).", GO_ON)
        if (why or seen.status) != shown:
            shown = why or seen.status
            run.emit(ResourceEvent(observed.key, "deleting", seen.status, why, observed.kind.wait.usual))
    raise TimedOut(
        f"{observed.id} still exists ({shown}).",
        f"AWS continues. {GO_ON}",
    )


def _place(run: Run, observed: Observed) -> str:
    """Return the state entry of this object. A replaced object and its replacement have separate entries."""
    entry = run.state.entries.get(observed.key)
    return observed.key if entry is None or entry.id in ("", observed.id) else f"{observed.key}@{observed.generation}"


def _announce(run: Run, observed: Observed) -> None:
    place = _place(run, observed)
    if place in run.state.entries:
        run.state.mark(place, "deleting", id=observed.id)
    else:
        run.state.put(
            place,
            StateEntry(observed.kind.__name__, "deleting", observed.generation, observed.id, region=observed.region),
        )


def _kept(run: Run, observed: Observed, options: DestroyOptions) -> Retained | None:
    retained: Retained | None = observed.kind.keep(run.view_of(observed), observed, options)
    return retained


def sweep(run: Run, options: DestroyOptions) -> list[tuple[Observed, Retained]]:
    """A second look that trusts no record: every kind afresh, and AWS's own index of tags for kinds we do not know.

    What AWS makes by itself (the day's images) it may have made until a moment ago: that is removed, and looked for
    again. Returns what is kept on purpose. Raises `Leftovers` for anything else.
    """
    kept, left, tagged = _still_there(run, options)
    if meanwhile := [one for one in left if one.kind.deletion.recreated_by]:
        remove(run, meanwhile, options)
        kept, left, tagged = _still_there(run, options)
    if left or tagged:
        named = [f"{observed.kind.noun()} {observed.id} ({observed.key})" for observed in left] + tagged
        lines = "\n".join(f"  {line}" for line in named)
        raise Leftovers(f"These resources still exist:\n{lines}", "Run the same command again.")
    return kept


def _still_there(
    run: Run, options: DestroyOptions
) -> tuple[list[tuple[Observed, Retained]], list[Observed], list[str]]:
    """Objects that are retained, other objects that exist, and objects that only the tag index lists."""
    run.cache.forget()
    tagged: list[str] = []
    observations = run.look_everywhere(*(partial(_index, run, region, tagged) for region in sorted(run.regions)))
    left, kept = _sorted(run, observations, options)
    for _ in run.polling.ticks(run.stop, run.settle):
        # AWS may list for a while what it has deleted.
        deleted = [one for one in left if (one.kind, one.id) in run.deleted]
        late = {(one.kind, one.region) for one in deleted if not one.kind.deletion.recreated_by}
        if not late:
            break
        left = [one for one in left if (one.kind, one.region) not in late]
        left += [one for pair in late for one in run.cache.look(*pair) if not _kept(run, one, options)]
    return kept, left, tagged


def _index(run: Run, region: str, found: list[str]) -> None:
    """Ask the tagging API for what carries the stack's tag and belongs to no kind of ours.

    AWS's index lists deleted objects for a while, so for kinds that have a scan the scan decides.
    """
    ours = {part for kind in KINDS.values() for part in kind.arns}
    for arn, tags in run.tagged(region):
        if not any(part in arn for part in ours) and not tags.get(TAG_RESOURCE, "").startswith("stack/"):
            found.append(f"{arn} ({tags.get(TAG_RESOURCE, 'unknown')})")
