"""Checks of the account: who asks, in which account and region, and what its plan allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from awsdeploy.aws.credentials import ANY, Signer, sign_in
from awsdeploy.aws.refusals import tolerate
from awsdeploy.errors import CredentialsMissing, UsageError
from awsdeploy.preflight.finding import Finding, Question

HOMES = {"cn-": "cn-north-1", "us-gov-": "us-gov-west-1"}
"""AWS: in these partitions another region than us-east-1 is open to everybody."""

FREE_DAYS = 1
"""AWS: how long an account on the Free plan may keep a database's backups, in days."""


def home(region: str) -> str:
    """A region of the same partition that no account can turn off."""
    return next((place for beginning, place in HOMES.items() if region.startswith(beginning)), "us-east-1")


def credentials(question: Question) -> Iterator[Finding]:
    """Check that AWS accepts the credentials, their account, and how long they last."""
    try:
        by = question.session.signer()
        if not by.method:
            yield Finding("AWS credentials", "none found", f"Sign in: {ANY}. Without an account: --sandbox.")
            return
    except (CredentialsMissing, UsageError) as missing:
        yield Finding("AWS credentials", missing.message, missing.hint)
        return
    try:
        who = question.client("sts", home(question.settings.region)).get_caller_identity()["Arn"]
    except (CredentialsMissing, UsageError) as missing:
        yield Finding("AWS credentials", f"from {by.source}: {missing.message}", missing.hint)
        return
    if who.endswith(":root"):
        yield Finding(
            "AWS credentials",
            f"{who}: the root user, which policies cannot limit",
            "Create an IAM user or role and sign in as that: aws login, or aws configure.",
            fatal=False,
        )
    yield from _lasting(question, by)


def _lasting(question: Question, by: Signer) -> Iterator[Finding]:
    if by.expires is None:
        return
    left = (by.expires - datetime.now(UTC)).total_seconds()
    if left < question.seconds:
        yield Finding(
            "AWS credentials",
            f"they expire at {by.expires:%H:%M} UTC, in {left / 60:.0f} min; the run takes "
            f"{question.seconds / 60:.0f} min",
            f"Sign in again first: {sign_in()}. Or sign in later: the same command continues.",
            fatal=False,
        )


def regions(question: Question) -> Iterator[Finding]:
    """Check that each region of the stack exists and is enabled in the account."""
    settings = question.settings
    wanted = {"region": settings.region}
    if settings.uploads.replicate:
        wanted["uploads.replica_region"] = settings.uploads.replica_region
    asked = question.client("ec2", home(settings.region))
    known = {one["RegionName"]: one.get("OptInStatus") for one in asked.describe_regions(AllRegions=True)["Regions"]}
    for setting, region in wanted.items():
        what = f"region {region} ({setting})"
        if region not in known:
            near = ", ".join(sorted(name for name in known if name[:3] == region[:3])) or "none near"
            yield Finding(what, f"AWS has no such region; similar: {near}", f"Set {setting} in config.toml.")
        elif known[region] == "not-opted-in":
            command = f"aws account enable-region --region-name {region}"
            yield Finding(what, "not turned on in this account", f"{command} (takes minutes to hours).")


def zones(question: Question) -> Iterator[Finding]:
    """Check that this account can use the zones of the config."""
    settings = question.settings
    answer = question.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
    )
    states = {one["ZoneName"]: one.get("State", "available") for one in answer["AvailabilityZones"]}
    well = sorted(name for name, state in states.items() if state == "available")
    for name in settings.zone_names:
        if name not in well:
            seen = f"{states.get(name, 'not open to this account')}; available are {', '.join(well)}"
            letters = ", ".join(f'"{zone.removeprefix(settings.region)}"' for zone in well[: len(settings.zone_names)])
            yield Finding(f"zone {name} (network.zones)", seen, f"Under [network]: zones = [{letters}]")


def free_plan(question: Question) -> Iterator[Finding]:
    """Services that AWS refuses to accounts on the Free plan. Accounts older than the plans have none."""
    plan = ""
    with tolerate("ResourceNotFoundException"):
        # AWS answers for accounts in us-east-1 only.
        state = question.client("freetier", home(question.settings.region)).get_account_plan_state()
        plan = state.get("accountPlanType", "")
    if plan != "FREE":
        return
    database = question.settings.database
    pay = "or upgrade the account: Billing console, Free plan, Upgrade plan"
    what = "Free plan of this account"
    own = not database.instance
    if own and database.backup_days > FREE_DAYS:
        seen = f"keeps backups for {FREE_DAYS} day at most; database.backup_days is {database.backup_days}"
        yield Finding(what, seen, f"Under [database]: backup_days = {FREE_DAYS}, {pay}.")
    if own and not database.instance_class.endswith(".micro"):
        seen = f"allows only micro databases; database.instance_class is {database.instance_class}"
        yield Finding(what, seen, f'Under [database]: instance_class = "db.t3.micro", {pay}.')
    filters = [
        {"Name": "free-tier-eligible", "Values": ["true"]},
        {"Name": "processor-info.supported-architecture", "Values": ["x86_64"]},
    ]
    found = question.client("ec2").pages("describe_instance_types", "InstanceTypes", Filters=filters)
    eligible = sorted(one["InstanceType"] for one in found)
    for service in question.settings.services.values():
        if service.instance_type not in eligible:
            seen = (
                f"allows only {', '.join(eligible)}; services.{service.name}.instance_type is {service.instance_type}"
            )
            yield Finding(what, seen, f"Under [services.{service.name}]: set instance_type to one of these, {pay}.")
