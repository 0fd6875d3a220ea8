"""Plan of an `up`, from one look at AWS: per resource nothing, create, change, replace or wait; and what is deleted.

The plan is the same code as the run: a change printed here is the `Change` that `up` applies.
"""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from awsdeploy.engine import ignored, schedule
from awsdeploy.engine.resource import Aws, Change, Gate, Observed, Resource
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure, UsageError, next_command

WRITES = ("create", "replace", "change")
NO_SNAPSHOT = (
    "{observed.key} ({observed.id}) would be deleted after a final snapshot, but AWS takes no snapshot in the status "
    "{observed.status} ({observed.explained}). {observed.remedy}"
)
LOCKED = (
    "The deletion protection of {observed.key} ({observed.id}) is on and cannot be turned off: "
    "it is {observed.status}. {remedy}"
)


@dataclass(frozen=True)
class Step:
    """One documented step and its resources: what people see, in the order they see it."""

    title: str
    resources: tuple[Resource, ...]


@dataclass
class Item:
    """One resource of the plan. `action` is none, create, replace, change or wait."""

    resource: Resource
    step: str
    action: str = "none"
    observed: Observed | None = None
    changes: list[Change] = field(default_factory=list)
    replaced: Sequence[Observed] = ()
    """The objects in whose place another is created."""

    @property
    def writes(self) -> bool:
        return self.action in WRITES

    def compare(self, aws: Aws) -> None:
        """Take what differs of what there is. What AWS is at work on already is only waited for."""
        if self.observed is None:
            return
        state = self.observed.state
        changeable = state.usable or state.modifiable
        self.changes = list(self.resource.differences(aws, self.observed)) if changeable else []
        if any(not change.begun for change in self.changes):
            self.action = "change"
        else:
            self.action = "none" if state.usable and not self.changes else "wait"


@dataclass
class Plan:
    """All items in the documented order, what `up` would delete, and the conflicts."""

    steps: Sequence[Step]
    items: dict[Resource, Item]
    removals: list[Observed]
    conflicts: list[str]
    new: bool
    """True if nothing of this stack exists yet."""
    observations: Sequence[Observed]
    """Everything of the stack as it was looked at."""
    replace: Collection[str] = ()
    """Keys that were to be recreated on request."""

    @property
    def writes(self) -> bool:
        return bool(self.removals) or any(item.writes for item in self.items.values())

    @property
    def may_write(self) -> bool:
        """True if applying the plan may write: a change that AWS is still making is corrected afterwards."""
        waits = (item for item in self.items.values() if item.action == "wait")
        return self.writes or any(not isinstance(item.resource, Gate) for item in waits)

    @staticmethod
    def existing(observations: Iterable[Observed]) -> set[tuple[type[Resource], str]]:
        """Existing objects of kinds that can be created, without those that are being deleted."""
        makeable = (one for one in observations if one.kind.create is not Resource.create)
        return {(one.kind, one.id) for one in makeable if not one.state.leaving}

    @property
    def quiet(self) -> bool:
        """True if there is nothing to change and nothing to wait for."""
        return not self.writes and all(item.action == "none" for item in self.items.values())

    @property
    def taken_away(self) -> set[str]:
        """Ids of what it deletes, and keys of what it recreates."""
        anew = {item.resource.key for item in self.items.values() if item.action == "replace"}
        return anew | {one.id for one in self.removals}

    @property
    def replaced(self) -> list[Observed]:
        """Removals in whose place the plan has another object."""
        return [one for one in self.removals if self._declares(one)]

    @property
    def undeclared(self) -> list[Observed]:
        """Removals that the config no longer has."""
        return [one for one in self.removals if not self._declares(one)]

    @property
    def kept(self) -> list[Observed]:
        """Objects that nothing declares and that `up` keeps for a purpose."""
        return [one for one in self.observations if one.kind.kept_for(one) and not one.state.leaving]

    def _declares(self, observed: Observed) -> bool:
        place = (observed.kind, observed.key)
        return any((type(resource), resource.key) == place for resource in self.items)

    @property
    def lost_data(self) -> list[Observed]:
        """Objects with data that the plan would delete."""
        return [one for one in self.removals if one.kind.data]

    def needs(self) -> dict[Resource, set[Resource]]:
        return {resource: set(resource.edges()) for resource in self.items}


