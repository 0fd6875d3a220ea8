"""Differences between a database instance and its declaration, and which of them AWS has been told already.

AWS shows what it was told in `PendingModifiedValues` until it has done it, for some seconds while the instance is still
`available` (API_ModifyDBInstance; ansible/ansible #19751).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.engine.resource import Change, Danger

Effect = tuple[str, Danger]
"""Effect of a change that people notice, and how bad it is."""

Compared = tuple[str, Any, Any, Effect]
"""Field of ModifyDBInstance, what AWS has, what is declared, and the effect of the change."""

NO_EFFECT: Effect = ("", Danger.NONE)
INTERRUPTS: Effect = ("a short interruption", Danger.OUTAGE)
FEWER_BACKUPS: Effect = ("AWS deletes older automatic backups", Danger.DATA_LOSS)

GROUP = "DBParameterGroupName"
IGNORABLE = set(
    "MaxAllocatedStorage BackupRetentionPeriod DeletionProtection CopyTagsToSnapshot AutoMinorVersionUpgrade".split()
)
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
        effect = ("upgrades and restarts the database", Danger.OUTAGE)
        yield Difference("EngineVersion", raw["EngineVersion"], version, call, effect, upgrading)
    # Storage that has grown by itself never shrinks, and AWS rounds up what is asked for (API_ModifyDBInstance).
    if int(raw["AllocatedStorage"]) < gigabytes:
        begun = int(pending.get("AllocatedStorage", 0)) >= gigabytes
        more = {"AllocatedStorage": gigabytes}
        effect = ("takes hours in the background", Danger.NONE)
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
        impact, danger = ("AWS is still changing it", Danger.NONE) if one.begun else one.effect
        yield Change(one.field, one.old, one.new, calls[one.begun], impact, one.begun, danger)


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
