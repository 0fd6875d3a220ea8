"""Public DNS as it is asked: an answer, no such thing, and nobody there are three different things."""

from __future__ import annotations

import time

import pytest

from awsdeploy import resolver
from tests.simulated import World


def test_it_says_what_others_and_what_delegated_zones_answer(world: World) -> None:
    world.control("POST", "dns", {"name": "other.net", "type": "MX", "values": ["10 mail.other.net"]})
    assert resolver.ask("other.net", "MX") == ("10 mail.other.net.",)
    zone = world.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    servers = world.client("route53").get_hosted_zone(Id=zone)["DelegationSet"]["NameServers"]
    assert resolver.ask("example.com", "NS") == tuple(sorted(servers))


def test_a_name_without_records_or_that_does_not_exist_has_none(world: World) -> None:
    assert world.control("GET", "status")["port"]
    assert resolver.ask("example.com", "MX") == ()
    assert resolver.ask("nowhere.invalid", "A") == ()


def test_nobody_answering_is_told_apart_within_two_seconds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.control("POST", "deaf", {"deaf": True})
    begun = time.monotonic()
    with pytest.raises(resolver.Unasked):
        resolver.ask_all([("example.com", "NS"), ("example.com", "MX"), ("example.com", "DS")])
    assert time.monotonic() - begun < 2 * resolver.PATIENCE
    monkeypatch.setenv("AWSDEPLOY_NAMESERVER", "127.0.0.1:1")
    with pytest.raises(resolver.Unasked):
        resolver.ask("example.com", "NS")


def test_a_server_that_is_none_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.control("GET", "status")["port"]
    monkeypatch.setenv("AWSDEPLOY_NAMESERVER", "somewhere")
    with pytest.raises(resolver.Unasked, match="'somewhere', and should be host:port"):
        resolver.ask("example.com", "NS")
