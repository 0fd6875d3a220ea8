"""Differences between a database instance and its declaration, and which of them AWS has been told already.

AWS shows what it was told in `PendingModifiedValues` until it has done it, for some seconds while the instance is still
`available` (API_ModifyDBInstance; ansible/ansible #19751).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from awsdeploy.engine.resource import Change, Danger, Observed
from awsdeploy.errors import next_command


class Effect(NamedTuple):
    """Effect of a change that people notice, how bad it is, and the usual seconds of an outage."""

    impact: str = ""
    danger: Danger = Danger.NONE
    outage: float = 0


Compared = tuple[str, Any, Any, Effect]
"""Field of ModifyDBInstance, what AWS has, what is declared, and the effect of the change."""

NO_EFFECT = Effect()
BEGUN = Effect("AWS is still changing it")
RESTARTS = Effect("the database is down while AWS changes it", Danger.OUTAGE, 300)
"""AWS: an instance without a standby is down for most of the change; Terraform logs show 4 to 6 minutes."""
FAILS_OVER = Effect("the database fails over to its standby", Danger.OUTAGE, 120)
"""AWS: "Failover times are typically 60–120 seconds" (Amazon RDS User Guide, Multi-AZ DB instance deployments)."""
UPGRADE = 1200
"""Usual seconds of an upgrade. AWS upgrades primary and standby at the same time, after checks of its own (Amazon RDS
User Guide, Upgrades of the RDS for MySQL DB engine)."""
FEWER_BACKUPS = Effect("AWS deletes older automatic backups", Danger.DATA_LOSS)
NO_BACKUPS = Effect("AWS deletes all automatic backups", Danger.DATA_LOSS)

GROUP = "DBParameterGroupName"
IGNORABLE = {
    "MaxAllocatedStorage",
    "BackupRetentionPeriod",
    "DeletionProtection",
    "CopyTagsToSnapshot",
    "AutoMinorVersionUpgrade",
}
"""Attributes that an owner may keep by `[drift] ignore`: `create` sends them, and they cost nothing in the estimate."""


@dataclass(frozen=True)
class Difference:
    """One thing that differs: `settings` are for ModifyDBInstance. `begun`: AWS was told already."""

    field: str
    old: Any
    new: Any
    settings: Mapping[str, Any]
    effect: Effect = NO_EFFECT
    begun: bool = False


def differences(
    raw: Mapping[str, Any], compared: Iterable[Compared], *, version: str, gigabytes: int, logs: Iterable[str]
) -> Iterator[Difference]:
    """Differences of an instance as DescribeDBInstances shows it.

    `version` is that of the engine as far as it matters (8.0 of 8.0.42), `gigabytes` the storage at least, `logs` those
    that are exported.
    """
    pending = raw.get("PendingModifiedValues") or {}
    rows = list(compared)
    upgrades = not _is_of(raw["EngineVersion"], version)
    upgrading = upgrades and _is_of(pending.get("EngineVersion", ""), version)
    for field, old, new, effect in rows:
        pending_value = pending.get(field, old)
        if old != new or pending_value != new:
            # AWS drops a pending value when the present one is asked for.
            shown = old if old != new else f"{pending_value} (pending)"
            begun = pending_value == new or (field == GROUP and upgrading)
            yield Difference(field, shown, new, {field: new}, effect, begun)
    yield from _logs(raw, pending, set(logs))
    if upgrades:
        # A major version needs parameters of its own family in the same call.
        group = {field: new for field, _, new, _ in rows if field == GROUP}
        call = {"EngineVersion": version, "AllowMajorVersionUpgrade": True, **group}
        yield Difference("EngineVersion", raw["EngineVersion"], version, call, _upgrade(raw), upgrading)
    # Storage that has grown by itself never shrinks, and AWS rounds up what is asked for (API_ModifyDBInstance).
    if int(raw["AllocatedStorage"]) < gigabytes:
        begun = int(pending.get("AllocatedStorage", 0)) >= gigabytes
        more = {"AllocatedStorage": gigabytes}
        effect = Effect("takes hours in the background")
        yield Difference("AllocatedStorage", raw["AllocatedStorage"], gigabytes, more, effect, begun)


def changes_of(modify: Callable[..., object], id: str, found: Iterable[Difference]) -> Iterator[Change]:
    """All that differs goes in one ModifyDBInstance, at once: each takes minutes.

    What AWS has begun already is no part of the call for the rest.
    """
    settings: dict[bool, dict[str, Any]] = {False: {}, True: {}}

    def call(begun: bool) -> Callable[[], object]:
        return lambda: modify(DBInstanceIdentifier=id, ApplyImmediately=True, **settings[begun])

    calls = {begun: call(begun) for begun in settings}
    for one in found:
        settings[one.begun] |= one.settings
        effect = BEGUN if one.begun else one.effect
        yield Change(one.field, one.old, one.new, calls[one.begun], begun=one.begun, **effect._asdict())


def _is_of(full: str, version: str) -> bool:
    """AWS answers 8.0.42 where 8.0 was asked for."""
    return f"{full}.".startswith(f"{version}.")


def _logs(raw: Mapping[str, Any], pending: Mapping[str, Any], wanted: set[str]) -> Iterator[Difference]:
    exported = set(raw.get("EnabledCloudwatchLogsExports", ()))
    if exported != wanted:
        coming = pending.get("PendingCloudwatchLogsExports") or {}
        pending_value = (exported | set(coming.get("LogTypesToEnable", ()))) - set(coming.get("LogTypesToDisable", ()))
        types = {"EnableLogTypes": sorted(wanted - exported), "DisableLogTypes": sorted(exported - wanted)}
        call = {"CloudwatchLogsExportConfiguration": types}
        yield Difference("exported logs", sorted(exported), sorted(wanted), call, begun=pending_value == wanted)


def _upgrade(raw: Mapping[str, Any]) -> Effect:
    """Effect of another version. AWS takes a snapshot before it only if automatic backups are on (same page)."""
    said = "upgrades and restarts the database, the standby too; "
    if raw["BackupRetentionPeriod"]:
        said += "AWS takes a snapshot first"
    else:
        said += f"AWS takes no snapshot, because automatic backups are off: {next_command('backup', 'now')} takes one"
    return Effect(said, Danger.OUTAGE, UPGRADE)


def another_class(raw: Mapping[str, Any]) -> Effect:
    """Effect of another instance class."""
    return FAILS_OVER if raw["MultiAZ"] else RESTARTS


def fewer_backups(days: int, wanted: int) -> Effect:
    """Effect of another retention of automatic backups, in days."""
    return NO_EFFECT if days <= wanted else FEWER_BACKUPS if wanted else NO_BACKUPS


def downgrade(observed: Observed, version: str) -> str:
    """Reason why a database cannot get this version, in words, or nothing. AWS only upgrades (RDS User Guide)."""
    present = str(observed.raw["EngineVersion"])
    if _numbers(version) >= _numbers(present)[:2]:
        return ""
    major = ".".join(present.split(".")[:2])
    anew = next_command("up", "--replace", observed.key, "--delete-data", observed.key)
    return (
        f"{observed.key} ({observed.id}) is MySQL {present}, and AWS cannot go back to {version}. Set "
        f'database.engine_version = "{major}". To create an empty database instead: {anew}'
    )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def lowest_limit(storage: int) -> int:
    """The lowest limit (GB) of storage autoscaling that AWS takes for a database of so many GB."""
    return -(-storage * 11 // 10)
