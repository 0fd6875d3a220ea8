"""Findings of the preflight about a domain, each in a world that is broken in that way and in no other."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy import config
from awsdeploy.aws.session import AwsSession
from awsdeploy.dns import resolver
from awsdeploy.preflight.checks import findings
from awsdeploy.preflight.finding import Finding, Question
from tests.dns.dropping import dropping
from tests.simulated import World
from tests.system.test_dns_modes import without_zone, zone

pytestmark = pytest.mark.slow

DOMAIN = {"name": "shop", "platform": "supported", "domain": "example.com"}
SERVERS = ["ns1.gabia.co.kr", "ns2.gabia.co.kr"]


def found(**more: Any) -> list[Finding]:
    settings = config.from_mapping({**DOMAIN, **more}, source="", environ={})
    return findings(Question(settings, AwsSession()))


def test_a_domain_in_order_is_not_remarked_on(world: World) -> None:
    assert zone(world)
    assert found() == []
    assert found(dns={"mode": "external"}) == []


def test_an_account_without_the_zone(world: World) -> None:
    without_zone(world)
    (one,) = found()
    assert one.fatal
    assert (one.what, one.seen[:22]) == ("hosted zone of example.com", "this account has no pu")
    assert "create_zone = true" in one.remedy
    assert found(dns={"mode": "external"}) == []


def test_a_zone_that_the_registrar_does_not_name(world: World) -> None:
    world.control("POST", "delegation", {"name": "example.com", "servers": SERVERS})
    (one,) = found()
    assert not one.fatal
    servers = world.client("route53").get_hosted_zone(Id=zone(world))["DelegationSet"]["NameServers"]
    assert one.what == "delegation of example.com"
    assert "ns1.gabia.co.kr ns2.gabia.co.kr" in one.seen
    assert all(server in one.seen for server in servers)
    assert "registrar" in one.remedy


def test_a_caa_record_that_names_others_only(world: World) -> None:
    world.control("POST", "delegation", {"name": "example.com", "servers": SERVERS})
    world.control("POST", "dns", {"name": "example.com", "type": "CAA", "values": ['0 issue "letsencrypt.org"']})
    (one,) = found(dns={"mode": "external"})
    assert one.fatal
    assert (one.what, one.seen) == ("CAA record of example.com", '0 issue "letsencrypt.org"')
    assert '0 issue "amazon.com"' in one.remedy
    both = ['0 issue "letsencrypt.org"', '0 issue "amazon.com"']
    world.control("POST", "dns", {"name": "example.com", "type": "CAA", "values": both})
    assert found(dns={"mode": "external"}) == []


def test_a_ds_record_over_a_zone_that_is_to_be_made(world: World) -> None:
    without_zone(world)
    value = "12345 13 2 " + "ab" * 32
    world.control("POST", "dns", {"name": "example.com", "type": "DS", "values": [value]})
    (one,) = found(create_zone=True)
    assert one.fatal
    assert one.what == "DS record of example.com at its parent"
    assert one.seen == value
    assert "Turn DNSSEC off at your registrar" in one.remedy


def test_a_ds_record_over_a_zone_that_stands_and_is_not_delegated_is_a_warning(world: World) -> None:
    value = "12345 13 2 " + "ab" * 32
    world.control("POST", "dns", {"name": "example.com", "type": "DS", "values": [value]})
    assert found() == []
    world.control("POST", "delegation", {"name": "example.com", "servers": SERVERS})
    told = {one.what: one for one in found()}
    assert set(told) == {"DS record of example.com at its parent", "delegation of example.com"}
    assert not any(one.fatal for one in told.values())
    assert "Turn DNSSEC off at your registrar" in told["DS record of example.com at its parent"].remedy
    assert told["delegation of example.com"].remedy.startswith('To keep DNS where it is: mode = "external"')


@pytest.mark.parametrize("kind", ["CAA", "DS"])
def test_one_record_that_gets_no_answer_is_named_and_the_others_are_judged(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    without_zone(world)
    monkeypatch.setattr(resolver, "TIMEOUT_SECONDS", 0.5)
    others = {("www.example.com", "CAA"): ['0 issue "letsencrypt.org"'], ("example.com", "NS"): ["ns1.gabia.co.kr."]}
    asked = ("example.com", kind)
    with dropping(lambda *one: others.get(one, []), most=99, silent=lambda *one: one == asked) as server:
        monkeypatch.setenv(resolver.VARIABLE, server.address)
        told = {one.what: one for one in found(create_zone=True, aliases=["www"])}
    assert told["CAA record of www.example.com"].fatal
    one = told[f"{kind} record of example.com"]
    assert not one.fatal
    assert "did not answer" in one.seen
    assert f"dig {kind} example.com" in one.remedy


def test_dns_that_cannot_be_asked_is_a_warning(world: World) -> None:
    world.control("POST", "deaf", {"deaf": True})
    (one,) = found()
    assert not one.fatal
    assert one.what == "public DNS of example.com"
    assert "cannot be queried" in one.seen
    assert "AWSDEPLOY_NAMESERVER" in one.remedy
