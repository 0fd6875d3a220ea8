"""AWS as one resource sees it: clients of its region, its stack's names and tags, the run's other resources."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

from awsdeploy.aws.session import Client, TransientError
from awsdeploy.config.drift import is_ignored
from awsdeploy.config.stack import TAG_GENERATION, TAG_OWN, TAG_RESOURCE, TAG_STACK, Stack, tags_to_dict
from awsdeploy.engine.context import StackContext, with_id
from awsdeploy.engine.observed import UNKNOWN, Kind, Observed

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Declared(Protocol):
    """A declared resource, as far as its name and its tags are concerned."""

    @property
    def key(self) -> str: ...


def _client(service: str) -> cached_property[Client]:
    return cached_property(lambda aws: aws.client(service))


@dataclass(frozen=True, eq=False)
class Aws:
    """AWS as one resource sees it: clients of its region, its stack's tags, the run's other resources.

    `token` makes its create idempotent; `transient` are refusals of its calls that pass. `fresh` is whether this run
    changes things, so that a look must be of now; one that began `age` seconds ago will do. Lists must be of `since`
    (monotonic seconds) or later.
    """

    context: StackContext
    region: str
    token: str = ""
    transient: Sequence[TransientError] = ()
    fresh: bool = True
    age: float = 0.0
    since: float = 0.0

    @property
    def stack(self) -> Stack:
        return self.context.stack

    def client(self, service: str) -> Client:
        return self.context.session.client(service, self.region, self.transient)

    ec2 = _client("ec2")
    elbv2 = _client("elbv2")
    rds = _client("rds")
    iam = _client("iam")
    ssm = _client("ssm")
    acm = _client("acm")
    s3 = _client("s3")
    route53 = _client("route53")

    @property
    def account(self) -> str:
        return self.context.session.account(self.region)

    def __getitem__(self, resource: Declared) -> Observed:
        """The observed object of a dependency; `UNKNOWN` in a plan where it does not exist yet."""
        observed: Observed = self.context.observations.get(resource, UNKNOWN)
        return observed

    def all(self, kind: Kind) -> Sequence[Observed]:
        """All of the stack's objects of a kind in this region, looked up once a run."""
        return self.context.all(kind, self.region)

    def look(self, resource: Declared) -> Observed | None:
        """A dependency as it is now: a fresh look, shared by all who wait for its kind; the plan's own in a plan."""
        kind, id = type(resource), self[resource].id
        return self.context.reread(kind, self.region, id, self.age) if self.fresh else with_id(self.all(kind), id)

    def each(self, ask: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """`ask` of every item, all at once: for what AWS answers about one object at a time only."""
        return self.context.session.each(ask, list(items))

    def once(self, ask: Callable[..., Answer], *about: Any, again: bool = False) -> Answer:
        """Result of `ask(aws, *about)`, called once for each run and region; `again` replaces the result."""
        key = (ask, self.region, *about)
        return self.context.answers.get(key, lambda: ask(self, *about), time.monotonic() if again else 0.0)

    def listed(self, ask: Callable[[Aws], Answer]) -> Answer:
        """Result of `ask(aws)`: a list of AWS that several kinds are in. One call serves the scans of all of them."""
        return self.context.cache.lists.get((ask, self.region), lambda: ask(self), self.since)

    def together(self, what: Hashable, item: Item, call: Callable[[Sequence[Item]], Answer], most: int) -> Answer:
        """Send `item` in one `call` with those of all threads that do the same (`what`) now, `most` at once.

        Returns the call's answer. What AWS refuses together is sent alone.
        """
        return self.context.batches.send((what, self.region), item, call, most)

    def latest(self, kind: Kind) -> Sequence[Observed]:
        """All objects of a kind, read again in a run that writes; in a plan, the result of `all`."""
        cache = self.context.cache
        return cache.look(kind, self.region, age=self.age) if self.fresh else cache.all(kind, self.region)

    def generation(self, resource: Declared) -> str:
        return self.context.generations[resource]

    def declared(self, key: str) -> Any:
        """The resource that the architecture declares under a key. Raises `KeyError` where there is none."""
        for resource in self.context.generations:
            if resource.key == key:
                return resource
        raise KeyError(key)

    def ignores(self, resource: Declared, attribute: str) -> bool:
        """True if the owner of the stack changes this attribute by hand: no call may send it."""
        return is_ignored(self.context.ignored, resource.key, attribute)

    def declared_generation(self, key: str) -> str:
        """The generation of the resource that is declared under a key; "" where there is none."""
        return next((value for resource, value in self.context.generations.items() if resource.key == key), "")

    def name(self, resource: Declared, limit: int = 63, apart: str = "-") -> str:
        """A name for what AWS keeps unique: readable, within `limit`, and different in every generation."""
        return self.stack.called(resource.key, self.generation(resource), limit, apart)

    def made(self, resource: Declared, id: str, raw: Mapping[str, Any], status: str = "available") -> Observed:
        """The object that AWS has just created for a resource, as the answer shows it, so that it is not looked for."""
        generation, tags = self.generation(resource), tags_to_dict(self.tags(resource))
        return Observed(type(resource), resource.key, id, generation, status, raw, self.region, "", tags, new=True)

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
        return bool(self.stack.own) or any(TAG_OWN in (one.tags or ()) for one in self.context.cache.known())

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
        copy: bool = False,
    ) -> Iterator[Observed]:
        """The object as `Observed` if its tags are the stack's, else nothing.

        A `copy` carries the tags of what it was made of, and has a key below that one's.
        """
        values = tags_to_dict(tags)
        if values.get(TAG_STACK) == self.stack.tag and TAG_RESOURCE in values:
            yield Observed(
                kind,
                f"{values[TAG_RESOURCE]}/{id}" if copy else values[TAG_RESOURCE],
                id,
                values.get(TAG_GENERATION, ""),
                status,
                raw,
                self.region,
                reason,
                values,
            )
