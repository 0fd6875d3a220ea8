"""Faults of an existing database, and whose connections its security groups let in."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy.resources.database.existing_database import faults, lets_in

WELL: dict[str, Any] = {"Engine": "mysql", "DBInstanceStatus": "available", "DBSubnetGroup": {"VpcId": "vpc-1"}}
MACHINES = ("10.0.1.0/24", "10.0.2.0/24")


@pytest.mark.parametrize(
    ("raw", "said", "remedy"),
    [
        ({}, "There is no DB instance orders in eu-west-1", "describe-db-instances"),
        (WELL | {"Engine": "postgres"}, "orders is postgres", "leave out database.instance"),
        (WELL | {"Engine": "aurora-mysql"}, "orders is aurora-mysql", "leave out database.instance"),
        (WELL | {"DBSubnetGroup": {"VpcId": "vpc-2"}}, "orders is in vpc-2, and the stack in vpc-1", "network.vpc"),
        (WELL | {"DBInstanceStatus": "stopped"}, "orders is stopped and accepts no connections", "aws rds wait"),
    ],
)
def test_what_is_missing_is_told_with_a_remedy(raw: dict[str, Any], said: str, remedy: str) -> None:
    (one,) = faults(raw, "orders", "eu-west-1", "vpc-1")
    assert one.startswith(said)
    assert remedy in one


@pytest.mark.parametrize("change", [{}, {"Engine": "mariadb"}, {"DBInstanceStatus": "backing-up"}])
def test_nothing_is_missing(change: dict[str, str]) -> None:
    assert list(faults(WELL | change, "orders", "eu-west-1", "vpc-1")) == []


def rule(port: int = 3306, protocol: str = "tcp", **sources: Any) -> list[dict[str, Any]]:
    ports = {} if protocol == "-1" else {"FromPort": port, "ToPort": port}
    return [{"IpPermissions": [{"IpProtocol": protocol, **ports, **sources}]}]


def ranges(*blocks: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": one} for one in blocks]}


@pytest.mark.parametrize(
    ("groups", "let_in"),
    [
        ([], False),
        (rule(UserIdGroupPairs=[{"GroupId": "sg-client"}]), True),
        (rule(UserIdGroupPairs=[{"GroupId": "sg-other"}]), False),
        (rule(port=5432, UserIdGroupPairs=[{"GroupId": "sg-client"}]), False),
        (rule(protocol="udp", UserIdGroupPairs=[{"GroupId": "sg-client"}]), False),
        (rule(protocol="-1", UserIdGroupPairs=[{"GroupId": "sg-client"}]), True),
        (rule(**ranges("10.0.0.0/16")), True),
        (rule(**ranges(*MACHINES)), True),
        (rule(**ranges(MACHINES[0])), False),
        (rule(PrefixListIds=[{"PrefixListId": "pl-1"}]), False),
    ],
)
def test_who_may_connect(groups: list[dict[str, Any]], let_in: bool) -> None:
    assert lets_in(groups, 3306, "sg-client", MACHINES) is let_in
