"""Context of a stack: the AWS session, what a command has found out so far, and one shared look per kind."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from awsdeploy.aws.session import AwsSession, Client
from awsdeploy.config.stack import TAG_STACK, Stack, tags_to_dict
from awsdeploy.engine.batch import GATHER, Batches
from awsdeploy.engine.observed import Kind, Observed

Answer = TypeVar("Answer")


@dataclass
class StackContext:
    """A stack as one command knows it. Resources see this much of a run: nothing of its record, lock or events."""

    session: AwsSession
    stack: Stack
    region: str
    ignored: tuple[str, ...] = field(default=(), kw_only=True)
    """Attributes that their owner changes by hand, as `KEY:ATTRIBUTE`."""
    observations: dict[Any, Observed] = field(default_factory=dict, init=False)
    """The objects of the declared resources."""
    generations: dict[Any, str] = field(default_factory=dict, init=False)
    """The generations of the declared resources."""
    pending: dict[str, str] = field(default_factory=dict, init=False)
    """Changes that AWS does not list (a Route 53 change): the id of the change by that of the object."""
    denied: dict[Kind, str] = field(default_factory=dict, init=False)
    """Kinds that these credentials may not read, with the action that they lack."""

    def __post_init__(self) -> None:
        self.cache = ResourceCache(self._scan, self._scan_known, self.region)
        self.answers = Memo()
        self.batches = Batches()

    def _scan(self, kind: Kind, region: str, since: float) -> Iterable[Observed]:
        """All objects of a kind: none here, so that a single resource can be asked before a run."""
        return ()

    def _scan_known(self, kind: Kind, region: str, known: Sequence[Observed]) -> Iterable[Observed]:
        """Those of the known objects that exist, as they are now."""
        return known

    @property
    def account(self) -> str:
        """The account number of the credentials in use. Raises `CredentialsMissing`."""
        return self.session.account(self.region)

    def client(self, service: str, region: str = "") -> Client:
        """A client of the stack's region, or of another."""
        return self.session.client(service, region or self.region)

    def all(self, kind: Kind, region: str = "") -> Sequence[Observed]:
        """All of the stack's objects of a kind in its region, or in another, looked up once a run."""
        return self.cache.all(kind, region or self.region)

    def tagged(self, region: str, *types: str) -> Iterator[tuple[str, dict[str, str]]]:
        """ARN and tags of what AWS's index of tags has of the stack in a region, of these types if any are given.

        The index lists deleted objects for a while.
        """
        client = self.client("resourcegroupstaggingapi", region)
        wanted: dict[str, Any] = {"TagFilters": [{"Key": TAG_STACK, "Values": [self.stack.tag]}]}
        if types:
            wanted["ResourceTypeFilters"] = list(types)
        for one in client.pages("get_resources", "ResourceTagMappingList", **wanted):
            yield one["ResourceARN"], tags_to_dict(one.get("Tags"))

    def seen(self, kind: Kind, region: str, id: str, age: float = 0.0) -> Observed | None:
        """The object with this id by a look shared with all who wait for its kind, at most `age` seconds old."""
        return with_id(self.cache.look(kind, region, age=age), id)

    def reread(self, kind: Kind, region: str, id: str, age: float = 0.0) -> Observed | None:
        """The same, while AWS is at work on it: by fewer calls if its kind can, without what people may change."""
        return self.cache.reread(kind, region, id, age)


def with_id(observations: Iterable[Observed], id: str) -> Observed | None:
    """The one of `observations` with this id."""
    return next((one for one in observations if one.id == id), None)


class Memo:
    """Cache of answers by key. One thread asks and the others wait. A caller can require a newer answer."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(
        self, key: Hashable, ask: Callable[[], Answer], since: float = 0.0, first: Callable[[], object] = lambda: None
    ) -> Answer:
        """Return the answer for `key`. Calls `ask` unless an earlier call started after `since` (monotonic seconds).

        `first` is called before `ask`. While it waits, other threads can request the same answer.
        """
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            begun, answer = self._known.get(key, (-1.0, None))
            if begun < since:
                first()
                begun = time.monotonic()
                answer = ask()
                self._known[key] = (begun, answer)
            found: Answer = answer
            return found

    def change(self, key: Hashable, change: Callable[[Any], Any]) -> None:
        """Replace the answer for `key`, if there is one. It stays as old as it is."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key in self._known:
                begun, answer = self._known[key]
                self._known[key] = (begun, change(answer))

    def known(self, key: Hashable) -> Any:
        """The last answer for `key`, or None."""
        return self._known.get(key, (0.0, None))[1]

    def values(self) -> list[Any]:
        """All answers in the cache."""
        return [answer for _, answer in list(self._known.values())]

    def clear(self) -> None:
        self._known.clear()


