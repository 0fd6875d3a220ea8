"""Checks of RDS: whether it offers the database as declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.preflight.network import zones_of
from awsdeploy.resources.database import existing_database as existing

STORAGE = "gp3"
MOST = 1000
"""AWS: the longest page of DescribeOrderableDBInstanceOptions. One class has fewer options than that."""


def database_class(question: Question) -> Iterator[Finding]:
    """Class with engine version, kind and size of the disk, standby, and zones."""
    wanted = question.settings.database
    if wanted.instance:
        return
    rds = question.client("rds")
    every = list(
        rds.pages(
            "describe_orderable_db_instance_options",
            "OrderableDBInstanceOptions",
            Engine="mysql",
            DBInstanceClass=wanted.instance_class,
            Vpc=True,
            MaxRecords=MOST,
        )
    )
    what = f"{wanted.instance_class} with MySQL {wanted.engine_version}"
    region = question.settings.region
    options = [one for one in every if f"{one['EngineVersion']}.".startswith(f"{wanted.engine_version}.")]
    if not options:
        others = sorted({".".join(one["EngineVersion"].split(".")[:2]) for one in every})
        seen = f"cannot be ordered in {region}" + (
            f"; the class comes with MySQL {', '.join(others)}" if others else ""
        )
        command = (
            f"aws rds describe-orderable-db-instance-options --region {region} --engine mysql "
            "--query OrderableDBInstanceOptions[].[EngineVersion,DBInstanceClass]"
        )
        remedy = "another instance_class or engine_version"
        yield Finding(f"{what} (database)", seen, f"Under [database]: {remedy}; {command} lists them.")
        return
    yield from _disk(question, what, options)
    yield from _zones(question, what, options)


def existing_database(question: Question) -> Iterator[Finding]:
    """Check that the existing database can be used from the stack's VPC."""
    settings = question.settings
    if id := settings.database.instance:
        raw = existing.read(question.client("rds"), id)
        for one in existing.faults(raw, id, settings.region, settings.network.vpc):
            seen, _, remedy = one.partition(". ")
            yield Finding(f"{id} (database.instance)", seen, remedy)


def _disk(question: Question, what: str, options: list[dict[str, Any]]) -> Iterator[Finding]:
    wanted = question.settings.database
    fitting = [one for one in options if one["StorageType"] == STORAGE]
    if not fitting:
        kinds = ", ".join(sorted({one["StorageType"] for one in options}))
        seen = f"not with {STORAGE} disks in {question.settings.region}, only {kinds}"
        yield Finding(f"{what} (database)", seen, "Under [database]: another instance_class, for example db.t3.micro.")
        return
    least = min(one.get("MinStorageSize", 0) for one in fitting)
    most = max(one.get("MaxStorageSize", 65536) for one in fitting)
    if not least <= wanted.storage_gb <= most:
        seen = f"{wanted.storage_gb} GB; this class allows {least} to {most} GB"
        yield Finding(
            "database.storage_gb", seen, f"Under [database]: set storage_gb to a value from {least} to {most}."
        )


def _zones(question: Question, what: str, options: list[dict[str, Any]]) -> Iterator[Finding]:
    settings, zones = question.settings, zones_of(question, public=False)
    if settings.database.multi_az and not any(one.get("MultiAZCapable") for one in options):
        seen = f"has no standby in another zone (Multi-AZ) in {settings.region}"
        yield Finding(f"{what} (database)", seen, "Under [database]: multi_az = false, or another instance_class.")
    offered = {zone["Name"] for one in options for zone in one.get("AvailabilityZones", ())}
    ours = sorted({name for name in zones if name in offered})
    # Subnets of an existing VPC that do not exist have no zones: they are a finding of their own.
    # A database is put into any zone of its subnets that has it; a standby needs a second one.
    if offered and zones and len(ours) < (2 if settings.database.multi_az else 1):
        subnets = "private_subnets in zones" if settings.network.vpc else "zones"
        seen = f"offered in {', '.join(sorted(offered))}; of the stack's zones in {', '.join(ours) or 'none'}"
        yield Finding(
            f"{what} (database)", seen, f"Under [network]: {subnets} that have it, or another instance_class."
        )
