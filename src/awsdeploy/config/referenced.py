"""Settings that use what exists in AWS already: what they need besides, and what then has no effect.

Works on the written values too, because a default looks like a written value in `Settings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awsdeploy.config.consistency import Mistake
from awsdeploy.config.settings import Settings
from awsdeploy.config.wrong import shown

NO_EFFECT = {
    ("network", "vpc"): ("cidr", "zones", "public", "private", "nat"),
    ("database", "instance"): (
        "engine_version",
        "instance_class",
        "storage_gb",
        "max_storage_gb",
        "multi_az",
        "backup_days",
        "deletion_protection",
        "tls",
    ),
}
"""Settings that something existing decides, by the setting that names it."""


def mistakes(written: Mapping[str, Any], settings: Settings) -> Iterator[Mistake]:
    """Everything that does not go together with the use of something existing."""
    for (table, key), others in NO_EFFECT.items():
        if not getattr(getattr(settings, table), key):
            continue
        for name in others:
            if name in written.get(table, {}):
                text = f"expected no value with {table}.{key}: what exists is not changed, so this has no effect"
                yield Mistake((table, name), text, about=((table, key),))
    yield from _subnets(settings)
    if settings.database.instance:
        yield from _database(written, settings)


def _database(written: Mapping[str, Any], settings: Settings) -> Iterator[Mistake]:
    about = (("database", "instance"),)
    for name, what in (("name", "schema in"), ("username", "user of")):
        if name not in written.get("database", {}):
            yield Mistake(("database", name), f"missing: the name of a {what} the existing database", about=about)
    if not settings.network.vpc:
        text = 'missing: the VPC that the existing database is in, such as vpc = "vpc-…"'
        yield Mistake(("network", "vpc"), text, about=about)
    if settings.network.private_subnets:
        text = "expected no value with database.instance: only a new database uses them"
        yield Mistake(("network", "private_subnets"), text, about=about)


def _subnets(settings: Settings) -> Iterator[Mistake]:
    network = settings.network
    seen: set[str] = set()
    for key, wanted, why in (
        ("public_subnets", network.public_subnets, "the load balancer needs"),
        ("private_subnets", network.private_subnets, "the database needs"),
    ):
        path = ("network", key)
        if wanted and not network.vpc:
            yield Mistake(path, 'expected their VPC as well: vpc = "vpc-…"', about=(("network", "vpc"),))
        elif network.vpc and len(wanted) < 2 and not (key == "private_subnets" and settings.database.instance):
            text = f"expected two subnets or more, which {why} in different zones, got {shown(wanted)}"
            yield Mistake(path, text, about=(("network", "vpc"),))
        for place, one in enumerate(wanted):
            if one in seen:
                yield Mistake((*path, place), f"expected each subnet once, got {shown(one)} again")
            seen.add(one)
