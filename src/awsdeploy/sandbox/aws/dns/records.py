"""Route 53: changes that take their time, records that are checked, and which zones the world really asks.

A zone counts as delegated if it is the one every fresh world has (`example.com`, as if a registrar named its
servers), or if a delegated zone above it names all its servers in an NS record.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before, beginning
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

DOMAIN = "example.com"
"""The domain that a fresh world owns."""

Name = tuple[str, str, str]
"""Zone id, name without its last dot, type."""


@dataclass
class Changes:
    """Times at which each change and each record reaches all name servers."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    insync_at: dict[str, float] = field(default_factory=dict)
    records: dict[Name, float] = field(default_factory=dict)
    given: str = ""
    """The id of the zone that a fresh world has."""
    parents: dict[str, list[str]] = field(default_factory=dict)
    """Domain → name servers at its parent, as set by a control call."""
    others: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Name and type → values on name servers of other providers."""


@beginning
def a_delegated_zone(world: World) -> None:
    zone = world.moto("route53").create_hosted_zone(f"{DOMAIN}.", private_zone=False, caller_reference="registrar")
    _own_servers(zone, 1)
    world.of(Changes).given = zone.resource_id


@before("route53:CreateHostedZone")
def reference_used_once(world: World, call: ApiCall) -> None:
    reference = call.parameters["CallerReference"]
    if any(zone.caller_reference == reference for zone in world.moto("route53").zones.values()):
        message = f"A hosted zone has already been created with the caller reference {reference}."
        raise AwsRefuses("HostedZoneAlreadyExists", message, 409)


@after("route53:CreateHostedZone")
def created(world: World, call: ApiCall, answer: Answer) -> None:
    zone = world.moto("route53").zones[answer["HostedZone"]["Id"].rpartition("/")[2]]
    _own_servers(zone, len(world.moto("route53").zones) + next(world.of(Changes).numbers))
    answer["DelegationSet"] = {"NameServers": zone.delegation_set.name_servers}
    answer["ChangeInfo"] = _change(world)


def _own_servers(zone: Any, number: int) -> None:
    """moto gives every zone the same four servers, which would delegate them all."""
    endings = ("com", "net", "org", "co.uk")
    servers = [f"ns-{number + 512 * part}.awsdns-{number % 64:02}.{end}" for part, end in enumerate(endings)]
    zone.delegation_set.name_servers = servers
    for record in zone.rrsets:
        if record.type == "NS":
            record.records = servers


@before("route53:ChangeResourceRecordSets")
def possible(world: World, call: ApiCall) -> None:
    """All changes of a batch or none: AWS names everything that is wrong with it."""
    zone = _zone(world, call.parameters["HostedZoneId"])
    wrong: list[str] = []
    existing = {(_plain(one.name), one.type): one for one in zone.rrsets}
    for change in call.parameters["ChangeBatch"]["Changes"]:
        wanted = change["ResourceRecordSet"]
        name, kind = _plain(wanted["Name"]), wanted["Type"]
        shown = f"resource record set [name='{name}.', type='{kind}']"
        present = existing.get((name, kind))
        if change["Action"] == "DELETE":
            if present is None:
                wrong.append(f"Tried to delete {shown} but it was not found")
            elif _values(_written(present)) != _values(wanted):
                wrong.append(f"Tried to delete {shown} but the values provided do not match the current values")
            existing.pop((name, kind), None)
            continue
        if change["Action"] == "CREATE" and present is not None:
            wrong.append(f"Tried to create {shown} but it already exists")
        others = {other for other_name, other in existing if other_name == name} - {kind}
        if others & {"CNAME"} or (kind == "CNAME" and others):
            wrong.append(f"RRSet of type {kind} with DNS name {name}. is not permitted as it conflicts with others")
        if not f".{name}".endswith(f".{_plain(zone.name)}"):
            wrong.append(f"RRSet with DNS name {name}. is not permitted in zone {zone.name}")
        if "AliasTarget" in wanted and not _leads_somewhere(world, wanted["AliasTarget"]):
            target = wanted["AliasTarget"]
            wrong.append(f"Tried to create an alias that targets {target['DNSName']}, but the target was not found")
        existing[name, kind] = present or object()
    if wrong:
        raise AwsRefuses("InvalidChangeBatch", "[" + ", ".join(wrong) + "]", 400)


@before("route53:ChangeResourceRecordSets")
def carried_out(world: World, call: ApiCall) -> Answer:
    """moto refuses to delete what it has not seen being made, and keeps a journal that outlives the records."""
    zone = _zone(world, call.parameters["HostedZoneId"])
    change = _change(world)
    insync = world.of(Changes).insync_at[change["Id"]]
    for one in call.parameters["ChangeBatch"]["Changes"]:
        wanted = dict(one["ResourceRecordSet"])
        name, kind = _plain(wanted["Name"]), wanted["Type"]
        zone.rrsets = [record for record in zone.rrsets if (_plain(record.name), record.type) != (name, kind)]
        world.of(Changes).records.pop((zone.resource_id, name, kind), None)
        if one["Action"] != "DELETE":
            wanted["Name"] = f"{name}."
            if "ResourceRecords" in wanted:
                wanted["ResourceRecords"] = [value["Value"] for value in wanted["ResourceRecords"]]
            zone.add_rrset(wanted)
            world.of(Changes).records[zone.resource_id, name, kind] = insync
    return {"ChangeInfo": change}


@before("route53:GetChange")
def change(world: World, call: ApiCall) -> Answer:
    id = call.parameters["Id"].rpartition("/")[2]
    due = world.of(Changes).insync_at.get(f"/change/{id}")
    if due is None:
        raise AwsRefuses("NoSuchChange", f"A change with the specified change ID does not exist: {id}", 404)
    return {"ChangeInfo": _info(world, f"/change/{id}", due)}


def insync(world: World, name: str, kind: str, value: str) -> float | None:
    """Since when the world's resolvers answer a name with a value; None if they do not."""
    moments = []
    if _plain(value) in {_plain(one) for one in world.of(Changes).others.get((_plain(name), kind), ())}:
        moments.append(0.0)
    for zone in world.moto("route53").zones.values():
        for record in zone.rrsets:
            if (_plain(record.name), record.type) != (_plain(name), kind):
                continue
            values = {_plain(one) for one in record.records or ()}
            since = delegated(world, zone)
            if since is not None and _plain(value) in values:
                moments.append(max(since, world.of(Changes).records.get((zone.resource_id, _plain(name), kind), 0.0)))
    return min((one for one in moments if one <= world.now), default=None)