def make(
    run: Run,
    steps: Sequence[Step],
    replace: Collection[str] = (),
    seen: Callable[[], tuple[Sequence[Step], Collection[str]]] | None = None,
) -> Plan:
    """Read all resources of the stack once and compare them with the declaration.

    If the declaration depends on what exists, `seen` is called after the read and returns the steps to use instead, and
    more keys to recreate.

    Raises `UsageError` for a `replace` key that is not declared, `WrongAccount` for a stack of another account.
    """
    resources = [resource for step in steps for resource in step.resources]
    order = _ordered(resources)
    if unknown := sorted(set(replace) - {resource.key for resource in resources}):
        raise UsageError(f"--replace {unknown[0]}: no such resource.", f"To see the keys: {next_command('plan')}")

    ignored.check(run.ignored, resources)
    run.use(*(resource.region for resource in resources))
    observations = run.look_everywhere(run.read_record, run.pin)
    if seen is not None:
        steps, more = seen()
        replace = {*replace, *more}
        resources = [resource for step in steps for resource in step.resources]
        order = _ordered(resources)
    by_key: dict[tuple[type[Resource], str], list[Observed]] = {}
    for observed in observations:
        by_key.setdefault((observed.kind, observed.key), []).append(observed)

    titles = {resource: step.title for step in steps for resource in step.resources}
    items = {resource: Item(resource, titles[resource]) for resource in resources}
    used: set[Observed] = set()
    for resource in order:
        same = by_key.get((type(resource), resource.key), [])
        counter = max((counter_of(one.generation) for one in same), default=0)
        counter += resource.key in replace
        generation = run.generations[resource] = _generation(run, resource, same, counter)
        item = items[resource]
        if resource.existing:
            item.observed = run.observations[resource] = resource.adopt(run.view_of(resource))
            item.action = "none" if item.observed.state.usable else "wait"
            used |= {one for one in observations if (one.kind, one.id) == (type(resource), item.observed.id)}
            continue
        # Of two alike the one that can be used: after a crash the one before may still be leaving.
        view = run.view_of(resource)
        current = [one for one in same if one.generation == generation and resource.fits(view, one)]
        current.sort(key=lambda observed: (observed.state.leaving, observed.state.replace, observed.id))
        if current:
            item.observed = current[0]
            used.add(current[0])
        if item.observed and not (item.observed.state.leaving or item.observed.state.replace):
            run.observations[resource] = item.observed
        elif not isinstance(resource, Gate):
            item.action, item.replaced = ("replace" if same else "create"), same

    _compare(run, [items[resource] for resource in order])
    lacking = [one.observed for one in unfit(items.values()) if one.observed]
    conflicts = [f"{one.key}: {one.reason}" for one in lacking if one.reason]
    conflicts += _conflicts(run, items.values())
    makeable = [one for one in observations if one.kind.create is not Resource.create]
    unused = [one for one in makeable if one not in used and not one.kind.deletion.keep_if_undeclared]
    unused = [one for one in unused if not one.kind.kept_for(one)]
    removals = [one for one in unused if not one.state.leaving]
    conflicts += [LOCKED.format(observed=one, remedy=one.kind.unlocking(one)) for one in removals if one.locked]
    conflicts += [NO_SNAPSHOT.format(observed=one) for one in removals if one.without_snapshot]
    return Plan(steps, items, removals, conflicts, run.record is None and not makeable, observations, replace)


def unfit(items: Iterable[Item]) -> list[Item]:
    """Existing objects that the stack refers to and that lack something, or are gone: only their owner can help."""
    return [item for item in items if item.resource.existing and item.action != "none"]


