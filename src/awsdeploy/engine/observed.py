"""Data of the resource protocol: `Observed` resources, waits, differences, and options of a destroy.

Data only; makes no AWS calls.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awsdeploy.errors import AwsFailure, Refused, next_command

Kind = type[Any]
"""A subclass of `Resource`, which knows observed objects and is not known by them."""


class Idempotency(enum.Enum):
    """Effect of a create that is sent twice."""

    TOKEN = "token"  # noqa: S105  # not a secret. AWS knows the token: the same object comes back
    NAME = "name"  # the name is unique: "exists already" is success
    NONE = "none"  # it would create a duplicate: look first


class Danger(enum.IntEnum):
    """Worst effect of a change on the users of a stack. A higher one is shown first."""

    NONE = 0
    REPLACEMENT = 1
    OUTAGE = 2  # for a time, or from now on, requests can fail
    DATA_LOSS = 3  # something is deleted that cannot be created again


@dataclass(frozen=True)
class Status:
    """Answers to what AWS allows in a status of an object. Without any: it passes, AWS is at work.

    `usable`: what needs the object can go on. `modifiable`: AWS takes changes; with `limited` only the one that the
    remedy names. `snapshot`: AWS takes a snapshot of its data. `replace`: only a new object helps; no kind with data
    says so. `leaving`: it is being deleted. `empty`: it holds no data yet. Where a status does not end by itself,
    `meaning` says what it is and `remedy` what a person can do, with `{id}` and `{region}` of the object and the
    commands `{up}`, `{restore}`, `{backups}` and `{backup}`.
    """

    usable: bool = False
    modifiable: bool = False
    limited: bool = False
    snapshot: bool = False
    replace: bool = False
    leaving: bool = False
    empty: bool = False
    meaning: str = ""
    remedy: str = ""


MAY_HOLD_DATA = "Check it in the AWS console: it may contain data."

OTHERS = "others serve first"
"""Step of a change that has no `turn` yet: until another resource serves, nothing is sent."""

READY = Status(usable=True, modifiable=True, snapshot=True)


@dataclass(frozen=True)
class Wait:
    """Meaning of a resource's statuses, and how long to wait. `usual` and `deadline` are seconds.

    `ready`: everything is possible. `failed`: only a replacement helps. `leaving`: the resource is being deleted.
    `pending` and all other statuses are waited for. `statuses` has a row for each status that needs more detail.
    """

    pending: frozenset[str] | set[str] = frozenset()
    ready: frozenset[str] | set[str] = frozenset({"available"})
    failed: frozenset[str] | set[str] = frozenset()
    leaving: frozenset[str] | set[str] = frozenset()
    statuses: Mapping[str, Status] = field(default_factory=dict)
    usual: float = 2
    deadline: float = 300

    def of(self, status: str) -> Status:
        """Look up what AWS allows in this status."""
        if status in self.statuses:
            return self.statuses[status]
        if status in self.ready:
            return READY
        return Status(replace=status in self.failed, leaving=status in self.leaving)


@dataclass(frozen=True, eq=False)
class Observed:
    """One object as AWS describes it. `raw` is AWS's own answer, `reason` its explanation of a status."""

    kind: Kind
    key: str
    id: str
    generation: str = ""
    status: str = "available"
    raw: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
    reason: str = ""
    tags: Mapping[str, str] | None = None
    """Its tags, where the list of its kind shows them."""
    new: bool = False
    """Created a moment ago: it has what the create call says and AWS's defaults, so `diff` need not ask."""

    @property
    def state(self) -> Status:
        """Answers for its present status. An object that may hold data is never replaced because of it."""
        state: Status = self.kind.wait.of(self.status)
        if state.replace and self.kind.data:
            return dataclasses.replace(state, replace=False, remedy=MAY_HOLD_DATA)
        return state

    @property
    def remedy(self) -> str:
        """Remedy for a status that does not end by itself."""
        return self.state.remedy.format(
            id=self.id,
            region=self.region,
            up=f"`{next_command('up')}`",
            restore=f"`{next_command('up', '--restore-snapshot', 'SNAPSHOT')}`",
            backups=f"`{next_command('backups')}`",
            backup=f"`{next_command('backup', 'now')}`",
        )

    @property
    def explained(self) -> str:
        """Reason for its status: in AWS's words, else what the status means."""
        return self.reason or self.state.meaning or "no reason given"

    def failure(self, remedy: str = "") -> AwsFailure:
        """Return the error for a status that does not end by itself. `remedy` is used if the status has none."""
        return AwsFailure(f"AWS reports {self.status}: {self.explained}", self.remedy or remedy)

    @property
    def without_snapshot(self) -> bool:
        """True if AWS can take no final snapshot of its data, however long it is waited for."""
        state = self.state
        return self.kind.data and bool(self.kind.copies) and bool(state.remedy) and not state.snapshot

    @property
    def locked(self) -> bool:
        """True if its deletion protection is on and AWS takes no change that would turn it off."""
        state = self.state
        return self.kind.is_protected(self) and bool(state.remedy) and (state.limited or not state.modifiable)

    @property
    def origin(self) -> str:
        """The key that its tag says: of a copy that of what it was made of, else its own."""
        return self.key.removesuffix(f"/{self.id}")


