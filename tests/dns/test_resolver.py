"""Public DNS as it is asked: an answer, no such thing, and nobody there are three different things."""

from __future__ import annotations

import time

import pytest

from awsdeploy.architecture import https_readiness
from awsdeploy.dns import resolver
from tests.dns.dropping import dropping
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
    assert time.monotonic() - begun < 2 * resolver.TIMEOUT_SECONDS
    monkeypatch.setenv("AWSDEPLOY_NAMESERVER", "127.0.0.1:1")
    with pytest.raises(resolver.Unasked):
        resolver.ask("example.com", "NS")


def test_a_server_that_is_none_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.control("GET", "status")["port"]
    monkeypatch.setenv("AWSDEPLOY_NAMESERVER", "somewhere")
    with pytest.raises(resolver.Unasked, match="'somewhere', and should be host:port"):
        resolver.ask("example.com", "NS")


MAIL = {("example.com", "MX"): ["10 mail.example.com."], ("mail.example.com", "A"): ["192.0.2.25"]}


def has_mail(name: str, kind: str) -> list[str]:
    return MAIL.get((name, kind), [])


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "TIMEOUT_SECONDS", 0.3)


def test_what_a_resolver_drops_is_asked_again_with_fewer_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "TIMEOUT_SECONDS", 0.6)
    monkeypatch.setattr(resolver, "LONGEST", 60.0)
    with dropping(has_mail, most=6) as server:
        monkeypatch.setenv(resolver.VARIABLE, server.address)
        public = https_readiness.public_dns("example.com", ["example.com"])
    assert server.dropped > 0
    assert [str(one) for one in public.records] == [
        "example.com  MX  10 mail.example.com.",
        "mail.example.com  A  192.0.2.25",
    ]
    assert public.unanswered == ()


@pytest.mark.usefixtures("hurried")
def test_what_is_never_answered_is_named_beside_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with dropping(has_mail, most=99, silent=lambda name, kind: (name, kind) == ("example.com", "TXT")) as server:
        monkeypatch.setenv(resolver.VARIABLE, server.address)
        public = https_readiness.public_dns("example.com", ["example.com"])
    assert len(public.records) == 2
    assert public.unanswered == ("TXT example.com",)
    assert f"did not answer 1 of {public.asked} questions; these records are unknown: TXT example.com" in public.gaps


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("silent", [("*.example.com", "A"), ("mail.example.com", "CNAME")])
def test_what_a_wildcard_or_an_alias_might_have_made_up_is_not_known_without_their_answer(
    monkeypatch: pytest.MonkeyPatch, silent: tuple[str, str]
) -> None:
    with dropping(has_mail, most=99, silent=lambda name, kind: (name, kind) == silent) as server:
        monkeypatch.setenv(resolver.VARIABLE, server.address)
        public = https_readiness.public_dns("example.com", ["example.com"])
    assert [one.kind for one in public.records] == ["MX"]
    assert "A mail.example.com" in public.unanswered


@pytest.mark.usefixtures("hurried")
def test_a_resolver_that_goes_silent_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "LONGEST", 1.0)
    with dropping(has_mail, most=99, silent=lambda name, _: name not in ("example.com", "*.example.com")) as server:
        monkeypatch.setenv(resolver.VARIABLE, server.address)
        begun = time.monotonic()
        public = https_readiness.public_dns("example.com", ["example.com"])
    assert time.monotonic() - begun < 1.0 + 2 * resolver.TIMEOUT_SECONDS
    assert [one.kind for one in public.records] == ["MX"]
    assert len(public.unanswered) == public.asked - 7
