"""Description of a kind of resource as Terraform has it: the registry, and what a description can ask for.

A description is a function: resource and observed object → the Terraform resources that manage it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from awsdeploy.config.stack import TAG_STACK, tags_to_dict
from awsdeploy.engine.observed import Observed
from awsdeploy.engine.resource import Gate, Resource
from awsdeploy.engine.run import Run
from awsdeploy.engine.view import Aws
from awsdeploy.export.hcl import Call, Expression, call
from awsdeploy.resources.compute.bootstrap import TAG as BOOTSTRAP
from awsdeploy.resources.compute.machine import RELEASE

SET_BY_MACHINES = (BOOTSTRAP, RELEASE)
"""Tags that machines set themselves. The provider ignores them."""

Kind = TypeVar("Kind", bound=Resource)


@dataclass(frozen=True)
class Managed:
    """A Terraform resource, and the id under which Terraform imports it; "" if it cannot import its type."""

    type: str
    name: str
    id: str
    settings: Mapping[str, Any]
    region: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Data:
    """Something that Terraform only reads."""

    type: str
    name: str
    settings: Mapping[str, Any]


@dataclass
class ExportScope:
    """A stack that exists, as descriptions see it. `texts` are files besides, by their path in the folder."""

    run: Run
    texts: dict[str, str] = field(default_factory=dict)

    def view(self, resource: Resource) -> Aws:
        return self.run.view_of(resource, fresh=False)

    @property
    def any_view(self) -> Aws:
        """A view for what is the same for all resources."""
        return self.view(next(iter(self.run.observations)))

    def observed(self, resource: Resource) -> Observed:
        return self.run.observations[resource]

    def main(self, resource: Resource, id: str = "", /, comment: str = "", **settings: Any) -> Managed:
        """The resource in Terraform to which others refer. `id` is given where Terraform imports it by another one."""
        return self.managed(
            TYPES[type(resource)], resource, id or self.observed(resource).id, comment=comment, **settings
        )

    def managed(
        self, type: str, resource: Resource, id: str, /, more: str = "", comment: str = "", **settings: Any
    ) -> Managed:
        """A resource in Terraform; `more` ends the name where one resource of ours is several of Terraform's."""
        region = resource.region if resource.region != self.run.region else ""
        return Managed(type, name_of(resource, more), id, settings, region, comment)

    def data(self, type: str, resource: Resource, /, **settings: Any) -> Data:
        return Data(type, name_of(resource), settings)

    def ref(self, resource: Resource) -> Expression:
        """Reference to the main Terraform resource of a resource of ours."""
        return Expression(f"{'data.' if resource.existing else ''}{TYPES[type(resource)]}.{name_of(resource)}")

    def refs(self, resources: Iterable[Resource], attribute: str = "id") -> list[Expression]:
        return [getattr(self.ref(one), attribute) for one in resources]

    def tags(self, resource: Resource, present: Mapping[str, str] | None = None) -> Call:
        """Tags: the stack's own, which are in locals, and those of this resource. `present` are tags that it has."""
        return self.tags_of({**(present or {}), **tags_to_dict(self.view(resource).tags(resource))})

    def tags_of(self, tags: Mapping[str, str]) -> Call:
        """These tags, without those that AWS or the machines themselves set."""
        own = {
            key: value
            for key, value in tags.items()
            if self.shared_tags.get(key) != value and key not in SET_BY_MACHINES and not key.startswith("aws:")
        }
        return call("merge", Expression("local.tags"), own)

    @property
    def shared_tags(self) -> dict[str, str]:
        """Tags of everything in the stack."""
        return {TAG_STACK: self.run.stack.tag, **tags_to_dict(self.run.stack.own_tags)}


Description = Callable[[ExportScope, Any, Observed], Iterable[Managed | Data]]

DESCRIPTIONS: dict[type[Resource], Description] = {}
TYPES: dict[type[Resource], str] = {}
"""The main Terraform type of each kind: what others refer to."""
LEFT_OUT: set[type[Resource]] = set()
"""Kinds that Terraform does not take over. The README says so."""


def describes(kind: type[Kind], type: str) -> Callable[[Description], Description]:
    """Register the description of a kind whose main resource in Terraform is of this type."""

    def register(description: Description) -> Description:
        DESCRIPTIONS[kind], TYPES[kind] = description, type
        return description

    return register


def leave_out(kind: type[Resource]) -> None:
    LEFT_OUT.add(kind)


def is_described(resource: Resource) -> bool:
    return not isinstance(resource, Gate) and type(resource) not in LEFT_OUT


class Keyed(Protocol):
    """Something with a key of ours: a resource, declared or observed."""

    @property
    def key(self) -> str: ...


def name_of(resource: Keyed, more: str = "") -> str:
    """Name in Terraform: our key, with `_` for what Terraform does not allow (`network/public-a`: network_public-a)."""
    words = f"{resource.key}_{more}" if more else resource.key
    name = re.sub(r"[^A-Za-z0-9_-]", "_", words)
    return name if re.match("[A-Za-z_]", name) else f"_{name}"
