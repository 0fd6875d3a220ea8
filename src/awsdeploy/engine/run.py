"""State of one command while it runs: the context of its stack, its record and lock, events and polling."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from awsdeploy.aws.waiting import Cancellation, Polling
from awsdeploy.engine import schedule
from awsdeploy.engine.context import StackContext
from awsdeploy.engine.events import Emit, ResourceEvent
from awsdeploy.engine.resource import KINDS, Aws, Gate, Observed, Resource
from awsdeploy.errors import AwsdeployError, NoSuchStack, next_command
from awsdeploy.state.record import State
from awsdeploy.state.stack_lock import StackLock


@dataclass
class Run(StackContext):
    """One command on one stack. `settle` is how long (seconds) AWS may take to show a new object or a change."""

    state: State
    polling: Polling = field(default_factory=Polling)
    settle: float = 60.0
    listener: Emit = lambda _event: None
    """Told every event, from many threads; must not block or raise."""
    on_look: Callable[[type[Resource], str, Sequence[Observed]], None] = lambda _kind, _region, _observations: None
    """Told what every look finds: all of a kind in a region, or of a gate the one observed. From many threads."""
    regions: set[str] = field(default_factory=set)
    """Regions in which the stack has something: its own, and those that are declared or recorded."""
    unmanaged: set[type[Resource]] = field(default_factory=set)
    """Kinds that others make: this run finds none of them."""
    aws_seconds: Callable[[float], float] = lambda seconds: seconds
    """Seconds of this computer in seconds of AWS's clock."""
    monthly: float | None = None
    """US dollars a month of the stack after this run, if it was estimated."""
    released: list[str] = field(default_factory=list)
    """Services with their releases that this run has put on machines."""
    record: dict[str, Any] | None = field(default=None, init=False)
    """The stack's record in AWS, as it was read last."""
    deleted: set[tuple[type[Resource], str]] = field(default_factory=set, init=False)
    """Objects by kind and id whose deletion AWS has accepted, and that were not looked for since."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.use(self.region, *(entry.region for entry in self.state.entries.values()))
        memory = hashlib.sha256(str(self.state.path.absolute()).encode()).hexdigest()[:12]
        self.stack_lock = StackLock(self.session, self.stack, self.region, self.regions, memory)
        self.state.on_failure = self.stop.abort
        self._blank = self.state.serial == 0
        self._written: dict[str, dict[str, None]] = {phase: {} for phase in ("creating", "changing", "gone")}

    def emit(self, event: ResourceEvent) -> None:
        """Tell the listener, and remember what is written to AWS."""
        if event.phase in self._written:
            self._written[event.phase][event.key] = None
        self.listener(event)

    def writing(self, command: str) -> AbstractContextManager[None]:
        """Hold the stack's lock for the block; its record then says what this run did. Raises `StateLocked`."""
        return self.stack_lock.held(command, self.stop, self._told)

    def _told(self, seconds: float) -> dict[str, Any]:
        created, changing, deleted = (list(keys) for keys in self._written.values())
        changed = [key for key in changing if key not in created]
        lists = {"created": created, "changed": changed, "deleted": deleted, "released": list(self.released)}
        counts = {name: len(keys) for name, keys in lists.items() if keys}
        return {"seconds": round(self.aws_seconds(seconds), 1), "monthly": self.monthly, "counts": counts, **lists}

    def use(self, *regions: str) -> None:
        """Look in these regions too."""
        self.regions.update(region for region in regions if region)

    def read_record(self) -> dict[str, Any] | None:
        """The stack's record in AWS, or None; where it says the stack has something is looked at too.

        Raises `WrongAccount`.
        """
        self.record = self.stack_lock.record()
        self.use(*(self.record or {}).get("regions", ()))
        return self.record

    def pin(self) -> None:
        """Bind the stack to the account and region in use, on this computer. Raises `WrongAccount`."""
        self.state.pin(self.account, self.region)

    def need_record(self) -> None:
        """Raise `NoSuchStack` unless the stack has a record."""
        if self.read_record() is None:
            raise self.missing

    @property
    def missing(self) -> NoSuchStack:
        """The error that says that there is no such stack."""
        return NoSuchStack(
            f"Stack {self.stack} does not exist in {self.region}.",
            f"Check name, environment, region and AWS_PROFILE. To create it: {next_command('up')}",
        )

    @property
    def stop(self) -> Cancellation:
        return self.session.stop

    @contextmanager
    def reporting(self, key: str) -> Iterator[None]:
        """Emit an event for a failure in the block, unless the whole run is stopped."""
        try:
            yield
        except AwsdeployError as error:
            if not self.stop.stopped:
                self.emit(ResourceEvent(key, "failed", detail=error.message))
            raise

    @property
    def forgotten_for(self) -> float | None:
        """Seconds since a crashed run last renewed its lock, if its intentions are not in our record."""
        remembered = self.stack_lock.left_by_our_own and not self._blank
        return None if remembered else self.stack_lock.left_over_since

    def of(self, resource: Resource) -> str:
        """Region of a resource."""
        return resource.region or self.region

    def view(self, kind: type[Resource], region: str, since: float = 0.0) -> Aws:
        """AWS as this kind sees it in this region, for a look that must have begun after `since`."""
        return Aws(self, region, transient=kind.transient, since=since)

    def view_of(self, one: Resource | Observed, token: str = "", fresh: bool = True, removing: bool = False) -> Aws:
        """AWS as this one sees it in its region. Who is `removing` something does not wait for it to appear."""
        kind, region = (one.kind, one.region) if isinstance(one, Observed) else (type(one), self.of(one))
        transient = tuple(row for row in kind.transient if not (removing and row.absent))
        return Aws(self, region, token, transient, fresh)

    def kinds(self) -> list[tuple[type[Resource], str]]:
        """Every kind with each region to read: all regions in use if it is `multi_region`, else the stack's."""
        others = sorted(self.regions - {self.region})
        return [
            (kind, region)
            for kind in KINDS.values()
            if not issubclass(kind, Gate)
            for region in (self.region, *(others if kind.multi_region and not kind.is_global else ()))
        ]

    def look_at(self, kinds: Iterable[type[Resource]], *more: Callable[[], object]) -> None:
        """Look at these kinds in the stack's region, all at once, so that `all` knows them; with `more`."""
        tasks: dict[Any, Callable[[], object]] = {kind: partial(self.all, kind) for kind in kinds}
        schedule.in_parallel({**tasks, **dict(enumerate(more))}, self.stop)

    def look_everywhere(self, *more: Callable[[], object]) -> list[Observed]:
        """All of the stack's objects, all kinds at once; `more` is done at the same time."""
        # `more` first: its refusals (the wrong account) explain those of the scans.
        tasks: dict[Any, Callable[[], object]] = dict(enumerate(more))
        tasks |= {pair: partial(self.cache.all, *pair) for pair in self.kinds()}
        schedule.in_parallel(tasks, self.stop)
        # What was done meanwhile may have found further regions.
        later = {pair: partial(self.cache.all, *pair) for pair in self.kinds() if pair not in tasks}
        schedule.in_parallel(later, self.stop)
        return [one for pair in self.kinds() for one in self.cache.all(*pair)]

    def _scan(self, kind: type[Resource], region: str, since: float) -> Iterable[Observed]:
        observations = [] if kind in self.unmanaged else list(kind.scan(self.view(kind, region, since)))
        self.on_look(kind, region, observations)
        return observations

    def _scan_known(self, kind: type[Resource], region: str, known: Sequence[Observed]) -> Iterable[Observed]:
        observations = list(kind.reread(self.view(kind, region), known))
        self.on_look(kind, region, observations)
        return observations
