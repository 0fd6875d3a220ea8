"""Samples of families of cases: some run in every `make test`, the others only in `make torture`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], kept: Collection[Any] | int = 1) -> list[Any]:
    """Return all cases as parameters, marked `torture` unless they are among `kept`, or the first so many."""
    every = list(cases)
    chosen = every[:kept] if isinstance(kept, int) else kept
    return [
        pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=[] if one in chosen else [pytest.mark.torture])
        for one in every
    ]
