"""Runs that changed a stack, and the stacks of an account and region: what their records in Parameter Store say.

AWS keeps the last 100 versions of a parameter, with the time and the identity that wrote each; a run writes one or two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awsdeploy.aws.session import AwsRefusal, AwsSession, tolerate
from awsdeploy.config.stack import TAG_RESOURCE, Stack
from awsdeploy.engine.run import Run
from awsdeploy.resources.monitoring.alarm import OURS
from awsdeploy.state.run_record import RunSummary
from awsdeploy.state.stack_lock import LOCK, RECORD

KEPT_RUNS = 50
BATCH = 10
"""AWS: names in one GetParameters."""


@dataclass(frozen=True)
class HistoryEntry:
    """A run with the time when it ended and AWS's identity of who made it: `user/kim`, `assumed-role/admin/kim`."""

    summary: RunSummary
    ended: datetime
    identity: str


def runs(run: Run) -> list[HistoryEntry]:
    """The last 50 runs, newest first."""
    found: dict[int, HistoryEntry] = {}
    ssm = run.client("ssm")
    with tolerate("ParameterNotFound"):
        for version in ssm.pages("get_parameter_history", "Parameters", Name=run.stack.parameter("stack")):
            summary = RunSummary.read(_record(version))
            # A version for a new region repeats the run before it.
            if summary and summary.number not in found:
                identity = str(version.get("LastModifiedUser", "")).rpartition(":")[2]
                found[summary.number] = HistoryEntry(summary, version["LastModifiedDate"], identity)
    return sorted(found.values(), key=lambda one: -one.summary.number)[:KEPT_RUNS]


@dataclass(frozen=True)
class ListedStack:
    """A stack by its record. `ended` is when its record was written last.

    `ringing` names its alarms that are on; it is None without the permission to read alarms.
    """

    stack: Stack
    since: str
    ended: datetime
    monthly: float | None
    run: RunSummary | None
    working: bool
    ringing: Sequence[str] | None = ()

    @property
    def health(self) -> str:
        """Health in words, without a look at the resources: the last run and the alarms."""
        if self.working:
            return "a command is working on it"
        if self.run and self.run.outcome != "done" and self.run.command in ("up", "destroy"):
            return f"`{self.run.command}` {self.run.outcome}"
        if self.ringing is None:
            return "unknown: no permission to read alarms"
        if self.ringing:
            return f"alarm: {', '.join(self.ringing)}"
        return "no alarm"


def stacks(session: AwsSession, region: str) -> list[ListedStack]:
    """All stacks whose record is in this region, by name. Raises `AwsRefusal` if a record may not be read."""
    ssm = session.client("ssm", region)
    filters = [{"Key": f"tag:{TAG_RESOURCE}", "Values": [RECORD, LOCK]}]
    names = {one["Name"] for one in ssm.pages("describe_parameters", "Parameters", ParameterFilters=filters)}
    records = sorted(name for name in names if Stack.of_parameter(name) and name.endswith("/stack"))
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    answers = session.each(lambda batch: ssm.get_parameters(Names=batch)["Parameters"], batches)
    ringing = _ringing(session, region) if records else {}
    made = []
    for one in (one for answer in answers for one in answer):
        stack, record = Stack.of_parameter(one["Name"]), _record(one)
        if stack is None:
            continue
        working = stack.parameter("lock") in names
        monthly = record.get("monthly")
        made.append(
            ListedStack(
                stack,
                str(record.get("since", "")),
                one["LastModifiedDate"],
                float(monthly) if isinstance(monthly, int | float) else None,
                RunSummary.read(record),
                working,
                None if ringing is None else tuple(sorted(ringing.get(stack.tag, ()))),
            )
        )
    return sorted(made, key=lambda one: str(one.stack))


def _record(parameter: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value = json.loads(parameter["Value"])
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _ringing(session: AwsSession, region: str) -> dict[str, list[str]] | None:
    """Names of alarms that are on, by the stack's tag. None without the permission to read alarms."""
    found: dict[str, list[str]] = {}
    try:
        for stack, key in _alarms(session, region):
            found.setdefault(stack, []).append(key.rpartition("/")[2])
    except AwsRefusal as refusal:
        if not refusal.action:
            raise
        return None
    return found


def _alarms(session: AwsSession, region: str) -> Iterator[tuple[str, str]]:
    cloudwatch = session.client("cloudwatch", region)
    for one in cloudwatch.pages("describe_alarms", "MetricAlarms", StateValue="ALARM"):
        if ours := OURS.search(one.get("AlarmDescription", "")):
            yield ours["stack"], ours["key"]