def _generation(run: Run, resource: Resource, same: Sequence[Observed], counter: int) -> str:
    """The generation of a resource: that of an existing object, if it can become this resource in place."""
    generation = resource.generation(run.generations, counter)
    if all(one.generation != generation for one in same):
        view = run.view_of(resource, fresh=False)
        for one in same:
            kept = resource.kept_generation(view, one, run.generations, counter)
            if kept and one.generation == kept and counter_of(kept) == counter:
                return kept
    return generation


def _ordered(resources: Sequence[Resource]) -> list[Resource]:
    declared = set(resources)
    if len({(type(resource), resource.key) for resource in resources}) != len(resources):
        raise AwsFailure(
            "Two resources of the architecture share a key.", "This is a bug in awsdeploy. Please report it."
        )
    needs = {resource: set(resource.edges()) for resource in resources}
    for resource, edges in needs.items():
        if missing := edges - declared:
            names = ", ".join(sorted(edge.key for edge in missing))
            raise AwsFailure(f"{resource.key} needs {names}, which no step declares.", "Please report this.")
    return list(graphlib.TopologicalSorter(needs).static_order())


def _compare(run: Run, items: Sequence[Item]) -> None:
    """Fill in changes and waits of what exists."""

    def compare(resource: Resource) -> None:
        item = by_resource[resource]
        view = run.view_of(resource, fresh=False)
        if isinstance(resource, Gate):
            missing = any(edge not in run.observations and not isinstance(edge, Gate) for edge in resource.edges())
            seen = None if missing else resource.observe(view)
            item.observed = seen
            if seen is None or not seen.state.usable:
                item.action = "wait"
            else:
                run.observations[resource] = seen
                item.compare(view)
        elif item.observed and item.action == "none" and not resource.existing:
            item.compare(view)
            if item.action == "change":
                _look_again(run, item)

    by_resource = {item.resource: item for item in items}
    # A gate is not read; resources that depend on it are compared after it.
    gates: dict[Resource, set[Resource]] = {
        item.resource: {edge for edge in item.resource.edges() if isinstance(edge, Gate)} for item in items
    }
    errors = schedule.run(gates, compare, run.stop)
    for error in errors.values():
        raise error


def _look_again(run: Run, item: Item) -> None:
    """Read again until AWS shows the last change: for a while it shows old and new values alternately.

    What refers to something that does not exist yet differs until `up` has created that.
    """
    resource, observed = item.resource, item.observed
    entry = run.state.entries.get(resource.key)
    if observed is None or entry is None or entry.declaration != resource.declaration():
        return
    if not all(edge in run.observations for edge in resource.edges()):
        return
    left = run.settle - entry.changed_before()
    if left <= 0:
        return
    view = run.view_of(resource)
    for waited in run.polling.ticks(run.stop, left):
        if waited:
            observed = run.seen(type(resource), run.of(resource), observed.id) or observed
        item.observed = run.observations[resource] = observed
        item.compare(view)
        if item.action != "change":
            return


def _conflicts(run: Run, items: Iterable[Item]) -> list[str]:
    """Reasons why AWS would refuse what is missing, or what is to be changed."""
    asked = [item for item in items if item.writes]
    found: dict[Resource, str] = {}

    def ask(item: Item) -> None:
        resource, view = item.resource, run.view_of(item.resource)
        if item.action == "change" and item.observed:
            found[resource] = resource.impossible(view, item.observed)
        else:
            found[resource] = resource.conflict(view)

    schedule.in_parallel({item.resource: partial(ask, item) for item in asked}, run.stop)
    return [found[item.resource] for item in asked if found[item.resource]]


def counter_of(generation: str) -> int:
    """Number of replacements on request of this key: the number after the dot of a generation."""
    tail = generation.rpartition(".")[2] if "." in generation else ""
    return int(tail) if tail.isdigit() else 0
