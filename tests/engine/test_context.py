"""Reads shared by all who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from awsdeploy.engine.batch import GATHER
from awsdeploy.engine.context import ResourceCache
from awsdeploy.engine.observed import Kind, Observed

from .cloud import REGION, Network, Subnet


class RecordedWaits(threading.Condition):
    """A condition that waits for nothing and records whether it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[tuple[bool, float | None]] = []

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        self.waits.append((not predicate(), timeout))


def counting(scans: list[str]) -> ResourceCache:
    """A cache that writes down what it asks for, and finds nothing."""

    def scan(kind: Kind, region: str) -> Iterable[Observed]:
        scans.append(f"{kind.__name__} in {region}")
        return ()

    return ResourceCache(scan, REGION)


def test_a_look_waits_for_changes_of_its_kind_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[str] = []
    cache = counting(scans)
    monkeypatch.setattr(cache, "_answered", answered := RecordedWaits())
    with cache.changing(Network, REGION), cache.changing(Network, REGION):
        cache.look(Network, REGION)
        cache.look(Subnet, REGION)
        cache.look(Network, "us-east-1")
        cache.look(Network, REGION, at_once=True)
    cache.look(Network, REGION)
    assert answered.waits == [(True, GATHER), (False, GATHER), (False, GATHER), (False, GATHER), (False, GATHER)]
    assert len(scans) == 5


def test_what_was_looked_up_for_a_plan_is_not_asked_for_again() -> None:
    scans: list[str] = []
    cache = counting(scans)
    for _ in range(2):
        cache.all(Network, REGION)
    assert len(scans) == 1
    cache.look(Network, REGION)
    cache.forget()
    cache.all(Network, REGION)
    assert len(scans) == 3


def test_a_look_that_is_young_enough_serves_another() -> None:
    scans: list[str] = []
    cache = counting(scans)
    cache.look(Network, REGION)
    cache.look(Network, REGION, age=60)
    assert len(scans) == 1
    cache.look(Network, REGION)
    assert len(scans) == 2
