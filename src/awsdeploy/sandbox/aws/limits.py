"""Limits of an account: quotas, its plan, what is offered and orderable in its region. Control calls change it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.database import rules
from awsdeploy.sandbox.server.call import ACCOUNT, ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

VCPUS, ADDRESSES, VPCS = "L-1216C47A", "L-0263D0A3", "L-F678F1CE"
SERVICES = {VCPUS: "ec2", ADDRESSES: "ec2", VPCS: "vpc"}
STANDARD = re.compile(r"(a|c|d|h|i|m|r|t|z)\d")
"""AWS: the first letters of the types that one quota counts, "Running On-Demand Standard instances"."""


@dataclass
class Limits:
    """The account as tests may have it: each field is a key of the control call `limits`."""

    quotas: dict[str, float] = field(default_factory=lambda: {VCPUS: 64.0, ADDRESSES: 5.0, VPCS: 5.0})
    plan: str = "PAID"
    """FREE, PAID, or empty for an account from before there were plans."""
    root: bool = False
    """True if calls are signed by the account's root user."""
    not_offered: dict[str, list[str]] = field(default_factory=dict)
    """The zones that do not offer an instance type."""
    not_orderable: list[str] = field(default_factory=list)
    """Database classes that cannot be ordered, or `CLASS VERSION`."""
    one_zone_only: list[str] = field(default_factory=list)
    """Database classes that have no standby."""
    disks: list[str] = field(default_factory=lambda: ["gp2", "gp3"])
    """The kinds of disk that databases have."""
    closed_zones: list[str] = field(default_factory=list)
    closed_regions: list[str] = field(default_factory=list)
    """Regions that the account has not turned on."""


def change(world: World, value: Mapping[str, Any]) -> None:
    """Raises `ValueError` for what the account does not have."""
    limits, known = world.of(Limits), {one.name for one in fields(Limits)}
    if unknown := sorted(set(value) - known):
        raise ValueError(f"no such limit: {', '.join(unknown)}")
    for name, said in value.items():
        setattr(limits, name, {**limits.quotas, **said} if name == "quotas" else said)


def quota(world: World, code: str) -> float:
    return world.of(Limits).quotas[code]


@before("service-quotas:GetServiceQuota")
def quota_told(world: World, call: ApiCall) -> Answer:
    code, service = call.parameters["QuotaCode"], call.parameters["ServiceCode"]
    if SERVICES.get(code) != service:
        raise AwsRefuses("NoSuchResourceException", f"The request failed because there is no {service} quota {code}.")
    return {"Quota": {"ServiceCode": service, "QuotaCode": code, "Value": quota(world, code), "Adjustable": True}}


def vcpus_of(kind: str) -> int:
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    return int(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]) if kind in INSTANCE_TYPES else 0


