"""Plan of an `up`, from one look at AWS: per resource nothing, create, change, replace or wait; and what is deleted.

The plan is the same code as the run: a change printed here is the `Change` that `up` applies.
"""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from awsdeploy.engine import schedule
from awsdeploy.engine.resource import Aws, Change, Gate, Observed, Resource
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure, UsageError, next_command

WRITES = ("create", "replace", "change")
NO_SNAPSHOT = (
    "{live.key} ({live.id}) would be deleted after a final snapshot, but AWS takes no snapshot in the status "
    "{live.status} ({live.explained}). {live.remedy}"
)
LOCKED = (
    "The deletion protection of {live.key} ({live.id}) is on and cannot be turned off: it is {live.status}. {remedy}"
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
    live: Observed | None = None
    changes: list[Change] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        return self.action in WRITES

    def compare(self, aws: Aws) -> None:
        """Take what differs of what there is. What AWS is at work on already is only waited for."""
        if self.live is None:
            return
        state = self.live.state
        changeable = state.usable or state.modifiable
        self.changes = list(self.resource.differences(aws, self.live)) if changeable else []
        if any(not change.begun for change in self.changes):
            self.action = "change"
        else:
            self.action = "none" if state.usable and not self.changes else "wait"


@dataclass
class Plan:
    """All items in the documented order, what `up` would delete, and what stands in the way."""

    steps: Sequence[Step]
    items: dict[Resource, Item]
    removals: list[Observed]
    conflicts: list[str]
    new: bool
    """Whether nothing of this stack exists yet."""
    lives: Sequence[Observed]
    """Everything of the stack as it was looked at."""
    replace: Collection[str] = ()
    """What was to be made anew on request."""

    @property
    def writes(self) -> bool:
        return bool(self.removals) or any(item.writes for item in self.items.values())

    @property
    def may_write(self) -> bool:
        """Whether carrying it out may change something: what AWS is still at work on is repaired afterwards."""
        waits = (item for item in self.items.values() if item.action == "wait")
        return self.writes or any(not isinstance(item.resource, Gate) for item in waits)

    @staticmethod
    def existing(lives: Iterable[Observed]) -> set[tuple[type[Resource], str]]:
        """What there is of kinds that can be made, without what is on its way out."""
        makeable = (live for live in lives if live.kind.create is not Resource.create)
        return {(live.kind, live.id) for live in makeable if not live.state.leaving}

    @property
    def quiet(self) -> bool:
        """Nothing to change and nothing to wait for."""
        return not self.writes and all(item.action == "none" for item in self.items.values())

    @property
    def taken_away(self) -> set[str]:
        """The ids of what it removes, and the keys of what it makes anew."""
        anew = {item.resource.key for item in self.items.values() if item.action == "replace"}
        return anew | {live.id for live in self.removals}

    @property
    def lost_data(self) -> list[Observed]:
        """What the plan would delete that cannot be made again."""
        return [live for live in self.removals if live.kind.data]

    def needs(self) -> dict[Resource, set[Resource]]:
        return {resource: set(resource.edges()) for resource in self.items}


def make(
    run: Run,
    steps: Sequence[Step],
    replace: Collection[str] = (),
    seen: Callable[[], Sequence[Step]] | None = None,
) -> Plan:
    """Look at everything of the stack once and compare it with the declaration.

    `seen` tells, after the look, the steps instead of those given, where what stands decides about them.

    Raises `UsageError` for a `replace` key that is not declared, `WrongAccount` for a stack of another account.
    """
    resources = [resource for step in steps for resource in step.resources]
    order = _ordered(resources)
    if unknown := sorted(set(replace) - {resource.key for resource in resources}):
        raise UsageError(f"--replace {unknown[0]}: no such resource.", f"To see the keys: {next_command('plan')}")

    run.use(*(resource.region for resource in resources))
    record: list[Any] = []

    def pin() -> None:
        run.state.pin(run.account, run.region)

    lives = run.look_everywhere(lambda: record.append(run.read_record()), pin)
    if seen is not None:
        steps = seen()
        resources = [resource for step in steps for resource in step.resources]
        order = _ordered(resources)
    by_key: dict[tuple[type[Resource], str], list[Observed]] = {}
    for live in lives:
        by_key.setdefault((live.kind, live.key), []).append(live)

    titles = {resource: step.title for step in steps for resource in step.resources}
    items = {resource: Item(resource, titles[resource]) for resource in resources}
    used: set[Observed] = set()
    for resource in order:
        same = by_key.get((type(resource), resource.key), [])
        counter = max((counter_of(live.generation) for live in same), default=0)
        counter += resource.key in replace
        generation = resource.generation(run.generations, counter)
        run.generations[resource] = generation
        item = items[resource]
        if resource.existing:
            item.live = run.lives[resource] = resource.adopt(run.view_of(resource))
            used |= {live for live in lives if (live.kind, live.id) == (type(resource), item.live.id)}
            continue
        # Of two alike the one that can be used: after a crash the one before may still be leaving.
        view = run.view_of(resource)
        current = [live for live in same if live.generation == generation and resource.fits(view, live)]
        current.sort(key=lambda live: (live.state.leaving, live.state.replace, live.id))
        if current:
            item.live = current[0]
            used.add(current[0])
        if item.live and not (item.live.state.leaving or item.live.state.replace):
            run.lives[resource] = item.live
        elif not isinstance(resource, Gate):
            item.action = "replace" if same else "create"

    _compare(run, [items[resource] for resource in order])
    conflicts = _conflicts(run, items.values())
    makeable = [live for live in lives if live.kind.create is not Resource.create]
    unused = [live for live in makeable if live not in used and not live.kind.deletion.keep_if_undeclared]
    removals = [live for live in unused if not live.state.leaving]
    conflicts += [LOCKED.format(live=live, remedy=live.kind.unlocking(live)) for live in removals if live.locked]
    conflicts += [NO_SNAPSHOT.format(live=live) for live in removals if live.without_snapshot]
    return Plan(steps, items, removals, conflicts, record == [None] and not makeable, lives, replace)


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
            missing = any(edge not in run.lives and not isinstance(edge, Gate) for edge in resource.edges())
            seen = None if missing else resource.observe(view)
            item.live = seen
            if seen is None or not seen.state.usable:
                item.action = "wait"
            else:
                run.lives[resource] = seen
                item.compare(view)
        elif item.live and item.action == "none" and not resource.existing:
            item.compare(view)
            if item.action == "change":
                _look_again(run, item)

    by_resource = {item.resource: item for item in items}
    # A gate has no look of its own: what hangs on it is compared after it.
    gates: dict[Resource, set[Resource]] = {
        item.resource: {edge for edge in item.resource.edges() if isinstance(edge, Gate)} for item in items
    }
    errors = schedule.run(gates, compare, run.stop)
    for error in errors.values():
        raise error


def _look_again(run: Run, item: Item) -> None:
    """Look until AWS shows what it was told a moment ago: its reads lag behind, and show old and new in turn."""
    resource, live = item.resource, item.live
    entry = run.state.entries.get(resource.key)
    if live is None or entry is None or entry.declaration != resource.declaration():
        return
    left = run.settle - entry.changed_before()
    if left <= 0:
        return
    view = run.view_of(resource)
    for waited in run.polling.ticks(run.stop, left):
        if waited:
            live = run.seen(type(resource), run.of(resource), live.id) or live
        item.live = run.lives[resource] = live
        item.compare(view)
        if item.action != "change":
            return


def _conflicts(run: Run, items: Iterable[Item]) -> list[str]:
    missing = [item for item in items if item.action in ("create", "replace")]
    found: dict[str, str] = {}

    def ask(item: Item) -> None:
        resource = item.resource
        if why := resource.conflict(run.view_of(resource)):
            found[resource.key] = why

    schedule.in_parallel({item.resource: partial(ask, item) for item in missing}, run.stop)
    return [found[item.resource.key] for item in missing if item.resource.key in found]


def counter_of(generation: str) -> int:
    """How often this key was replaced on request: the number after the dot of a generation."""
    tail = generation.rpartition(".")[2] if "." in generation else ""
    return int(tail) if tail.isdigit() else 0
