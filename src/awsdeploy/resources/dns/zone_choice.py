"""Choice of the public hosted zone, among those of an account, that the names of a stack belong to.

AWS: an account may have several zones of one name, public and private. Only the public one whose name servers the
parent names is asked by anybody (Route 53, "Making Route 53 the DNS service for an existing domain").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from awsdeploy.aws.session import Client
from awsdeploy.dns import resolver
from awsdeploy.errors import Refused, SeveralZones


def chosen(
    route53: Client, zones: Iterable[dict[str, Any]], names: Sequence[str], id: str = ""
) -> dict[str, Any] | None:
    """The zone that all `names` lie in: the one called `id`, else the delegated one, else the one of the longest name.

    None where there is none. Raises `SeveralZones` where several have the longest name and none of them is delegated,
    `Refused` where `id` is not one of them.
    """
    found = [zone for zone in zones if all(covers(zone, name) for name in names)]
    if id:
        for zone in found:
            if short(zone["Id"]) == id:
                return zone
        others = ", ".join(short(one["Id"]) for one in found) or "none"
        raise Refused(
            f"Hosted zone {id} is not a public zone of this account for {' and '.join(names)}.",
            f"Correct zone in [dns] of config.toml, or leave it out. Public zones that fit: {others}.",
        )
    if len(found) < 2:
        return found[0] if found else None
    levels: dict[str, list[dict[str, Any]]] = {}
    for zone in sorted(found, key=lambda one: -len(one["Name"])):
        levels.setdefault(host(zone["Name"]), []).append(zone)
    servers = {zone["Id"]: servers_of(route53, zone["Id"]) for zone in found}
    doubt = "public DNS does not point to any of them"
    try:
        for name, zones_of_name in levels.items():
            public = resolver.ask(name, "NS")
            for zone in zones_of_name:
                if leads_to(public, servers[zone["Id"]]):
                    return zone
    except resolver.Unasked as unasked:
        doubt = f"public DNS cannot be queried ({unasked})"
    longest, same = next(iter(levels.items()))
    if len(same) == 1:
        return same[0]
    raise SeveralZones(
        "\n".join(
            [
                f"This account has {len(same)} public hosted zones for {longest}, and {doubt}:",
                *(f"  {short(one['Id'])}  {' '.join(servers[one['Id']])}" for one in same),
            ]
        ),
        'Choose one in config.toml: [dns] zone = "' + short(same[0]["Id"]) + '"',
    )


def leads_to(public: Iterable[str], servers: Iterable[str]) -> bool:
    """True if all name servers that `public` DNS names are the zone's own."""
    named = set(public)
    return bool(named) and named <= set(servers)


def servers_of(route53: Client, id: str) -> tuple[str, ...]:
    """The name servers of a zone."""
    return tuple(sorted(host(one) for one in route53.get_hosted_zone(Id=id)["DelegationSet"]["NameServers"]))


def covers(zone: Mapping[str, Any], name: str) -> bool:
    """True if the zone is public and the name lies in it."""
    apex, name = host(zone["Name"]), host(name)
    return not zone.get("Config", {}).get("PrivateZone", False) and (name == apex or name.endswith(f".{apex}"))


def covering(zones: Iterable[dict[str, Any]], domains: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Those of the zones that are public and that any of the domains lies in."""
    names = list(domains)
    return (zone for zone in zones if any(covers(zone, name) for name in names))


def short(id: str) -> str:
    """A zone's id without its path."""
    return id.rpartition("/")[2]


def host(name: str) -> str:
    """A DNS name as it is compared: no trailing dot, no case, no `dualstack.`, a wildcard as such."""
    return name.rstrip(".").lower().removeprefix("dualstack.").replace("\\052", "*")
