"""What a resource is: a small frozen dataclass whose fields are its edges.

A kind says how to find all of its own (`scan`), make one (`create`), see and mend what differs
(`repair`), and take the next step towards gone (`delete`). It never waits, never looks at the state
file and never decides when it is called: the engine does that. Knows AWS only through the door.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from awsdeploy.aws import Client, Door, Passing

__all__ = [
    "KINDS",
    "UNKNOWN",
    "Again",
    "Aws",
    "Change",
    "Gate",
    "Kept",
    "Live",
    "Parting",
    "Passing",
    "Resource",
]

TAG_STACK = "awsdeploy:stack"
TAG_RESOURCE = "awsdeploy:resource"
TAG_GENERATION = "awsdeploy:generation"

KINDS: dict[str, type[Resource]] = {}
"""Every kind by its class name, so that state and tags find the class. Kinds enter by being defined."""


@dataclass(frozen=True)
class Stack:
    """The name of one deployed stack and everything AWS derives from it."""

    name: str
    environment: str

    @property
    def tag(self) -> str:
        """The value of `awsdeploy:stack`. A slash, since hyphens would make a-b/c and a/b-c one stack."""
        return f"{self.name}/{self.environment}"

    @property
    def slug(self) -> str:
        return f"{self.name}-{self.environment}"

    @property
    def path(self) -> str:
        """IAM's path for our roles and profiles."""
        return f"/awsdeploy/{self.tag}/"

    def parameter(self, name: str) -> str:
        """A Parameter Store name. AWS refuses names that begin with aws or ssm, hence /deploy."""
        return f"/deploy/{self.tag}/{name}"


class Again(enum.Enum):
    """What repeating a create does."""

    TOKEN = "token"  # AWS knows the token: the same object comes back
    NAME = "name"  # the name is unique: "exists already" is success
    BLIND = "blind"  # a twin would be made: look first


@dataclass(frozen=True)
class Wait:
    """A wait as data. `usual` and `deadline` are seconds; a status in none of the sets is waited for.

    `leaving` are the statuses of an object on its way out: never used, only waited for.
    """

    pending: frozenset[str] | set[str] = frozenset()
    ready: frozenset[str] | set[str] = frozenset({"available"})
    failed: frozenset[str] | set[str] = frozenset()
    leaving: frozenset[str] | set[str] = frozenset()
    usual: float = 2
    deadline: float = 300


@dataclass(frozen=True, eq=False)
class Live:
    """One object as AWS describes it. `raw` is AWS's own answer, `reason` its explanation of a status."""

    kind: type[Resource]
    key: str
    id: str
    generation: str = ""
    status: str = "available"
    raw: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
    reason: str = ""