def one_or_none(observations: Iterable[Observed]) -> Observed | None:
    """The only one of `observations` that is not being deleted; None where there is none.

    While a replacement is under way, or after it was interrupted, two objects carry one key. Which of them serves is
    not known: raises `Refused` with the ids of all.
    """
    staying = [one for one in observations if not one.state.leaving]
    if len(staying) > 1:
        ids = " and ".join(sorted(one.id for one in staying))
        raise Refused(
            f"{staying[0].key} exists {len(staying)} times: {ids}. A replacement has not finished.",
            f"To finish it: {next_command('up')}",
        )
    return staying[0] if staying else None


class _Unknown:
    """Attributes of a dependency that does not exist yet: unknown, and equal to nothing."""

    def __getattr__(self, name: str) -> _Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> _Unknown:
        return self

    def get(self, *_: object) -> _Unknown:
        return self

    def __iter__(self) -> Iterator[_Unknown]:
        return iter((self,))

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __str__(self) -> str:
        return "known after creation"

    __repr__ = __str__


UNKNOWN: Any = _Unknown()


@dataclass(frozen=True)
class Change:
    """One thing that differs: plan prints it, `up` calls `apply`.

    Several changes may share one `apply`; it is called once. `impact` says what people will notice, `danger` how bad
    that is, `outage` how many seconds an outage usually lasts (0: none, or unknown). `begun`: AWS has been told already
    and shows that it is at work on it, so it is waited for, and sent again only if it does not come.
    """

    field: str
    old: Any
    new: Any
    apply: Callable[[], object]
    impact: str = ""
    begun: bool = False
    danger: Danger = Danger.NONE
    outage: float = 0
    turn: str = ""
    """Changes with the same turn are made to one resource at a time, which serves again before the next."""
    step: str = ""
    """Step of a change that takes several, if the status of the resource does not tell them apart."""


@dataclass(frozen=True)
class Deletion:
    """A deletion as data. `usual` and `timeout` are seconds; a final copy of its data comes on top of `usual`."""

    retry_on: frozenset[str] | set[str] = frozenset()
    """Error codes that disappear after other objects are deleted."""
    timeout: float = 1800
    usual: float = 2
    immediate: bool = False
    """It is gone when AWS has accepted the deletion: it is not looked for."""
    recreated_by: frozenset[str] | set[str] = frozenset()
    """Kinds (by class name) that must be deleted first, because they would create it again. An edge to one orders only
    the creation."""
    keep_if_undeclared: bool = False
    """Only `destroy` deletes it. `up` keeps it when it is no longer declared."""


@dataclass(frozen=True)
class DestroyOptions:
    """Data that a destroy may delete."""

    data: bool = False  # databases without a final snapshot, buckets with their files, old snapshots
    zone: bool = False  # a hosted zone made by us
    snapshot: str = ""  # suffix of a final snapshot's name (UTC time), the same for one whole run
    files: bool = False  # buckets with their files: each was agreed to


@dataclass(frozen=True)
class Blocker:
    """Something that keeps an object from being deleted: `what` names it, `remedy` is what to do about it.

    Without a remedy it goes by itself.
    """

    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.what}, " + (f"which stays: {self.remedy}" if self.remedy else "which goes by itself")


@dataclass(frozen=True)
class Retained:
    """Reason why destroy does not delete an object, and its cost: US dollars a month, None where unknown."""

    why: str
    monthly: float | None = 0.0


@dataclass(frozen=True)
class Restorable:
    """Something that can be brought back. `of` is the key of what it was made from.

    `at` is when it was made, or the latest moment it reaches, `since` the earliest; `monthly` is US dollars, None
    where unknown; `note` says what is particular to it.
    """

    what: str
    of: str
    id: str
    status: str
    at: datetime | None = None
    gb: float | None = None
    monthly: float | None = None
    since: datetime | None = None
    note: str = ""
