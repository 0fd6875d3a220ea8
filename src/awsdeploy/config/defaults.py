"""Default values: the documented ones, the presets, and everything that is not set.

Works on plain nested dicts before they are validated, so it takes nothing for granted about the types
of what was written. The documented values are those of the architecture; a preset overrides sizes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from awsdeploy.config import domains, rules
from awsdeploy.config.settings import ENGINE_VERSIONS, Platform
from awsdeploy.config.words import RESERVED, SYSTEM_SCHEMAS
from awsdeploy.config.wrong import Wrong

Tree = dict[str, Any]

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "dev": {
        "network": {"nat": False},
        "service": {"instance_type": "t3.micro"},
        "database": {"instance_class": "db.t3.micro", "multi_az": False, "deletion_protection": False},
        "uploads": {"replicate": False},
    },
    "prod": {
        "network": {"nat": True},
        "service": {"instance_type": "t3.medium"},
        "database": {"instance_class": "db.t3.small", "multi_az": True, "deletion_protection": True},
        "uploads": {"replicate": True},
    },
}

SERVICES: Mapping[str, Mapping[str, Any]] = {
    "frontend": {"port": 3000, "paths": ("/*",), "health": "/", "directory": "front"},
    "backend": {"port": 9999, "paths": ("/api", "/api/*"), "health": "/api/health", "directory": "back"},
}


def completed(written: Tree) -> tuple[Tree, dict[str, str]]:
    """`written` with all that follows from it, and the origin of each added value by dotted key."""
    whole = {key: _copied(value) for key, value in written.items()}
    origins: dict[str, str] = {}
    for path, value, origin in _following(written):
        table = whole
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                break  # refused as what it is, before anything is made of it
        else:
            if path[-1] not in table:
                table[path[-1]] = value
                origins[".".join(path)] = origin
    return whole, origins


def _copied(value: Any) -> Any:
    return {key: _copied(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _following(written: Tree) -> Iterator[tuple[tuple[str, ...], object, str]]:
    """Yield each default that depends on other values: its path, the value and the reason."""
    name, domain, network = written.get("name"), written.get("domain"), written.get("network", {})
    environment = "dev" if written.get("environment") == "dev" else "prod"
    platform: Platform = "documented" if written.get("platform") == "documented" else "supported"
    yield ("preset",), environment, f"environment {environment}"
    chosen = "dev" if written.get("preset", environment) == "dev" else "prod"
    preset, because = PRESETS[chosen], f"preset {chosen}"
    yield ("aliases",), aliases(domain), "default"
    network = network if isinstance(network, dict) else {}
    if network.get("vpc"):
        yield ("network", "nat"), False, "network.vpc"
        for key in ("zones", "public", "private"):
            yield ("network", key), (), "network.vpc"
    else:
        yield ("network", "nat"), preset["network"]["nat"], because
        for key, ranges in zip(("public", "private"), subnets(network), strict=True):
            yield ("network", key), ranges, "default"
    for table in ("database", "uploads"):
        for key, value in preset[table].items():
            yield (table, key), value, because
    yield ("database", "engine_version"), ENGINE_VERSIONS[platform], f"platform {platform}"
    yield ("database", "name"), database_name(name), "default"
    services = written.get("services") or SERVICES
    for service, keys in services.items() if isinstance(services, Mapping) else ():
        yield ("services", service, "name"), service, "default"
        served = isinstance(keys, dict) and "port" in keys
        usual = dict(SERVICES.get(service, {"health": "/"} if served else {}))
        if service == "backend" and isinstance(keys, dict) and keys.get("strip_prefix") is True:
            usual["health"] = "/health"
        for key, value in usual.items():
            yield ("services", service, key), value, "default"
        yield ("services", service, "directory"), service, "default"
        yield ("services", service, "instance_type"), preset["service"]["instance_type"], because
    yield ("dns", "mode"), "route53" if domain else "none", "default"
    for table in ("web", "release", "logs", "monitoring", "backup", "ci", "iam", "drift", "tags", "waits"):
        yield (table,), {}, "default"


def aliases(domain: object) -> tuple[str, ...]:
    """`www` of an apex. Somebody who names a subdomain means that name alone."""
    if not isinstance(domain, str):
        return ()
    try:
        name = domains.normalised(domain)
    except Wrong:
        return ()
    return (f"www.{name}",) if domains.registrable(name) == name and len(name) <= domains.LONGEST else ()


def database_name(project: object) -> str:
    """The project's name as MySQL takes it."""
    text = (
        "".join(char if char.isalnum() and char.isascii() else "_" for char in project)[:50]
        if isinstance(project, str)
        else ""
    )
    text = text if text[:1].isalpha() else "app"
    return f"{text}_db" if text.lower() in RESERVED | SYSTEM_SCHEMAS else text


def subnets(network: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The public and private ranges of a network: its parts number 1, 2, … (number 0 stays free).

    The documented 10.0.0.0/16 with two zones gives 10.0.1.0/24 and 10.0.2.0/24, then 10.0.3.0/24 and
    10.0.4.0/24. Parts are /24 in a /16, never smaller than /27 (AWS: a load balancer needs that).
    """
    zones, cidr = network.get("zones"), network.get("cidr")
    count = len(zones) if isinstance(zones, list | tuple) and 1 < len(zones) <= 26 else 2
    try:
        vpc = IPv4Network(rules.cidr()(cidr) if isinstance(cidr, str) else "10.0.0.0/16")
    except Wrong:
        vpc = IPv4Network("10.0.0.0/16")
    prefix = min(max(vpc.prefixlen + 8, 24), 27)
    first = 1 if 2 ** max(prefix - vpc.prefixlen, 0) > 2 * count else 0
    size = 2 ** (32 - prefix)
    ranges = [f"{vpc.network_address + size * (first + part)}/{prefix}" for part in range(2 * count)]
    return tuple(ranges[:count]), tuple(ranges[count:])
