"""CloudWatch alarms: what is out of bounds, and whom it tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import APART
from awsdeploy.engine.resource import (
    UNKNOWN,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
)
from awsdeploy.resources import tag_calls
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.compute.machine import release_of
from awsdeploy.resources.monitoring.metric import Metric
from awsdeploy.resources.monitoring.topic import Topic

ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
OURS = re.compile(r"\[awsdeploy (?P<stack>\S+) (?P<key>\S+) (?P<generation>\S+)\]$")
"""The end of a description. The list of alarms shows no tags: this is how it shows whose an alarm is."""

COMPARISONS = {">": "GreaterThanThreshold", "<": "LessThanThreshold"}


@dataclass(frozen=True)
class Bound:
    """Limit of a metric: `statistic` `compare` `threshold`, `times` in a row over `period` seconds each.

    `missing` says how AWS treats missing data: missing (unknown), notBreaching, breaching, ignore (as before).
    """

    statistic: str
    compare: str
    threshold: float
    period: int
    times: int
    missing: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Alarm(Resource):
    """CloudWatch alarm: writes to a topic when a metric leaves its limit, and when it is back.

    `machines` are those of the alarm's service, or their group. The alarm's actions are off until the first release of
    the service. An alarm without a service has no `machines`, and its actions are always on.
    """

    topic: Topic
    metric: Metric
    bound: Bound
    words: str
    machines: tuple[Instance | AutoScalingGroup, ...] | None = None

    tagging = tag_calls.ALARM
    title = "alarm"
    immediate = True
    deletion = Deletion(immediate=True)
    idempotency = Idempotency.NAME
    multi_region = True
    arns = (":alarm:",)
    ignorable = {
        "Threshold",
        "Period",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "TreatMissingData",
        "AlarmActions",
        "OKActions",
        "InsufficientDataActions",
    }

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        alarms = aws.client("cloudwatch").pages(
            "describe_alarms", "MetricAlarms", AlarmNamePrefix=f"{aws.stack.slug}-", MaxRecords=100
        )
        for one in alarms:
            found = OURS.search(one.get("AlarmDescription", ""))
            if found and found["stack"] == aws.stack.tag:
                yield Observed(cls, found["key"], one["AlarmName"], found["generation"], raw=one, region=aws.region)

    def create(self, aws: Aws) -> str | Observed:
        """AWS: tags are taken only when an alarm is new."""
        name, settings = aws.name(self, 255, APART), self._settings(aws)
        aws.client("cloudwatch").put_metric_alarm(AlarmName=name, Tags=aws.tags(self), **settings)
        return aws.made(self, name, settings)

    def _settings(self, aws: Aws) -> dict[str, Any]:
        bound, topic = self.bound, aws[self.topic].id
        percentile = bound.statistic.startswith("p")
        dimensions = sorted(self.metric.dimensions(aws).items())
        return {
            "AlarmDescription": f"{self.words} [awsdeploy {aws.stack.tag} {self.key} {aws.generation(self)}]",
            "ActionsEnabled": self.machines is None or any(released(aws, one) for one in self.machines),
            "AlarmActions": [topic],
            "OKActions": [topic],
            "InsufficientDataActions": [],
            "Namespace": self.metric.namespace,
            "MetricName": self.metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
            "ExtendedStatistic" if percentile else "Statistic": bound.statistic,
            "ComparisonOperator": COMPARISONS[bound.compare],
            "Threshold": bound.threshold,
            "Period": bound.period,
            "EvaluationPeriods": bound.times,
            "DatapointsToAlarm": bound.times,
            "TreatMissingData": bound.missing,
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """PutMetricAlarm replaces the whole alarm and keeps its state."""
        wanted, present = self._settings(aws), dict(observed.raw)
        wanted |= {field: present[field] for field in wanted if field in present and aws.ignores(self, field)}
        present["Dimensions"] = sorted(present.get("Dimensions", ()), key=lambda one: str(one["Name"]))
        put = partial(aws.client("cloudwatch").put_metric_alarm, AlarmName=observed.id, **wanted)
        for field, value in wanted.items():
            if present.get(field) != value:
                yield Change(field, present.get(field), value, put)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        def delete_all(names: Sequence[str]) -> None:
            aws.client("cloudwatch").delete_alarms(AlarmNames=list(names))

        # AWS: if one name is wrong, no alarm is deleted. Then each is sent alone.
        with tolerate(*ABSENT):
            aws.together("alarms", observed.id, delete_all, most=100)


def released(aws: Aws, machines: Instance | AutoScalingGroup) -> bool:
    """Check whether a release runs on a machine, or on any machine that a group has now."""
    if isinstance(machines, Instance):
        return _carries_release(aws[machines])
    group = aws[machines]
    if group is UNKNOWN:
        return False
    ids = {one["InstanceId"] for one in group.raw.get("Instances", ())}
    # Not `aws.all`: the alarm can be in another region than the machines.
    return any(one.id in ids and _carries_release(one) for one in aws.context.all(Member, group.region))


def _carries_release(machine: Observed) -> bool:
    return bool(release_of(machine.raw.get("Tags")))
