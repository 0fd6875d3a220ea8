"""Finding the documented parts by asking AWS."""

from __future__ import annotations

from typing import Any

from tests.simulated import World


def named(things: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """The one thing whose resource tag is `key`."""
    (found,) = [
        thing
        for thing in things
        if {"Key": "awsdeploy:resource", "Value": key} in thing.get("Tags", thing.get("TagList", []))
    ]
    return found


def subnet(ec2: Any, key: str) -> dict[str, Any]:
    return named(ec2.describe_subnets()["Subnets"], key)


def group(ec2: Any, key: str) -> dict[str, Any]:
    return named(ec2.describe_security_groups()["SecurityGroups"], key)


def instance(ec2: Any, key: str) -> dict[str, Any]:
    machines = [one for r in ec2.describe_instances()["Reservations"] for one in r["Instances"]]
    return named([one for one in machines if one["State"]["Name"] != "terminated"], key)


def database(world: World) -> dict[str, Any]:
    return named(world.client("rds").describe_db_instances()["DBInstances"], "database/mysql")


def target_group(elbv2: Any, port: int) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [one for one in elbv2.describe_target_groups()["TargetGroups"] if one["Port"] == port]
    return found


def listener(elbv2: Any, port: int) -> dict[str, Any]:
    found: dict[str, Any]
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    listeners = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    (found,) = [one for one in listeners if one["Port"] == port]
    return found


def sources(permissions: list[dict[str, Any]]) -> set[tuple[str, int, str]]:
    """Protocol, port and source of every rule."""
    return {
        (one["IpProtocol"], one.get("FromPort", -1), source)
        for one in permissions
        for source in [
            *[block["CidrIp"] for block in one.get("IpRanges", [])],
            *[pair["GroupId"] for pair in one.get("UserIdGroupPairs", [])],
        ]
    }
