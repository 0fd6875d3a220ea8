"""Scope of a deployer: the names, paths and tags of one stack as patterns of ARNs and as conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.config import Settings
from awsdeploy.config.stack import APART
from awsdeploy.engine.resource import TAG_STACK, Stack


@dataclass(frozen=True)
class Scope:
    """One stack in one account; `account` may be `*`."""

    settings: Settings
    account: str

    @property
    def stack(self) -> Stack:
        return self.settings.stack

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """ARN in the account, by default in the stack's region; global services have the region ""."""
        return f"arn:aws:{service}:{self.settings.region if region is None else region}:{self.account}:{resource}"

    def ec2(self, *kinds: str) -> list[str]:
        """ARN patterns of EC2 resources of these kinds. Conditions on tags limit them."""
        return [self.arn("ec2", f"{kind}/*") for kind in kinds]

    def public(self, service: str, *resources: str) -> list[str]:
        """Resources without an account in their ARN: images and their snapshots, Amazon's documents and parameters."""
        return [f"arn:aws:{service}:{self.settings.region}::{resource}" for resource in resources]

    def named(self, word: str) -> str:
        """A pattern of the names that `Stack.called` gives to the key that ends in `word`.

        No other stack's fits it: a name ends with a hyphen and six characters.
        """
        return f"{self.stack.slug}-{word}-??????"

    @property
    def apart(self) -> str:
        """A pattern of the names that are given with `APART`, of this stack only."""
        return f"{self.stack.slug}{APART}*"

    def cut(self, limit: int) -> str:
        """A pattern of names cut at `limit` characters. It can match other stacks, so conditions on tags limit it."""
        return f"{f'{self.stack.slug}-'[: limit - 7]}*"

    @property
    def not_others(self) -> Mapping[str, Any]:
        """The thing has no other stack's tag."""
        return {
            "StringEqualsIfExists": {f"aws:ResourceTag/{TAG_STACK}": self.stack.tag},
        }

    @property
    def ours(self) -> Mapping[str, Any]:
        """The thing has the stack's tag."""
        return {"StringEquals": {f"aws:ResourceTag/{TAG_STACK}": self.stack.tag}}

    @property
    def becoming_ours(self) -> Mapping[str, Any]:
        """The call gives the thing the stack's tag."""
        return {"StringEquals": {f"aws:RequestTag/{TAG_STACK}": self.stack.tag}}


def actions(service: str, names: str | Iterable[str]) -> list[str]:
    """A service's actions by their words, in order."""
    words = names.split() if isinstance(names, str) else names
    return [f"{service}:{name}" for name in sorted(set(words))]
