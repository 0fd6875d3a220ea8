"""Reads shared by all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from awsdeploy.aws.session import AwsSession
from awsdeploy.config.stack import Stack
from awsdeploy.engine.batch import GATHER
from awsdeploy.engine.context import ResourceCache, StackContext
from awsdeploy.engine.observed import Kind, Observed
from awsdeploy.engine.view import Aws

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

    def scan(kind: Kind, region: str, _since: float) -> Iterable[Observed]:
        scans.append(f"{kind.__name__} in {region}")
        return ()

    def scan_known(kind: Kind, _region: str, known: Sequence[Observed]) -> Iterable[Observed]:
        scans.append(f"{kind.__name__} again")
        return known

    return ResourceCache(scan, scan_known, REGION)


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


def test_known_objects_are_read_again_by_fewer_calls_and_new_ones_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Network, "rereads", True)
    scans: list[str] = []
    cache = counting(scans)
    cache.all(Network, REGION)
    known = Observed(Network, "network/known", "vpc-1", region=REGION)
    cache.made(known)
    scans.clear()
    assert cache.reread(Network, REGION, "vpc-1") is known
    assert cache.reread(Network, REGION, "vpc-1", age=60) is known
    assert scans == ["Network again"]
    assert cache.reread(Network, REGION, "vpc-2") is None
    assert scans == ["Network again", f"Network in {REGION}"]


def test_what_is_made_during_a_second_read_is_not_lost_and_what_is_gone_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "rereads", True)
    gone, made = (Observed(Network, f"network/{id}", id, region=REGION) for id in ("vpc-gone", "vpc-made"))

    def scan_known(_kind: Kind, _region: str, _known: Sequence[Observed]) -> Iterable[Observed]:
        cache.made(made)
        return ()

    cache = ResourceCache(lambda _kind, _region, _since: [gone], scan_known, REGION)
    cache.all(Network, REGION)
    assert cache.reread(Network, REGION, gone.id) is None
    assert list(cache.all(Network, REGION)) == [made]


def test_a_second_read_of_known_objects_is_no_search_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "rereads", True)
    scans: list[str] = []
    cache = counting(scans)
    cache.all(Network, REGION)
    cache.made(Observed(Network, "network/known", "vpc-1", region=REGION))
    began = time.monotonic()
    cache.reread(Network, REGION, "vpc-1")
    cache.look(Network, REGION, age=time.monotonic() - began)
    assert scans == [f"Network in {REGION}", "Network again", f"Network in {REGION}"]


def test_kinds_in_one_list_share_it_until_it_is_too_old() -> None:
    asked: list[str] = []

    def machines(aws: Aws) -> list[str]:
        asked.append(aws.region)
        return ["i-1"]

    context = StackContext(AwsSession(), Stack("shop", "dev"), REGION)
    for region in (REGION, REGION, "us-east-1"):
        assert Aws(context, region).listed(machines) == ["i-1"]
    assert asked == [REGION, "us-east-1"]
    Aws(context, REGION, since=time.monotonic()).listed(machines)
    assert len(asked) == 3
    context.cache.forget()
    Aws(context, REGION).listed(machines)
    assert len(asked) == 4
