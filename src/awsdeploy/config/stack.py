"""The name of a stack, how it is written, and the names and tags that AWS derives from it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

TAG_STACK = "awsdeploy:stack"
TAG_RESOURCE = "awsdeploy:resource"
TAG_GENERATION = "awsdeploy:generation"
"""Tags by which an object is known as the stack's: its stack, its key, the hash of what cannot change in place."""
TAG_OWN = "awsdeploy:tags"
"""Digests of the keys of the owner's tags that an object was given: what the config no longer has can be taken off."""
APART = "--"
"""Behind the stack's name where AWS takes two hyphens: a stack's name has single ones only."""
NO_OWN = "none"
"""The value of `TAG_OWN` on what once had tags of the owner's."""

OwnTags = tuple[tuple[str, str], ...]


def key_digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def own_tags(own: OwnTags, once: bool = False) -> dict[str, str]:
    """The owner's tags with the one that lists their keys; `once` says that an object had some before."""
    if not own:
        return {TAG_OWN: NO_OWN} if once else {}
    return {**dict(own), TAG_OWN: " ".join(sorted(key_digest(key) for key, _ in own))}


def tags_to_dict(listed: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags by key, from the list that most of AWS answers."""
    return {tag["Key"]: tag["Value"] for tag in listed or ()}


def tags_to_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most of AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class Stack:
    """The name of one deployed stack and everything AWS derives from it."""

    name: str
    environment: str
    own: OwnTags = field(default=(), compare=False)
    """The owner's tags: key and value, on everything that can carry tags."""

    @classmethod
    def of_parameter(cls, name: str) -> Stack | None:
        """The stack whose record or lock has this name in Parameter Store; None for another parameter."""
        parts = name.split("/")
        return cls(parts[2], parts[3]) if len(parts) == 5 and parts[:2] == ["", "deploy"] else None

    def __str__(self) -> str:
        """The name as people see it: `shop-prod`."""
        return self.slug

    @property
    def tag(self) -> str:
        """The value of `awsdeploy:stack`. A slash, since hyphens would make a-b/c and a/b-c one stack."""
        return f"{self.name}/{self.environment}"

    @property
    def own_tags(self) -> list[dict[str, str]]:
        """The owner's tags as most of AWS takes them."""
        return tags_to_list(own_tags(self.own))

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

    def called(self, key: str, generation: str, limit: int, apart: str = "-") -> str:
        """Return the name of the resource with this key and generation. Without tags, the name identifies the owner.

        `apart` follows the stack's name. With `APART`, which no stack's name contains, the pattern `shop-prod--*` does
        not match names of the stack shop-prod-dev.
        """
        identity = f"{self.tag} {key} {generation}"
        ending = hashlib.sha256(identity.encode()).hexdigest()[:6]
        words = f"{self.slug}{apart}{key.rsplit('/', 1)[-1]}"
        return f"{words[: limit - 7].rstrip('-')}-{ending}"

    def has_called(self, name: str, key: str, limit: int) -> bool:
        """True if `called` gives this name to the key in some generation: only the digest is left open."""
        words, _, ending = name.rpartition("-")
        return words == self.called(key, "", limit).rpartition("-")[0] and bool(re.fullmatch("[0-9a-f]{6}", ending))
