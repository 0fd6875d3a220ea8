"""Choice among hosted zones of one name: the delegated one; if nothing proves which, all are named."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy import config
from awsdeploy.architecture import https_readiness
from awsdeploy.aws.session import AwsSession
from awsdeploy.errors import Refused, SeveralZones
from awsdeploy.preflight.checks import findings
from awsdeploy.preflight.finding import Question
from awsdeploy.resources.dns.hosted_zone import HostedZone
from tests.simulated import REGION, World
from tests.system.test_dns_modes import zone

ELSEWHERE = ["ns1.gabia.co.kr", "ns2.gabia.co.kr"]
VPC = {"VPCRegion": REGION, "VPCId": "vpc-12345678"}


def made(world: World, name: str, private: bool = False) -> str:
    """The id of a new zone, beside whatever the account has."""
    route53 = world.client("route53")
    reference = str(len(route53.list_hosted_zones()["HostedZones"]))
    more: dict[str, Any] = {"HostedZoneConfig": {"PrivateZone": True}, "VPC": VPC} if private else {}
    answer = route53.create_hosted_zone(Name=name, CallerReference=reference, **more)
    return str(answer["HostedZone"]["Id"]).rpartition("/")[2]


def servers(world: World, id: str) -> list[str]:
    found: list[str] = world.client("route53").get_hosted_zone(Id=id)["DelegationSet"]["NameServers"]
    return found


def delegate(world: World, name: str, to: list[str]) -> None:
    world.control("POST", "delegation", {"name": name, "servers": to})


def settings(**more: Any) -> config.Settings:
    written = {"name": "shop", "platform": "supported", "domain": "example.com", **more}
    return config.from_mapping(written, source="", environ={})


def adopted(world: World, chosen: config.Settings) -> str:
    """The id of the zone that a plan puts the records into; the one that decides about HTTPS is the same."""
    plan = world.plan(chosen)
    (used,) = [item.observed for one, item in plan.items.items() if isinstance(one, HostedZone)]
    assert used is not None
    route53 = AwsSession().client("route53", REGION)
    zones = route53.pages("list_hosted_zones", "HostedZones")
    decides = https_readiness.zone_of(route53, zones, chosen)
    assert decides is not None
    assert decides.id == used.id
    return used.id


def test_of_two_public_zones_and_a_private_one_the_delegated_one_is_used(world: World) -> None:
    first = zone(world).rpartition("/")[2]
    second = made(world, "example.com")
    made(world, "example.com", private=True)
    made(world, "www.example.com", private=True)
    assert adopted(world, settings()) == first
    delegate(world, "example.com", servers(world, second))
    assert adopted(world, settings()) == second
    assert adopted(world, settings(dns={"zone": first})) == first


def test_a_zone_below_counts_once_it_is_delegated_and_if_it_holds_every_name(world: World) -> None:
    above, below = zone(world).rpartition("/")[2], made(world, "shop.example.com")
    assert adopted(world, settings(domain="shop.example.com")) == above
    delegate(world, "shop.example.com", servers(world, below))
    assert adopted(world, settings(domain="shop.example.com")) == below
    assert adopted(world, settings(domain="shop.example.com", aliases=["api.example.com"])) == above


@pytest.mark.parametrize("asked", ["elsewhere", "nobody"])
@pytest.mark.slow
def test_where_nothing_proves_which_all_are_named_with_what_to_write(world: World, asked: str) -> None:
    first, second = zone(world).rpartition("/")[2], made(world, "example.com")
    if asked == "elsewhere":
        delegate(world, "example.com", ELSEWHERE)
    else:
        world.control("POST", "deaf", {"deaf": True})
    with pytest.raises(SeveralZones) as raised:
        world.plan(settings())
    for id in (first, second):
        assert f"{id}  {' '.join(sorted(servers(world, id)))}" in raised.value.message
    assert '[dns] zone = "' in raised.value.hint
    told = [one for one in findings(Question(settings(), AwsSession())) if one.fatal]
    assert [(one.what, first in one.seen, second in one.seen) for one in told] == [
        ("hosted zone of example.com", True, True)
    ]
    assert adopted(world, settings(dns={"zone": second})) == second


def test_a_zone_that_is_named_and_does_not_fit_is_refused_with_those_that_do(world: World) -> None:
    other, private = made(world, "other.net"), made(world, "example.com", private=True)
    for id in (other, private, "Z0123456789"):
        with pytest.raises(Refused, match=f"Hosted zone {id} is not a public zone") as raised:
            world.plan(settings(dns={"zone": id}))
        assert zone(world).rpartition("/")[2] in raised.value.hint


@pytest.mark.slow
def test_when_another_zone_of_the_name_is_delegated_the_records_move_to_it(world: World) -> None:
    written = world.settings('name = "shop"\nenvironment = "dev"\nplatform = "supported"\ndomain = "example.com"\n')
    world.up(written)
    first, second = zone(world).rpartition("/")[2], made(world, "example.com")
    delegate(world, "example.com", servers(world, second))
    before = names(world, first)
    world.up(written)
    assert names(world, second) == before
    assert names(world, first) == set()
    assert not [item for item in world.plan(written).items.values() if item.writes]


def names(world: World, id: str) -> set[tuple[str, str]]:
    """The records of a zone, without its own."""
    found = world.client("route53").list_resource_record_sets(HostedZoneId=id)["ResourceRecordSets"]
    return {(one["Name"], one["Type"]) for one in found if one["Type"] not in ("NS", "SOA")}