@before("ec2:RunInstances")
def machines_within_the_account(world: World, call: ApiCall) -> None:
    """AWS: vCPUs of what runs and what is to run within the quota; on the Free plan only what is eligible for it."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    kind, limits = str(call.parameters.get("InstanceType") or ""), world.of(Limits)
    if limits.plan == "FREE" and not INSTANCE_TYPES.get(kind, {}).get("FreeTierEligible"):
        message = "The specified instance type is not eligible for Free Tier."
        raise AwsRefuses("InvalidParameterCombination", message)
    if not STANDARD.match(kind):
        return
    running = [
        one.instance_type
        for one in world.moto("ec2", call.region).all_instances()
        if one._state.name in ("pending", "running") and STANDARD.match(one.instance_type)
    ]
    running += [kind] * int(call.parameters.get("MinCount") or 1)
    if sum(map(vcpus_of, running)) > quota(world, VCPUS):
        message = (
            f"You have requested more vCPU capacity than your current vCPU limit of {quota(world, VCPUS):g} allows"
        )
        raise AwsRefuses("VcpuLimitExceeded", f"{message} for the instance bucket that the specified type belongs to.")


@after("ec2:DescribeInstances")
def cores(_: World, __: ApiCall, answer: Answer) -> None:
    """AWS: each machine says how many cores and threads it has."""
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    for reservation in answer.get("Reservations", ()):
        for one in reservation["Instances"]:
            has = INSTANCE_TYPES[one["InstanceType"]]["VCpuInfo"]
            one["CpuOptions"] = {"CoreCount": has["DefaultCores"], "ThreadsPerCore": has["DefaultThreadsPerCore"]}


@before("rds:CreateDBInstance")
def database_within_the_plan(world: World, call: ApiCall) -> None:
    """AWS: on the Free plan one day of backups and the micro classes only."""
    if world.of(Limits).plan != "FREE":
        return
    kind, days = str(call.parameters["DBInstanceClass"]), int(call.parameters.get("BackupRetentionPeriod") or 1)
    if days > 1:
        message = "The specified backup retention period exceeds the maximum available to free tier customers."
        raise AwsRefuses("FreeTierRestrictionError", message)
    if not kind.endswith(".micro"):
        message = "This instance size isn't available with free plan accounts."
        raise AwsRefuses("FreeTierRestrictionError", message)


@before("freetier:GetAccountPlanState")
def plan_told(world: World, _: ApiCall) -> Answer:
    plan = world.of(Limits).plan
    if not plan:
        raise AwsRefuses("ResourceNotFoundException", "No account plan was found.")
    return {"accountId": ACCOUNT, "accountPlanType": plan, "accountPlanStatus": "ACTIVE"}


@before("sts:GetCallerIdentity")
def region_is_on(world: World, call: ApiCall) -> None:
    """AWS: a region that is not turned on rejects the credentials of the account."""
    if call.region in world.of(Limits).closed_regions:
        raise AwsRefuses("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


@after("sts:GetCallerIdentity")
def signed_by_root(world: World, _: ApiCall, answer: Answer) -> None:
    if world.of(Limits).root:
        answer.update(UserId=ACCOUNT, Arn=f"arn:aws:iam::{ACCOUNT}:root")


@after("ec2:DescribeInstanceTypeOfferings")
def offered(world: World, call: ApiCall, answer: Answer) -> None:
    missing = world.of(Limits).not_offered
    answer["InstanceTypeOfferings"] = [
        one for one in answer["InstanceTypeOfferings"] if one["Location"] not in missing.get(one["InstanceType"], ())
    ]


@after("ec2:DescribeAvailabilityZones")
def zones_open(world: World, _: ApiCall, answer: Answer) -> None:
    closed = world.of(Limits).closed_zones
    answer["AvailabilityZones"] = [one for one in answer["AvailabilityZones"] if one["ZoneName"] not in closed]


@after("ec2:DescribeRegions")
def regions_open(world: World, _: ApiCall, answer: Answer) -> None:
    for one in answer["Regions"]:
        if one["RegionName"] in world.of(Limits).closed_regions:
            one["OptInStatus"] = "not-opted-in"


@before("rds:DescribeOrderableDBInstanceOptions")
def orderable(world: World, call: ApiCall) -> Answer:
    """MySQL only. AWS lists one option for each version and kind of disk."""
    wanted, limits = call.parameters, world.of(Limits)
    if wanted["Engine"] != "mysql":
        return {"OrderableDBInstanceOptions": []}
    zones = [zone.name for zone in world.moto("ec2", call.region).describe_availability_zones()]
    asked, version_asked = wanted.get("DBInstanceClass"), wanted.get("EngineVersion") or ""
    options = [
        {
            "Engine": "mysql",
            "EngineVersion": version,
            "DBInstanceClass": name,
            "LicenseModel": "general-public-license",
            "AvailabilityZones": [{"Name": zone} for zone in zones if zone not in limits.closed_zones],
            "MultiAZCapable": name not in limits.one_zone_only,
            "Vpc": True,
            "StorageType": storage,
            "MinStorageSize": 20,
            "MaxStorageSize": 65536,
            "SupportsStorageEncryption": True,
            "SupportsStorageAutoscaling": True,
        }
        for name in sorted(rules.CLASSES if asked is None else rules.CLASSES & {asked})
        for major, version in rules.VERSIONS.items()
        if name not in limits.not_orderable and f"{name} {major}" not in limits.not_orderable
        if f"{version}.".startswith(f"{version_asked}.".lstrip("."))
        for storage in limits.disks
    ]
    return {"OrderableDBInstanceOptions": options}
