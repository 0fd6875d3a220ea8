"""Public DNS of the simulated world: the zones that are delegated to Route 53, and what other servers answer.

Who is asked for a name is decided as in DNS: the longest delegated domain above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from awsdeploy.sandbox.aws.dns import certificates, records
from awsdeploy.sandbox.server.nameserver import absolute
from awsdeploy.sandbox.server.world import World

AT_THE_PARENT = ("NS", "DS")
ADDRESS = "198.51.100.80"
"""Answer for an alias: a load balancer of the sandbox has no public address."""


def publish(world: World, name: str, kind: str, values: list[str]) -> None:
    """Publish these values on other name servers; without values, nothing."""
    certificates.settle(world)
    others, key = world.of(records.Changes).others, (_plain(name), kind)
    others.pop(key, None)
    if values:
        others[key] = values


def delegate(world: World, name: str, servers: Any) -> None:
    """The parent of a domain names these servers, none, or ("zone") those of the account's zone of that name."""
    certificates.settle(world)
    name = _plain(name)
    if servers == "zone":
        zones = [one for one in world.moto("route53").zones.values() if _plain(one.name) == name]
        if not zones:
            raise ValueError(f"no hosted zone of {name}")
        servers = zones[-1].delegation_set.name_servers
    world.of(records.Changes).parents[name] = [_plain(one) for one in servers]


def answer(world: World, name: str, kind: str) -> list[str] | None:
    """The values of a name and a type; None where there is no such name."""
    others, parents = world.of(records.Changes).others, world.of(records.Changes).parents
    zone = _asked(world, name)
    if (kind == "DS" and (name, kind) in others) or (zone is None and (name, kind) in others):
        return absolute(kind, others[name, kind])
    if zone is None:
        if kind == "NS" and parents.get(name):
            return absolute(kind, parents[name])
        known = {one for one, _ in others} | {one for one, servers in parents.items() if servers}
        return [] if _exists(name, known) else None
    for record in zone.rrsets:
        if (_plain(record.name), record.type) == (name, kind):
            since = world.of(records.Changes).records.get((zone.resource_id, name, kind), 0.0)
            if since <= world.now:
                return [ADDRESS] if record.alias_target else absolute(kind, record.records)
    return [] if _exists(name, {_plain(record.name) for record in zone.rrsets}) else None


def _asked(world: World, name: str) -> Any:
    """Return the delegated zone of the account with the longest matching name; None if another provider serves it."""
    found = [
        zone
        for zone in world.moto("route53").zones.values()
        if f".{name}".endswith(f".{_plain(zone.name)}") and records.delegated(world, zone) is not None
    ]
    zone = max(found, key=lambda one: len(one.name), default=None)
    cuts = [one for one in world.of(records.Changes).parents if f".{name}".endswith(f".{one}")]
    longest = max(cuts, key=len, default="")
    return None if zone is None or len(longest) > len(_plain(zone.name)) else zone


def _exists(name: str, known: Iterable[str]) -> bool:
    return any(f".{one}".endswith(f".{name}") for one in known)


def _plain(name: str) -> str:
    return records._plain(name)
