"""Make AWS match the plan: create and change each resource as soon as its dependencies are ready.

For each resource: write the intention to disk, send the create call, write the id to disk, wait, apply the differences
until there are none. After a crash the same steps start again: a token or a unique name makes it safe to repeat the
create call. A resource with neither is looked for first.
"""

from __future__ import annotations

import dataclasses
import time

from awsdeploy.aws.remedies import GO_ON
from awsdeploy.aws.session import AnswerLost, AwsRefusal
from awsdeploy.engine import plan as planning
from awsdeploy.engine import schedule, teardown
from awsdeploy.engine.changes import SentChanges
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.pace import Pace
from awsdeploy.engine.plan import Plan
from awsdeploy.engine.resource import (
    DestroyOptions,
    Gate,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import combined_error
from awsdeploy.engine.turns import Turn, Turns
from awsdeploy.errors import AwsFailure, Refused, TimedOut
from awsdeploy.state.record import StateEntry
from awsdeploy.state.stack_lock import RENEW_EVERY

UNSEEN = 300.0  # seconds a new object may stay out of AWS's lists before we say so
ATTEMPTS = 10  # how often a create is sent whose answer is lost


def apply(run: Run, plan: Plan) -> None:
    """Carry out `plan`. Holds the stack's lock only if there is something to write.

    Raises `RunFailed` naming each root cause once, `TimedOut`, `StateLocked`, or what stopped the run.
    """
    if plan.may_write:
        run.state.save()  # account and region are pinned, and a crash finds a record, before anything is made
        with run.writing("up"):
            plan = _still_agreed(run, plan)
            _carry_out(run, plan)
    else:
        _carry_out(run, plan)
    run.pin()
    _forget_the_gone(run, plan)


def _still_agreed(run: Run, plan: Plan) -> Plan:
    """The plan as of now: since it was made AWS may show what a crashed run or another machine has made.

    Nothing can have been made of a stack that this run has declared itself. Raises `Refused` if the plan would now
    take away more than was agreed to.
    """
    if plan.new and run.stack_lock.declared:
        return plan
    run.cache.forget()
    if plan.existing(run.look_everywhere()) == plan.existing(plan.observations):
        return plan
    run.observations.clear()
    again = planning.make(run, plan.steps, plan.replace)
    if again.conflicts or not again.taken_away <= plan.taken_away:
        raise Refused(f"{run.stack} has changed since this plan was made.", "Run the same command again.")
    return again


def _carry_out(run: Run, plan: Plan) -> None:
    builder = Builder(run, plan)
    errors = schedule.run(plan.needs(), builder.converge, run.stop, builder.skip)
    if errors:
        raise combined_error((resource.key, error) for resource, error in errors.items())
    if plan.removals:
        # The replaced and the undeclared go last: everything that used them now uses what replaces them.
        teardown.remove(run, plan.removals, DestroyOptions(files=True, snapshot=teardown.stamp()))


def _forget_the_gone(run: Run, plan: Plan) -> None:
    keys = {resource.key for resource in plan.items}
    for key in [key for key in run.state.entries if key not in keys]:
        run.state.gone(key)


class Builder:
    """Brings one resource at a time to what is declared; called from many threads."""

    def __init__(self, run: Run, plan: Plan) -> None:
        self.run, self.plan = run, plan
        self.touched: set[Resource] = set()
        usual = {one: item.resource.wait.usual for one, item in plan.items.items() if item.action != "none"}
        self.pace = Pace(run.polling, plan.needs(), usual)
        self.turns = Turns(run.stop)

    def skip(self, resource: Resource) -> None:
        self.run.emit(ResourceEvent(resource.key, "skipped", detail="not started: a dependency failed"))

    def converge(self, resource: Resource) -> None:
        """Create, wait, apply differences, record. Raises `AwsdeployError` with the cause."""
        item = self.plan.items[resource]
        quiet = item.action == "none" and not self.touched.intersection(resource.edges())
        with self.run.reporting(resource.key):
            if quiet:
                observed = self.run.observations[resource]
            else:
                observed = self._bring_about(resource)
                if item.writes:
                    self.touched.add(resource)
        self.run.observations[resource] = observed
        if not isinstance(resource, Gate) and not resource.existing:
            self.run.state.put(resource.key, self._entry(resource, "ready", observed.id))
        self.run.emit(ResourceEvent(resource.key, "ready", observed.status))

    def _bring_about(self, resource: Resource) -> Observed:
        if resource.existing and (there := self.plan.items[resource].observed):
            return there
        observed = None if isinstance(resource, Gate) else self._existing(resource)
        with self.turns.one() as turn:
            return self._without_differences(resource, observed, turn)

    def _without_differences(self, resource: Resource, observed: Observed | None, turn: Turn) -> Observed:
        """Apply the differences until there are none."""
        view, sent = self.run.view_of(resource), SentChanges(self.run.settle)
        looked = last = time.monotonic()
        while True:
            observed = self._wait(resource, observed)
            self.run.observations[resource] = observed
            changes = list(resource.differences(view, observed))
            if turn.taken_for(changes):
                changes = list(resource.differences(view, observed))  # others had theirs meanwhile
            if turn.held and not changes:
                changes = list(resource.rejoin(view, observed))
            if not changes:
                if not observed.state.usable:
                    raise observed.failure(resource.remedy)
                return observed
            if due := sent.due(observed, changes, looked):
                self.touched.add(resource)
                self.run.state.changing(resource.key, resource.declaration())
                told = sent.send(self.run, observed, changes, due)
                if told and resource.immediate and observed.state.usable:
                    return observed
                last = time.monotonic()
            else:
                self.run.stop.sleep(self.run.polling.after(time.monotonic() - last))
            looked = time.monotonic()
            if not isinstance(resource, Gate):
                observed = self.run.seen(type(resource), self.run.of(resource), observed.id) or observed

    def _existing(self, resource: Resource) -> Observed:
        """Usable object of the resource, created if there is none."""
        observed = self.plan.items[resource].observed
        if observed and observed.state.replace:
            teardown.remove(self.run, [observed], DestroyOptions())
            observed = None
        if observed and observed.state.leaving:
            self._until_gone(resource, observed)
            observed = None
        if observed:
            return observed
        with self.run.cache.changing(type(resource), self.run.of(resource)):
            return self._create(resource)

    def _create(self, resource: Resource) -> Observed:
        """Ask AWS for it, once, whatever happens to the answer."""
        run, key = self.run, resource.key
        before = run.state.entries.get(key)
        generation = run.generations[resource]
        interrupted = before if before and before.generation == generation and self._unsettled(before) else None
        if observed := self._look_for_lost(resource, interrupted):
            run.state.put(key, self._entry(resource, "created", observed.id))
            return observed
        entry = self._entry(resource, "creating", "")
        entry.token = interrupted.token if interrupted else ""
        entry = run.state.creating(key, entry)
        run.emit(ResourceEvent(key, "creating", usual=resource.wait.usual))
        doubtful, lost = interrupted is not None, None
        for _ in range(ATTEMPTS):
            run.stop.check()
            try:
                made: str | Observed = resource.create(run.view_of(resource, entry.token))
            except AnswerLost as unknown:
                doubtful, lost = True, unknown
                if resource.idempotency is Idempotency.NONE and (observed := self._look(resource, run.settle)):
                    made = observed.id
                else:
                    continue
            except AwsRefusal as refusal:
                if refusal.code != "IdempotentParameterMismatch":
                    if not doubtful:
                        run.state.gone(key)  # nothing was made: no later run has to look for it
                    raise
                # The token was used by the crashed run with other values: take what that run made, or a new token.
                if not (observed := self._look(resource, run.settle)):
                    entry.token = ""
                    entry = run.state.creating(key, entry)
                    continue
                made = observed.id
            id = made if isinstance(made, str) else made.id
            run.state.mark(key, "created", id=id)
            if isinstance(made, str) or doubtful:  # what an earlier call made may have been changed since
                return Observed(type(resource), key, id, generation, "", {}, run.of(resource))
            run.cache.made(made)
            return made
        raise lost or AwsFailure(f"{resource.noun()}: AWS accepts neither the old client token nor a new one.", GO_ON)

    def _unsettled(self, entry: StateEntry) -> bool:
        """Check whether the object of a state entry may exist although AWS does not list it yet."""
        return entry.phase == "creating" or (entry.phase in ("created", "ready") and entry.age() < self.run.settle)

    def _look_for_lost(self, resource: Resource, interrupted: StateEntry | None) -> Observed | None:
        """Object that a crashed run may have created without recording its id, unless a repeated create is harmless."""
        if resource.idempotency is Idempotency.NAME or (interrupted and resource.idempotency is Idempotency.TOKEN):
            return None
        if interrupted:
            return self._look(resource, self.run.settle - interrupted.age())
        # The record had the token too.
        if (forgotten := self.run.forgotten_for) is not None:
            return self._look(resource, self.run.settle + RENEW_EVERY - forgotten)
        return None

    def _look(self, resource: Resource, seconds: float) -> Observed | None:
        """Look for our own object until it shows, for at most `seconds`; once at least."""
        self.run.emit(ResourceEvent(resource.key, "waiting", detail="looking for what the interrupted run created"))
        generation = self.run.generations[resource]
        for _ in self.run.polling.ticks(self.run.stop, max(0.0, seconds)):
            for observed in self.run.cache.look(type(resource), self.run.of(resource), at_once=True):
                if observed.key == resource.key and observed.generation == generation:
                    return observed
        return None

    def _reread(self, resource: Resource, id: str, age: float = 0.0) -> Observed | None:
        return self.run.reread(type(resource), self.run.of(resource), id, age)

    def _wait(self, resource: Resource, known: Observed | None) -> Observed:
        """Look until it can be used or changed. Raises `AwsFailure` with AWS's reason, or `TimedOut`."""
        rule, run = resource.wait, self.run
        view = run.view_of(resource)
        shown = ""
        observed = known
        for tick in self.pace.ticks(resource, run.stop, rule.deadline):
            if isinstance(resource, Gate):
                observed = resource.observe(dataclasses.replace(view, age=tick.age))
                run.on_look(type(resource), run.of(resource), [observed])
            elif known is not None and (tick.waited or not known.raw):
                observed = self._reread(resource, known.id, tick.age)
                if observed and known.new:
                    observed = dataclasses.replace(observed, new=True)
            if observed is None:
                if tick.waited > UNSEEN:
                    break
                continue
            state = observed.state
            if state.usable or state.modifiable:
                self.pace.ready(resource)
                return observed
            if state.replace or state.remedy:
                raise observed.failure(resource.remedy)
            if observed.status != shown:
                shown = observed.status
                run.emit(ResourceEvent(resource.key, "waiting", observed.status, observed.reason, rule.usual))
        if observed is None and known is not None:
            run.state.gone(resource.key)
            raise AwsFailure(f"{known.id} was created, but AWS does not list it.", "Run the same command again.")
        status = observed.status if observed else "unknown"
        reason = f" ({observed.reason})" if observed and observed.reason else ""
        raise TimedOut(
            f"still {status}{reason} after {rule.deadline / 60:.0f} minutes; AWS continues.",
            "Run the same command again later: it continues to wait.",
        )

    def _until_gone(self, resource: Resource, observed: Observed) -> None:
        self.run.emit(
            ResourceEvent(resource.key, "waiting", observed.status, "waiting for the previous one to be deleted")
        )
        for _ in self.run.polling.ticks(self.run.stop, resource.deletion.timeout):
            if not self._reread(resource, observed.id):
                return
        raise TimedOut(f"{observed.id} is still {observed.status}.", "Run the same command again later.")

    def _entry(self, resource: Resource, phase: str, id: str) -> StateEntry:
        return StateEntry(
            kind=type(resource).__name__,
            phase=phase,
            generation=self.run.generations[resource],
            id=id,
            region=self.run.of(resource),
            needs=[edge.key for edge in resource.edges()],
            declaration=resource.declaration(),
        )
