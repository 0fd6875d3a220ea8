"""Everything that an existing VPC can lack, by what AWS answers about it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from awsdeploy.resources.network.existing_vpc import ANYWHERE, ExistingVpc

PUBLIC, PRIVATE = ("subnet-a", "subnet-b"), ("subnet-c", "subnet-d")
ZONES: dict[str, str] = dict(zip((*PUBLIC, *PRIVATE), "abab", strict=True))


def subnet(id: str, **more: Any) -> dict[str, Any]:
    return {"SubnetId": id, "State": "available", "AvailabilityZone": ZONES[id], "MapPublicIpOnLaunch": True, **more}


def table(route: dict[str, Any], *subnets: str) -> dict[str, Any]:
    associations: list[dict[str, Any]] = [{"SubnetId": id} for id in subnets] or [{"Main": True}]
    routes = [{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}]
    return {
        "Associations": associations,
        "Routes": [*routes, *([{"DestinationCidrBlock": ANYWHERE, **route}] if route else [])],
    }


WELL = ExistingVpc(
    "vpc-1",
    "ap-northeast-2",
    {"State": "available"},
    (),
    {id: subnet(id) for id in ZONES},
    (table({}), table({"GatewayId": "igw-1", "State": "active"}, *PUBLIC)),
)


def faults(found: ExistingVpc, public: tuple[str, ...] = PUBLIC, private: tuple[str, ...] = PRIVATE) -> list[str]:
    said = list(found.faults())
    for ids, is_public in ((public, True), (private, False)):
        said += [one for id in ids for one in found.subnet_faults(id, public=is_public, all=ids)]
    return said


def changed(id: str, **more: Any) -> ExistingVpc:
    return dataclasses.replace(WELL, subnets={**WELL.subnets, id: subnet(id, **more)})


def routed(*tables: dict[str, Any]) -> ExistingVpc:
    return dataclasses.replace(WELL, tables=tables)


def test_nothing_is_missing() -> None:
    assert faults(WELL) == []
    assert WELL.zones(PUBLIC) == ("a", "b")


def test_a_main_table_with_a_gateway_makes_public() -> None:
    assert faults(routed(table({"GatewayId": "igw-1", "State": "active"}))) == []


@pytest.mark.parametrize(
    ("found", "said", "remedy"),
    [
        (dataclasses.replace(WELL, raw={}), "There is no VPC vpc-1 in ap-northeast-2", "describe-vpcs"),
        (dataclasses.replace(WELL, raw={"State": "pending"}), "vpc-1 is pending", "same command again"),
        (
            dataclasses.replace(WELL, off=("EnableDnsSupport",)),
            "EnableDnsSupport of vpc-1 is off",
            "--enable-dns-support",
        ),
        (
            dataclasses.replace(WELL, subnets={id: subnet(id) for id in ZONES if id != "subnet-d"}),
            "vpc-1 has no subnet subnet-d",
            "describe-subnets",
        ),
        (changed("subnet-c", State="pending"), "subnet-c is pending", "same command again"),
        (changed("subnet-b", AvailabilityZone="a"), "subnet-b is in a, as subnet-a is", "network.public_subnets"),
        (changed("subnet-d", AvailabilityZone="a"), "subnet-d is in a, as all of", "another zone"),
        (
            changed("subnet-b", MapPublicIpOnLaunch=False),
            "subnet-b gives machines no public",
            "--map-public-ip-on-launch",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_missing_is_told_with_a_remedy(found: ExistingVpc, said: str, remedy: str) -> None:
    (one,) = faults(found)
    assert said in one
    assert remedy in one


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (routed(table({})), f"it has no route for {ANYWHERE} to an internet gateway"),
        (
            routed(table({"NatGatewayId": "nat-1", "State": "active"})),
            f"its route for {ANYWHERE} goes to nat-1, not to an internet gateway",
        ),
        (
            routed(table({"GatewayId": "igw-1", "State": "blackhole"})),
            f"its route for {ANYWHERE} goes to igw-1 (blackhole), not to",
        ),
        (
            routed(table({"GatewayId": "igw-1", "State": "active"}), table({}, *PUBLIC)),
            f"it has no route for {ANYWHERE} to an internet gateway",
        ),
    ],
)
def test_a_subnet_without_a_way_to_the_internet_is_not_public(found: ExistingVpc, said: str) -> None:
    one, two = faults(found)
    assert one.startswith(f"subnet-a is not public: {said}")
    assert two.startswith("subnet-b is not public")


def test_three_private_subnets_may_share_a_zone() -> None:
    three = dataclasses.replace(
        WELL, subnets={**WELL.subnets, "subnet-e": {**subnet("subnet-c"), "SubnetId": "subnet-e"}}
    )
    assert faults(three, private=(*PRIVATE, "subnet-e")) == []
