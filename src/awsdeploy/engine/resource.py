"""Base class of resources: small frozen dataclasses whose fields are the edges of the graph.

A kind finds all its resources in AWS (`scan`), creates one (`create`), yields the differences (`diff`) and takes the
next step of a deletion (`delete`). The engine decides when these are called, waits, and keeps the state file. A new
kind imports everything it needs from this module.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from awsdeploy.aws.session import TransientError
from awsdeploy.config.stack import TAG_GENERATION, TAG_RESOURCE, TAG_STACK, Stack
from awsdeploy.engine.observed import (
    OTHERS,
    UNKNOWN,
    Blocker,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Restorable,
    Retained,
    Status,
    Wait,
)
from awsdeploy.engine.tagging import Tagging, retagged
from awsdeploy.engine.view import Aws

__all__ = [
    "KINDS",
    "OTHERS",
    "TAG_GENERATION",
    "TAG_RESOURCE",
    "TAG_STACK",
    "TIMELESS",
    "UNKNOWN",
    "Aws",
    "Blocker",
    "Change",
    "Danger",
    "Deletion",
    "DestroyOptions",
    "Gate",
    "Idempotency",
    "Observed",
    "Resource",
    "Restorable",
    "Retained",
    "Stack",
    "Status",
    "TransientError",
    "Wait",
]

KINDS: dict[str, type[Resource]] = {}
"""Every kind by its class name, so that state and tags find the class. Kinds enter by being defined."""


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
    transient: ClassVar[tuple[TransientError, ...]] = ()
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    deletion: ClassVar[Deletion] = Deletion()
    data: ClassVar[bool] = False  # what it holds cannot be made again
    arns: ClassVar[tuple[str, ...]] = ()  # how its ARNs can be told: ":vpc/"
    is_global: ClassVar[bool] = False  # a global service: one list for all regions
    multi_region: ClassVar[bool] = False  # can be in another region than the stack's
    immediate: ClassVar[bool] = False  # a change is made when AWS answers: it is not read back
    rereads: ClassVar[bool] = False  # `reread` takes fewer calls than `scan`
    volatile: ClassVar[frozenset[str]] = frozenset()  # fields that AWS changes by itself: the time of something
    copies: ClassVar[str] = ""  # the kind (by class name) of the copies that `back_up` makes of it
    tagging: ClassVar[Tagging | None] = None  # how the owner's tags are mended; None: not, or by `diff`
    ignorable: ClassVar[frozenset[str] | set[str]] = frozenset()
    """Attributes that may be left to the owner (`[drift] ignore`): fields of its changes that `create` sends, whose
    default in AWS does no harm, or to which the owner adds. No call may send an ignored one (`Aws.ignores`)."""
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__repr__ = Resource.__repr__  # type: ignore[method-assign]  # a whole graph is no name
        cls.abstract = "abstract" in cls.__dict__ and cls.__dict__["abstract"]
        if not cls.abstract:
            KINDS[cls.__name__] = cls

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key})"

    @classmethod
    def noun(cls) -> str:
        """The kind in words: `SecurityGroup` is a security group."""
        return cls.title or "".join(f" {c.lower()}" if c.isupper() else c for c in cls.__name__).strip()

    def brief(self) -> str:
        """Words for it in a plan of one screen; "" if it is only counted there."""
        return ""

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """All of this kind that are the stack's."""
        raise NotImplementedError

    @classmethod
    def reread(cls, aws: Aws, known: Sequence[Observed]) -> Iterable[Observed]:
        """Those of the `known` objects that exist, as they are now. Their tags are not read again."""
        raise NotImplementedError

    def adopt(self, aws: Aws) -> Observed:
        """Find what `existing` names. The status says what it lacks; raises `Refused` if it is not even known."""
        raise NotImplementedError

    @property
    def remedy(self) -> str:
        """Hint for a person, where AWS says that it has failed."""
        return "Fix the cause, then run the same command again: it deletes the failed one first."

    def fits(self, aws: Aws, observed: Observed) -> bool:
        """True if an object of this key and generation can be this resource; one that cannot is no longer needed."""
        return True

    def conflict(self, aws: Aws) -> str:
        """Existing object that prevents the creation, in words, or nothing. Read before anything is created."""
        return ""

    def impossible(self, aws: Aws, observed: Observed) -> str:
        """Reason why AWS can never change this object to what is declared, in words, or nothing. Read in the plan."""
        return ""

    def create(self, aws: Aws) -> str | Observed:
        """Make it, with every setting the call takes and the tags inside the call.

        Return it as `scan` would find it (`Aws.made`), if AWS's answer or the call says all of that; else its id.
        """
        raise NotImplementedError

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Differences from the declaration. Called again after the changes, until there are none."""
        yield from ()

    def differences(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Everything that differs: the owner's tags, then what `diff` says. What the engine asks.

        What the owner has added to or changed in an ignored attribute is left out. What is missing of ours is not: a
        crash after the creation leaves the same.
        """
        yield from retagged(aws, self.tagging, observed)
        for change in self.diff(aws, observed):
            if change.old is None or not aws.ignores(self, change.field):
                yield change

    def rejoin(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Steps until it serves requests again, after a change for which it had the `turn`."""
        yield from ()

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        """Facts for people once it exists, such as an endpoint or a URL."""
        return {}

    def advisory(self, aws: Aws, observed: Observed) -> str:
        """Action that a person still has to take, in words, or nothing. It is no drift."""
        return ""

    @classmethod
    def keep(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> Retained | None:
        """Reason why destroy does not delete this object, or None."""
        return None

    @classmethod
    def kept_for(cls, observed: Observed) -> str:
        """Purpose of an object that nothing declares and `up` keeps, in words; empty for all others."""
        return ""

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        """Danger of the deletion of this object: an outage if requests of users go through it."""
        return Danger.DATA_LOSS if cls.data else Danger.NONE

    @classmethod
    def is_protected(cls, observed: Observed) -> bool:
        """Tell if AWS's deletion protection of this object is on."""
        return False

    @classmethod
    def unlocking(cls, observed: Observed) -> str:
        """Action for a person that lets `destroy` turn off the deletion protection of a `locked` object."""
        return ""

    @classmethod
    def leftovers(cls, observed: Observed) -> str:
        """Objects of the account that remain after the deletion, in words, or nothing."""
        return ""

    @classmethod
    def restorable(cls, aws: Aws, observed: Observed) -> Iterator[Restorable]:
        """Backups that this object offers. It may call AWS."""
        yield from ()

    @classmethod
    def back_up(cls, aws: Aws, observed: Observed, stamp: str) -> str:
        """Begin a copy of its data, with its tags; returns the id of the copy, which is of the kind `copies`.

        `stamp` is the moment in UTC: by it a copy has the same name, and is made once, however often this is sent.
        """
        raise NotImplementedError

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Take the next step of the deletion. Called again until the scan no longer finds the object."""
        raise NotImplementedError

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        """Blockers of this object's deletion. It may ask AWS; called only for what has been stuck for a while."""
        yield from ()

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
        return self._generation(of, counter)

    def kept_generation(self, aws: Aws, observed: Observed, of: Mapping[Resource, str], counter: int) -> str:
        """Generation of an existing object that is changed in place although a field in `replaces` differs, or nothing.

        For objects of earlier versions, which had more fields there, and for fields of which AWS changes some values
        in place: the object says which.
        """
        return ""

    def replacing(self, observed: Observed) -> tuple[str, Danger]:
        """Impact of the replacement of this object, in words, and how bad it is. What holds data is lost anyway."""
        return "", Danger.REPLACEMENT

    def stands_in(self, observed: Observed) -> bool:
        """Tell if this resource serves the requests of an object that is deleted."""
        return False

    def _generation(self, of: Mapping[Resource, str], counter: int, more: Mapping[str, Any] | None = None) -> str:
        fixed = {name: _plain(getattr(self, name), of) for name in self.replaces} | dict(more or {})
        text = json.dumps([fixed, counter], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{digest}.{counter}" if counter else digest


TIMELESS = hashlib.sha256(json.dumps([{}, 0]).encode()).hexdigest()[:8]
"""The generation of whatever can change in every respect: known without tags."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate(Resource):
    """A resource that owns nothing in AWS and only waits, for example until targets are healthy.

    Its differences are applied after the wait.
    """

    abstract = True

    def observe(self, aws: Aws) -> Observed:
        """Current state of the gate."""
        raise NotImplementedError


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