def _others(found: Sequence[Observed], observed: Observed) -> list[Observed]:
    return [one for one in found if one.id != observed.id]


class ResourceCache:
    """One look per kind and region, shared by all who ask. A look asked for during another waits for the next."""

    def __init__(
        self,
        scan: Callable[[Kind, str, float], Iterable[Observed]],
        scan_known: Callable[[Kind, str, Sequence[Observed]], Iterable[Observed]],
        home: str,
    ) -> None:
        self._scan, self._scan_known, self._home = scan, scan_known, home
        self._looks, self._rereads = Memo(), Memo()
        self.lists = Memo()
        """Lists of AWS that contain several kinds."""
        self._in_flight: Counter[tuple[Kind, str]] = Counter()
        self._answered = threading.Condition()

    @contextmanager
    def changing(self, kind: Kind, region: str) -> Iterator[None]:
        """Mark a change as in flight. `look` waits for it, so that one look serves what is changed at once."""
        pair = self._pair(kind, region)
        with self._answered:
            self._in_flight[pair] += 1
        try:
            yield
        finally:
            with self._answered:
                self._in_flight[pair] -= 1
                self._answered.notify_all()

    def all(self, kind: Kind, region: str) -> Sequence[Observed]:
        """All objects of a kind in a region, as the last look found them."""
        pair = self._pair(kind, region)
        return self._looks.get(pair, lambda: list(self._scan(*pair, 0.0)))

    def look(self, kind: Kind, region: str, at_once: bool = False, age: float = 0.0) -> Sequence[Observed]:
        """All objects of a kind in a region as of now, or by a look that began at most `age` seconds ago.

        `at_once`: without waiting for changes in flight, for who makes such a change.
        """
        pair = self._pair(kind, region)
        gather, since = partial(self._gather, pair, at_once), time.monotonic() - age
        return self._looks.get(pair, lambda: list(self._scan(*pair, since)), since, gather)

    def reread(self, kind: Kind, region: str, id: str, age: float = 0.0) -> Observed | None:
        """The object with this id. If the kind can, its known objects are read again by fewer calls than `look`."""
        pair = self._pair(kind, region)
        if not kind.rereads or with_id(self._looks.known(pair) or (), id) is None:
            return with_id(self.look(kind, region, age=age), id)
        self._rereads.get(pair, partial(self._renew, pair), time.monotonic() - age, partial(self._gather, pair))
        return with_id(self._looks.known(pair), id)

    def _renew(self, pair: tuple[Kind, str]) -> None:
        """Replace what is known by what it is now. Objects that were added meanwhile stay."""
        known = list(self._looks.known(pair))
        now, ids = list(self._scan_known(*pair, known)), {one.id for one in known}
        self._looks.change(pair, lambda found: [*now, *(one for one in found if one.id not in ids)])

    def _gather(self, pair: tuple[Kind, str], at_once: bool = False) -> None:
        with self._answered:
            self._answered.wait_for(lambda: at_once or not self._in_flight[pair], GATHER)

    def made(self, observed: Observed) -> None:
        """Add what AWS has just made, as its answer shows it."""
        self._looks.change(
            self._pair(observed.kind, observed.region), lambda found: [*_others(found, observed), observed]
        )

    def deleted(self, observed: Observed) -> None:
        """Take away what AWS has just deleted."""
        self._looks.change(self._pair(observed.kind, observed.region), lambda found: _others(found, observed))

    def _pair(self, kind: Kind, region: str) -> tuple[Kind, str]:
        return kind, self._home if kind.is_global else region

    def known(self) -> list[Observed]:
        """Results of every kind's last read; makes no AWS call."""
        return [one for observations in self._looks.values() for one in observations]

    def forget(self) -> None:
        """Forget every look: the next questions go to AWS."""
        self._looks.clear()
        self._rereads.clear()
        self.lists.clear()
