"""Documented values, each altered in turn: the test that proves the value must fail.

A mutant alters what is written in config.toml (`written`, by dotted key) or a value in the code
(`patched`, by dotted place). `tests/conftest.py` applies the one that `AWSDEPLOY_MUTANT` names.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

VARIABLE = "AWSDEPLOY_MUTANT"


@dataclass(frozen=True)
class Mutant:
    """`row` of the architecture and `value`: what is altered. `test` must fail."""

    row: str
    value: str
    test: str
    written: Mapping[str, Any] = field(default_factory=dict)
    patched: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.row} {self.value}"


def chosen() -> Mutant | None:
    """The mutant that this process tests, if any."""
    from tests.system.mutants.altered import MUTANTS

    name = os.environ.get(VARIABLE)
    return next(one for one in MUTANTS if one.name == name) if name else None


def apply(mutant: Mutant, patch: pytest.MonkeyPatch) -> None:
    """Put its values in the place of the documented ones."""
    for place, value in mutant.patched.items():
        owner, name = _found(place)
        if isinstance(owner, dict):
            patch.setitem(owner, name, value)
        else:
            patch.setattr(owner, name, value)


def written(tree: Mapping[str, Any], mutant: Mutant) -> dict[str, Any]:
    """A config with the mutant's values in it."""
    whole = {key: dict(value) if isinstance(value, dict) else value for key, value in tree.items()}
    for key, value in mutant.written.items():
        table = whole
        *above, last = key.split(".")
        for part in above:
            table[part] = dict(table.get(part, {}))
            table = table[part]
        table[last] = value
    return whole


def _found(place: str) -> tuple[Any, str]:
    """The object that holds the last part of a dotted place, and that part's name."""
    *above, name = place.split(".")
    for length in range(len(above), 0, -1):
        try:
            owner = importlib.import_module(".".join(above[:length]))
        except ModuleNotFoundError:
            continue
        for part in above[length:]:
            owner = owner[part] if isinstance(owner, dict) else getattr(owner, part)
        return owner, name
    raise LookupError(place)


def rows(mutants: tuple[Mutant, ...]) -> Iterator[str]:
    yield from dict.fromkeys(one.row for one in mutants)