def delegated(world: World, zone: Any) -> float | None:
    """Since when queries for the zone's names reach its servers; None if they do not."""
    if zone.private_zone:
        return None
    servers = {_plain(one) for one in zone.delegation_set.name_servers}
    if (named := world.of(Changes).parents.get(_plain(zone.name))) is not None:
        return 0.0 if servers and servers == {_plain(one) for one in named} else None
    if zone.resource_id == world.of(Changes).given:
        return 0.0
    for other in world.moto("route53").zones.values():
        above = _plain(zone.name).endswith(f".{_plain(other.name)}")
        for record in other.rrsets if above else ():
            if record.type == "NS" and _plain(record.name) == _plain(zone.name):
                since = delegated(world, other)
                if since is not None and servers <= {_plain(one) for one in record.records}:
                    key = (other.resource_id, _plain(record.name), "NS")
                    return max(since, world.of(Changes).records.get(key, 0.0))
    return None


def _zone(world: World, id: str) -> Any:
    zone = world.moto("route53").zones.get(id.rpartition("/")[2])
    if zone is None:
        raise AwsRefuses("NoSuchHostedZone", f"No hosted zone found with ID: {id.rpartition('/')[2]}", 404)
    return zone


def _change(world: World) -> dict[str, Any]:
    changes = world.of(Changes)
    id = f"/change/C{next(changes.numbers):013d}"
    changes.insync_at[id] = world.now + durations.DNS_INSYNC
    return _info(world, id, changes.insync_at[id])


def _info(world: World, id: str, due: float) -> dict[str, Any]:
    submitted = datetime.fromtimestamp(due - durations.DNS_INSYNC, UTC)
    return {"Id": id, "Status": "INSYNC" if world.now >= due else "PENDING", "SubmittedAt": submitted}


def _leads_somewhere(world: World, target: Mapping[str, Any]) -> bool:
    """Check that an alias names a load balancer that exists, with the zone of its region."""
    host = _plain(target["DNSName"]).removeprefix("dualstack.")
    region = host.split(".")[-4] if host.endswith(".elb.amazonaws.com") else ""
    if not region:
        return True  # other kinds of targets are not simulated
    balancers = world.moto("elbv2", region).load_balancers.values()
    zones = [one.canonical_hosted_zone_id for one in balancers if _plain(one.dns_name) == host]
    return target["HostedZoneId"] in zones


def _written(record: Any) -> dict[str, Any]:
    """A record of moto's as the API writes it."""
    if record.alias_target:
        return {"AliasTarget": record.alias_target}
    return {"TTL": record.ttl, "ResourceRecords": [{"Value": value} for value in record.records]}


def _values(record: Mapping[str, Any]) -> tuple[Any, ...]:
    if "AliasTarget" in record:
        target = record["AliasTarget"]
        health = str(target.get("EvaluateTargetHealth", False)).lower()
        return _plain(target["DNSName"]), target["HostedZoneId"], health
    return int(record.get("TTL") or 0), sorted(one["Value"] for one in record.get("ResourceRecords") or ())


def _plain(name: str) -> str:
    return str(name).rstrip(".").lower()
