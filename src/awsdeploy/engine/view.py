"""AWS as one resource sees it: clients of its region, its stack's names and tags, the run's other resources."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from awsdeploy.aws.session import AwsSession, Client, TransientError
from awsdeploy.config.stack import TAG_GENERATION, TAG_OWN, TAG_RESOURCE, TAG_STACK, Stack
from awsdeploy.engine.observed import UNKNOWN, Kind, Observed

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Declared(Protocol):
    """A declared resource, as far as its name and its tags are concerned."""

    @property
    def key(self) -> str: ...


class Cache(Protocol):
    """Objects that the engine has seen: one look per kind and region."""

    def all(self, kind: Kind, region: str) -> Sequence[Observed]: ...
    def look(self, kind: Kind, region: str) -> Sequence[Observed]: ...
    def known(self) -> Sequence[Observed]: ...


class Aws:
    """AWS as one resource sees it: clients of its region, its stack's tags, the run's other resources."""

    def __init__(  # nosec B107  # a client token, which is not a secret
        self,
        session: AwsSession,
        stack: Stack,
        region: str,
        cache: Cache,
        lives: Mapping[Any, Observed],
        generations: Mapping[Any, str],
        token: str = "",
        transient: Sequence[TransientError] = (),
        notes: dict[str, Any] | None = None,
        fresh: bool = True,
    ) -> None:
        self.session, self.stack, self.region, self.cache = session, stack, region, cache
        self._lives, self._generations, self._transient = lives, generations, transient
        self.token = token
        self.fresh = fresh
        self.notes = {} if notes is None else notes
        """What this run remembers about an id beyond what AWS can be asked (a Route 53 change)."""

    def client(self, service: str) -> Client:
        return self.session.client(service, self.region, self._transient)

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
    def s3(self) -> Client:
        return self.client("s3")

    @property
    def route53(self) -> Client:
        return self.client("route53")

    @property
    def account(self) -> str:
        return self.session.account(self.region)

    def __getitem__(self, resource: Declared) -> Observed:
        """The live object of a dependency; `UNKNOWN` in a plan where it does not exist yet."""
        live: Observed = self._lives.get(resource, UNKNOWN)
        return live

    def all(self, kind: Kind) -> Sequence[Observed]:
        """All of the stack's objects of a kind in this region, looked up once a run."""
        return self.cache.all(kind, self.region)

    def look(self, resource: Declared) -> Observed | None:
        """A dependency as it is now: a fresh look, shared by all who wait for its kind; the plan's own in a plan."""
        known = self[resource]
        return next((live for live in self.latest(type(resource)) if live.id == known.id), None)

    def each(self, ask: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """`ask` of every item, all at once: for what AWS answers about one object at a time only."""
        return self.session.each(ask, list(items))

    def latest(self, kind: Kind) -> Sequence[Observed]:
        """As `all`, with a fresh look where this run changes things; the plan's own in a plan."""
        look = self.cache.look if self.fresh else self.cache.all
        return look(kind, self.region)

    def generation(self, resource: Declared) -> str:
        return self._generations[resource]

    def declared(self, key: str) -> Any:
        """The resource that the architecture declares under a key. Raises `KeyError` where there is none."""
        for resource in self._generations:
            if resource.key == key:
                return resource
        raise KeyError(key)

    def name(self, resource: Declared, limit: int = 63, apart: str = "-") -> str:
        """A name for what AWS keeps unique: readable, within `limit`, and different in every generation."""
        return self.stack.called(resource.key, self.generation(resource), limit, apart)

    def tags(self, resource: Declared, part: str = "") -> list[dict[str, str]]:
        """The tags of a resource, or of a `part` that AWS makes along with it."""
        key = f"{resource.key}/{part}" if part else resource.key
        return [
            {"Key": "Name", "Value": f"{self.stack.slug}/{key}"},
            {"Key": TAG_STACK, "Value": self.stack.tag},
            {"Key": TAG_RESOURCE, "Value": key},
            {"Key": TAG_GENERATION, "Value": self.generation(resource)},
            *self.stack.own_tags,
        ]

    @property
    def has_own_tags(self) -> bool:
        """True if the owner has tags in the config, or had some: then what has been looked at shows it."""
        return bool(self.stack.own) or any(TAG_OWN in (live.tags or ()) for live in self.cache.known())

    def tag_spec(self, resource: Declared, *types: str) -> list[dict[str, Any]]:
        """`TagSpecifications` as EC2 wants them."""
        return [{"ResourceType": name, "Tags": self.tags(resource)} for name in types]

    @property
    def filters(self) -> list[dict[str, Any]]:
        """EC2's filter for what is the stack's."""
        return [{"Name": f"tag:{TAG_STACK}", "Values": [self.stack.tag]}]

    def found(
        self,
        kind: Kind,
        id: str,
        tags: Iterable[Mapping[str, str]] | None,
        raw: Mapping[str, Any],
        status: str = "available",
        reason: str = "",
    ) -> Iterator[Observed]:
        """The object as `Observed` if its tags are the stack's, else nothing."""
        values = {tag["Key"]: tag["Value"] for tag in tags or ()}
        if values.get(TAG_STACK) == self.stack.tag and TAG_RESOURCE in values:
            yield Observed(
                kind,
                values[TAG_RESOURCE],
                id,
                values.get(TAG_GENERATION, ""),
                status,
                raw,
                self.region,
                reason,
                values,
            )

    def copies(
        self,
        kind: Kind,
        id: str,
        tags: Iterable[Mapping[str, str]] | None,
        raw: Mapping[str, Any],
        status: str = "available",
        reason: str = "",
    ) -> Iterator[Observed]:
        """As `found`, for a copy: it carries the tags of what it was made of, and has a key below that one's."""
        for live in self.found(kind, id, tags, raw, status, reason):
            yield dataclasses.replace(live, key=f"{live.key}/{id}")
