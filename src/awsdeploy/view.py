"""AWS as one resource sees it: clients of its region, its stack's names and tags, the run's other resources."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from awsdeploy.aws import Client, Door, Passing
from awsdeploy.config.stack import TAG_OWN, Stack
from awsdeploy.live import UNKNOWN, Live

if TYPE_CHECKING:
    from awsdeploy.resource import Resource

Item = TypeVar("Item")
Answer = TypeVar("Answer")

TAG_STACK = "awsdeploy:stack"
TAG_RESOURCE = "awsdeploy:resource"
TAG_GENERATION = "awsdeploy:generation"


class World(Protocol):
    """What the engine knows of AWS: one memoised look per kind and region."""

    def all(self, kind: type[Resource], region: str) -> Sequence[Live]: ...
    def look(self, kind: type[Resource], region: str) -> Sequence[Live]: ...
    def known(self) -> Sequence[Live]: ...


class Aws:
    """AWS as one resource sees it: clients of its region, its stack's tags, the run's other resources."""

    def __init__(  # nosec B107  # a client token, which is not a secret
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
    def s3(self) -> Client:
        return self.client("s3")

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
        return next((live for live in self.latest(type(resource)) if live.id == known.id), None)

    def each(self, ask: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """`ask` of every item, all at once: for what AWS answers about one object at a time only."""
        return self.door.each(ask, list(items))

    def latest(self, kind: type[Resource]) -> Sequence[Live]:
        """As `all`, with a fresh look where this run changes things; the plan's own in a plan."""
        look = self.world.look if self.fresh else self.world.all
        return look(kind, self.region)

    def generation(self, resource: Resource) -> str:
        return self._generations[resource]

    def declared(self, key: str) -> Resource:
        """The resource that the blueprint declares under a key. Raises `KeyError` where there is none."""
        for resource in self._generations:
            if resource.key == key:
                return resource
        raise KeyError(key)

    def name(self, resource: Resource, limit: int = 63, apart: str = "-") -> str:
        """A name for what AWS keeps unique: readable, within `limit`, and different in every generation."""
        return self.stack.called(resource.key, self.generation(resource), limit, apart)

    def tags(self, resource: Resource, part: str = "") -> list[dict[str, str]]:
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
        return bool(self.stack.own) or any(TAG_OWN in (live.tags or ()) for live in self.world.known())

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
                values,
            )

    def copies(
        self,
        kind: type[Resource],
        id: str,
        tags: Iterable[Mapping[str, str]] | None,
        raw: Mapping[str, Any],
        status: str = "available",
        reason: str = "",
    ) -> Iterator[Live]:
        """As `found`, for a copy: it carries the tags of what it was made of, and has a key below that one's."""
        for live in self.found(kind, id, tags, raw, status, reason):
            yield dataclasses.replace(live, key=f"{live.key}/{id}")