class _Unknown:
    """What a dependency that does not exist yet answers to every question: equal to nothing."""

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

    Several changes may share one `apply`; it is called once. `impact` says what people will notice.
    """

    field: str
    old: Any
    new: Any
    apply: Callable[[], object]
    impact: str = ""


@dataclass(frozen=True)
class Parting:
    """What a destroy may throw away."""

    data: bool = False  # databases without a final snapshot, buckets with their files, old snapshots
    zone: bool = False  # a hosted zone made by us
    snapshot: str = ""  # suffix of a final snapshot's name (UTC time), the same for one whole run


@dataclass(frozen=True)
class Kept:
    """Why destroy leaves an object, and what it costs: US dollars a month, None where unknown."""

    why: str
    monthly: float | None = 0.0


class World(Protocol):
    """What the engine knows of AWS: one memoised look per kind and region."""

    def all(self, kind: type[Resource], region: str) -> Sequence[Live]: ...
    def look(self, kind: type[Resource], region: str) -> Sequence[Live]: ...


R = TypeVar("R", bound="Resource")


class Aws:
    """AWS as one resource sees it: clients of its region, its stack's tags, the run's other resources."""

    def __init__(
        self,
        door: Door,
        stack: Stack,
        region: str,
        world: World,
        lives: Mapping[Resource, Live],
        generations: Mapping[Resource, str],
        token: str = "",
        passing: Sequence[Passing] = (),
        notes: dict[str, Any] | None = None,
        fresh: bool = True,
    ) -> None:
        self.door, self.stack, self.region, self.world = door, stack, region, world
        self._lives, self._generations, self._passing = lives, generations, passing
        self.token = token
        self.fresh = fresh
        self.notes = {} if notes is None else notes
        """What this run remembers about an id beyond what AWS can be asked (a Route 53 change)."""

    def client(self, service: str) -> Client:
        return self.door.client(service, self.region, self._passing)

    @property
    def ec2(self) -> Client:
        return self.client("ec2")

    @property
    def elbv2(self) -> Client:
        return self.client("elbv2")

    @property
    def rds(self) -> Client:
        return self.client("rds")

    @property
    def iam(self) -> Client:
        return self.client("iam")

    @property
    def ssm(self) -> Client:
        return self.client("ssm")

    @property
    def acm(self) -> Client:
        return self.client("acm")

    @property
    def route53(self) -> Client:
        return self.client("route53")

    @property
    def account(self) -> str:
        return self.door.account(self.region)

    def __getitem__(self, resource: Resource) -> Live:
        """The live object of a dependency; `UNKNOWN` in a plan where it does not exist yet."""
        live: Live = self._lives.get(resource, UNKNOWN)
        return live

    def all(self, kind: type[Resource]) -> Sequence[Live]:
        """All of the stack's objects of a kind in this region, looked up once a run."""
        return self.world.all(kind, self.region)

    def look(self, resource: Resource) -> Live | None:
        """A dependency as it is now: a fresh look, shared by all who wait for its kind; the plan's own in a plan."""
        known = self[resource]
        look = self.world.look if self.fresh else self.world.all
        return next((live for live in look(type(resource), self.region) if live.id == known.id), None)

    def generation(self, resource: Resource) -> str:
        return self._generations[resource]

    def name(self, resource: Resource, limit: int = 63) -> str:
        """A name for what AWS keeps unique: readable, within `limit`, and different in every generation."""
        identity = f"{self.stack.tag} {resource.key} {self.generation(resource)}"
        ending = hashlib.sha256(identity.encode()).hexdigest()[:6]
        words = f"{self.stack.slug}-{resource.key.rsplit('/', 1)[-1]}"
        return f"{words[: limit - 7].rstrip('-')}-{ending}"

    def tags(self, resource: Resource) -> list[dict[str, str]]:
        return [
            {"Key": "Name", "Value": f"{self.stack.slug}/{resource.key}"},
            {"Key": TAG_STACK, "Value": self.stack.tag},
            {"Key": TAG_RESOURCE, "Value": resource.key},
            {"Key": TAG_GENERATION, "Value": self.generation(resource)},
        ]

    def tag_spec(self, resource: Resource, *types: str) -> list[dict[str, Any]]:
        """`TagSpecifications` as EC2 wants them."""
        return [{"ResourceType": name, "Tags": self.tags(resource)} for name in types]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """EC2's filter for what is the stack's."""
        return [{"Name": f"tag:{TAG_STACK}", "Values": [self.stack.tag]}]

    def found(
        self,
        kind: type[Resource],
        id: str,
        tags: Iterable[Mapping[str, str]] | None,
        raw: Mapping[str, Any],
        status: str = "available",
        reason: str = "",
    ) -> Iterator[Live]:
        """The object as `Live` if its tags are the stack's, else nothing."""
        values = {tag["Key"]: tag["Value"] for tag in tags or ()}
        if values.get(TAG_STACK) == self.stack.tag and TAG_RESOURCE in values:
            yield Live(
                kind,
                values[TAG_RESOURCE],
                id,
                values.get(TAG_GENERATION, ""),
                status,
                raw,
                self.region,
                reason,
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Resource:
    """Base of every kind. A Resource in a field, a tuple or a nested value object is an edge.

    `after` orders without passing data; `existing` names something used but not owned.
    """

    key: str
    region: str = ""
    after: tuple[Resource, ...] = ()
    existing: str = ""

    title: ClassVar[str] = ""  # what people call it; the class name in words unless set
    replaces: ClassVar[set[str]] = set()
    wait: ClassVar[Wait] = Wait()
    passing: ClassVar[tuple[Passing, ...]] = ()
    again: ClassVar[Again] = Again.BLIND
    blocked: ClassVar[set[str]] = set()  # refusals of a delete that pass when others are gone
    unblocked_in: ClassVar[float] = 1800  # seconds until we stop believing that
    data: ClassVar[bool] = False  # what it holds cannot be made again
    arns: ClassVar[tuple[str, ...]] = ()  # how its ARNs can be told: ":vpc/"
    everywhere: ClassVar[bool] = False  # a global service: one list for all regions
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.abstract = "abstract" in cls.__dict__ and cls.__dict__["abstract"]
        if not cls.abstract:
            KINDS[cls.__name__] = cls

    @classmethod
    def noun(cls) -> str:
        """The kind in words: `SecurityGroup` is a security group."""
        return cls.title or "".join(f" {c.lower()}" if c.isupper() else c for c in cls.__name__).strip()

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Live]:
        """All of this kind that are the stack's."""
        raise NotImplementedError

    def adopt(self, aws: Aws) -> Live:
        """Find what `existing` names. Raises `Refused` where it is not there."""
        raise NotImplementedError

    def obstacle(self, aws: Aws) -> str:
        """What stands where this would be created, in words, or nothing. Looked at before anything is made."""
        return ""

    def create(self, aws: Aws) -> str:
        """Make it, with every setting the call takes and the tags inside the call; return its id."""
        raise NotImplementedError

    def repair(self, aws: Aws, live: Live) -> Iterator[Change]:
        """What differs from the declaration now. Called again after the changes, until nothing differs."""
        yield from ()

    def facts(self, aws: Aws, live: Live) -> Mapping[str, str]:
        """What people want to know of it once it exists: an endpoint, a URL."""
        return {}

    @classmethod
    def keep(cls, aws: Aws, live: Live, parting: Parting) -> Kept | None:
        """Why destroy should leave this object, or None."""
        return None

    @classmethod
    def delete(cls, aws: Aws, live: Live, parting: Parting) -> None:
        """The next step towards gone. Called again until the scan no longer finds the object."""
        raise NotImplementedError

    def edges(self) -> list[Resource]:
        """The resources this one needs, in the order of its fields."""
        found: list[Resource] = []
        for spec in dataclasses.fields(self):
            _collect(getattr(self, spec.name), found)
        return found

    def declaration(self) -> dict[str, Any]:
        """The fields as JSON, edges as keys: what the state file keeps."""
        base = {"key", "after", "region", "existing"}
        return {s.name: _plain(getattr(self, s.name)) for s in dataclasses.fields(self) if s.name not in base}

    def generation(self, of: Mapping[Resource, str], counter: int = 0) -> str:
        """A short hash of the fields that cannot change in place, and of the generations they point to."""
        fixed = {name: _plain(getattr(self, name), of) for name in sorted(self.replaces)}
        text = json.dumps([fixed, counter], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{digest}.{counter}" if counter else digest


TIMELESS = hashlib.sha256(json.dumps([{}, 0]).encode()).hexdigest()[:8]
"""The generation of whatever can change in every respect: known without tags."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate(Resource):
    """Owns nothing and only waits: for a certificate to be issued, for targets to be healthy."""

    abstract = True

    def observe(self, aws: Aws) -> Live:
        """How it stands now."""
        raise NotImplementedError


def needs(kind: type[Resource]) -> set[type[Resource]]:
    """The kinds that a kind's fields point to, gates looked through: the order of deletion without any state."""
    found: set[type[Resource]] = set()
    for name, hint in typing.get_type_hints(kind).items():
        if name != "after" and typing.get_origin(hint) is not ClassVar:
            for target in _kinds_in(hint):
                found |= needs(target) if issubclass(target, Gate) else {target}
    return found


def _kinds_in(hint: Any) -> Iterator[type[Resource]]:
    if inspect.isclass(hint) and not typing.get_args(hint):
        if issubclass(hint, Resource):
            yield hint
        elif dataclasses.is_dataclass(hint):
            for inner in typing.get_type_hints(hint).values():
                yield from _kinds_in(inner)
    for part in typing.get_args(hint):
        yield from _kinds_in(part)


def _collect(value: Any, found: list[Resource]) -> None:
    if isinstance(value, Resource):
        if value not in found:
            found.append(value)
    elif isinstance(value, tuple | list | frozenset):
        for item in value:
            _collect(item, found)
    elif isinstance(value, Mapping):
        for item in value.values():
            _collect(item, found)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for spec in dataclasses.fields(value):
            _collect(getattr(value, spec.name), found)


def _plain(value: Any, of: Mapping[Resource, str] | None = None) -> Any:
    """A field as JSON. Resources become their key, with their generation where `of` is given."""
    if isinstance(value, Resource):
        return value.key if of is None else [value.key, value.existing, of.get(value, "")]
    if isinstance(value, tuple | list):
        return [_plain(item, of) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(json.dumps(_plain(item, of)) for item in value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v, of) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {s.name: _plain(getattr(value, s.name), of) for s in dataclasses.fields(value)}
    return value
