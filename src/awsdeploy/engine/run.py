"""State of one command while it runs: the AWS session, the stack, one memoised look at AWS, the clock."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.aws.session import AwsSession
from awsdeploy.aws.waiting import Cancellation, Polling
from awsdeploy.engine import schedule
from awsdeploy.engine.events import Emit
from awsdeploy.engine.resource import (
    KINDS,
    Aws,
    Gate,
    Observed,
    Resource,
    Stack,
)
from awsdeploy.errors import NoSuchStack, next_command
from awsdeploy.state.record import State
from awsdeploy.state.stack_lock import StackLock


@dataclass
class Run:
    """One command on one stack. `settle` is how long (seconds) AWS may take to show a new object or a change."""

    session: AwsSession
    stack: Stack
    region: str
    state: State
    polling: Polling = field(default_factory=Polling)
    settle: float = 60.0
    emit: Emit = lambda _event: None
    on_look: Callable[[type[Resource], str, Sequence[Observed]], None] = lambda _kind, _region, _lives: None
    """Told what every look finds: all of a kind in a region, or of a gate the one observed. From many threads."""
    regions: set[str] = field(default_factory=set)
    """Where the stack has something: its own region, what is declared or recorded elsewhere."""
    lives: dict[Resource, Observed] = field(default_factory=dict)
    generations: dict[Resource, str] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.use(self.region, *(entry.region for entry in self.state.entries.values()))
        self.cache = ResourceCache(self._scan, self.region)
        self.stack_lock = StackLock(self.session, self.stack, self.region)
        self.stack_lock.regions = lambda: self.regions
        self.stack_lock.memory = hashlib.sha256(str(self.state.path.absolute()).encode()).hexdigest()[:12]
        self.state.on_failure = self.stop.abort
        self._blank = self.state.serial == 0

    def use(self, *regions: str) -> None:
        """Look in these regions too."""
        self.regions.update(region for region in regions if region)

    def read_record(self) -> dict[str, Any] | None:
        """The stack's record in AWS, or None; where it says the stack has something is looked at too.

        Raises `WrongAccount`.
        """
        record = self.stack_lock.record()
        self.use(*(record or {}).get("regions", ()))
        return record

    def need_record(self) -> None:
        """As `read_record`; raises `NoSuchStack` where there is no such stack."""
        if self.read_record() is None:
            raise NoSuchStack(
                f"Stack {self.stack} does not exist in {self.region}.",
                f"Check name, environment, region and AWS_PROFILE. To create it: {next_command('up')}",
            )

    @property
    def stop(self) -> Cancellation:
        return self.session.stop

    @property
    def forgotten_for(self) -> float | None:
        """Seconds since a crashed writer last showed life, if what it intended is not in our record."""
        remembered = self.stack_lock.left_by_our_own and not self._blank
        return None if remembered else self.stack_lock.left_over_since

    def of(self, resource: Resource) -> str:
        """The region a resource lives in."""
        return resource.region or self.region

    def view(  # nosec B107  # a client token, which is not a secret
        self, kind: type[Resource], region: str, token: str = "", fresh: bool = True, removing: bool = False
    ) -> Aws:
        """AWS as this kind sees it in this region. Who is `removing` something does not wait for it to appear."""
        transient = tuple(row for row in kind.transient if not (removing and row.absent))
        return Aws(
            self.session,
            self.stack,
            region,
            self.cache,
            self.lives,
            self.generations,
            token,
            transient,
            self.notes,
            fresh,
        )

    def kinds(self) -> list[tuple[type[Resource], str]]:
        """Every kind, in every region in use if it may stand in another than the stack's."""
        others = sorted(self.regions - {self.region})
        return [
            (kind, region)
            for kind in KINDS.values()
            if not issubclass(kind, Gate)
            for region in (self.region, *(others if kind.multi_region and not kind.is_global else ()))
        ]

    def look_everywhere(self, *more: Callable[[], object]) -> list[Observed]:
        """All of the stack's objects, all kinds at once; `more` is done at the same time."""
        # `more` first: its refusals (the wrong account) explain those of the scans.
        tasks: dict[Any, Callable[[], object]] = dict(enumerate(more))
        tasks |= {pair: _later(self.cache.all, *pair) for pair in self.kinds()}
        schedule.in_parallel(tasks, self.stop)
        # What was done meanwhile may have found further regions.
        later: dict[Any, Callable[[], object]] = {pair: _later(self.cache.all, *pair) for pair in self.kinds()}
        schedule.in_parallel({pair: look for pair, look in later.items() if pair not in tasks}, self.stop)
        return [live for pair in self.kinds() for live in self.cache.all(*pair)]

    def _scan(self, kind: type[Resource], region: str) -> Iterable[Observed]:
        lives = list(kind.scan(self.view(kind, region)))
        self.on_look(kind, region, lives)
        return lives


def _later(function: Callable[..., object], *arguments: Any) -> Callable[[], object]:
    return lambda: function(*arguments)


class ResourceCache:
    """One look per kind and region, shared by all who ask. A look asked for during another waits for the next."""

    def __init__(self, scan: Callable[[type[Resource], str], Iterable[Observed]], home: str) -> None:
        self._scan, self._home = scan, home
        self._seen: dict[tuple[type[Resource], str], tuple[float, list[Observed]]] = {}
        self._locks: dict[tuple[type[Resource], str], threading.Lock] = {}
        self._guard = threading.Lock()

    def all(self, kind: type[Resource], region: str) -> Sequence[Observed]:
        return self._at_least(0.0, kind, region)

    def look(self, kind: type[Resource], region: str) -> Sequence[Observed]:
        return self._at_least(time.monotonic(), kind, region)

    def known(self) -> list[Observed]:
        """What every kind's last look found; asks nobody."""
        with self._guard:
            return [live for _, lives in self._seen.values() for live in lives]

    def forget(self) -> None:
        """Forget every look: the next questions go to AWS."""
        with self._guard:
            self._seen.clear()

    def _at_least(self, asked: float, kind: type[Resource], region: str) -> Sequence[Observed]:
        pair = (kind, self._home if kind.is_global else region)
        with self._guard:
            lock = self._locks.setdefault(pair, threading.Lock())
        with lock:
            begun, lives = self._seen.get(pair, (-1.0, []))
            if begun < asked or begun < 0:
                begun = time.monotonic()
                lives = list(self._scan(*pair))
                self._seen[pair] = (begun, lives)
            return lives
