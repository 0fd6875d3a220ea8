"""Order of kinds by what their fields point to: deletions need no state and no config."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator
from typing import Any, ClassVar

from awsdeploy.engine.resource import Gate, Resource


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
