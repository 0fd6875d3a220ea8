"""CloudWatch alarms: a new one has INSUFFICIENT_DATA, an updated one keeps its state, and only a new one gets tags."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

MISSING = {"breaching", "notBreaching", "ignore", "missing"}
LONGEST = 86_400  # AWS: seconds that periods of under an hour, together, may look back


@dataclass
class States:
    """States that an alarm keeps when it is put again, by region and name."""

    kept: dict[tuple[str, str], tuple[str, dict[str, str]]] = field(default_factory=dict)


@before("cloudwatch:PutMetricAlarm")
def acceptable(world: World, call: ApiCall) -> None:
    wanted = call.parameters
    if ("Statistic" in wanted) == ("ExtendedStatistic" in wanted):
        raise AwsRefuses("ValidationError", "Exactly one of Statistic and ExtendedStatistic must be specified")
    period, times = int(wanted.get("Period", 0)), int(wanted["EvaluationPeriods"])
    if period not in (10, 30) and (period < 60 or period % 60):
        raise AwsRefuses("ValidationError", f"Period must be 10, 30 or a multiple of 60: {period}")
    if period * times > LONGEST * (1 if period < 3600 else 7):
        raise AwsRefuses("ValidationError", "Metrics cannot be checked across more than a day")
    if wanted.get("TreatMissingData", "missing") not in MISSING:
        raise AwsRefuses("ValidationError", f"Option {wanted['TreatMissingData']} is not supported")
    for arn in (*(wanted.get("AlarmActions") or ()), *(wanted.get("OKActions") or ())):
        if arn.startswith("arn:aws:sns:") and arn.split(":")[3] != call.region:
            raise AwsRefuses("ValidationError", f"Invalid region {arn.split(':')[3]} specified. Only {call.region}")
    if before_it := world.moto("cloudwatch", call.region).alarms.get(wanted["AlarmName"]):
        tags = world.moto("cloudwatch", call.region).tagger.get_tag_dict_for_resource(before_it.alarm_arn)
        world.of(States).kept[call.region, wanted["AlarmName"]] = before_it.state_value, tags


@after("cloudwatch:PutMetricAlarm")
def put(world: World, call: ApiCall, _: Answer) -> None:
    name, backend = call.parameters["AlarmName"], world.moto("cloudwatch", call.region)
    alarm: Any = backend.alarms[name]
    state, tags = world.of(States).kept.pop((call.region, name), ("INSUFFICIENT_DATA", None))
    alarm.state_value = state
    if tags is not None:
        backend.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
        backend.tagger.tag_resource(alarm.alarm_arn, backend.tagger.convert_dict_to_tags_input(tags))


@before("cloudwatch:PutDashboard")
def widgets(_: World, call: ApiCall) -> None:
    try:
        body = json.loads(call.parameters["DashboardBody"])
    except ValueError:
        body = None
    wrong = not isinstance(body, dict) or not isinstance(body.get("widgets"), list)
    if wrong or any("type" not in one or "properties" not in one for one in body["widgets"]):
        raise AwsRefuses("InvalidParameterInput", "The dashboard body is invalid, there are validation errors")
