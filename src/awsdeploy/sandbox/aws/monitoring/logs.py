"""Log groups: retention periods, log events, and the groups that RDS creates and recreates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import LogEvent

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

# AWS: CloudWatch Logs, PutRetentionPolicy, in days.
PERIODS = (
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731}
    | {1096, 1827, 2192, 2557, 2922, 3288, 3653}
)  # fmt: skip
NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
MYSQL_LOGS = {"audit", "error", "general", "iam-db-auth-error", "slowquery"}


@before("logs:CreateLogGroup")
def group_name(_: World, call: ApiCall) -> None:
    name = str(call.parameters["logGroupName"])
    if not NAME.fullmatch(name):
        raise AwsRefuses("InvalidParameterException", f"Value '{name}' at 'logGroupName' failed to satisfy constraint")


@before("logs:PutRetentionPolicy")
def retention(_: World, call: ApiCall) -> None:
    days = call.parameters["retentionInDays"]
    if days not in PERIODS:
        offered = ", ".join(str(one) for one in sorted(PERIODS))
        message = f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        raise AwsRefuses("InvalidParameterException", f"{message}Member must satisfy enum value set: [{offered}]")


@before("logs:PutLogEvents")
def in_the_worlds_time(world: World, call: ApiCall) -> dict[str, Any] | None:
    """AWS takes events of the last 14 days and up to 2 hours ahead; what is now, the world's clock says."""
    wanted = call.parameters
    group: Any = world.moto("logs", call.region).groups.get(wanted["logGroupName"])
    if group is None or wanted["logStreamName"] not in group.streams:
        return None
    oldest, newest = ((world.agenda.now + seconds) * 1000 for seconds in (-14 * 86400, 7200))
    times = [one["timestamp"] for one in wanted["logEvents"]]
    if times != sorted(times):
        message = "Log events in a single PutLogEvents request must be in chronological order."
        raise AwsRefuses("InvalidParameterException", message)
    old, new = sum(at < oldest for at in times), sum(at <= newest for at in times)
    token = group.put_log_events(wanted["logStreamName"], wanted["logEvents"][old:new])
    rejected = {"tooOldLogEventEndIndex": old} if old else {}
    rejected |= {"tooNewLogEventStartIndex": new} if new < len(times) else {}
    return {"nextSequenceToken": token, **({"rejectedLogEventsInfo": rejected} if rejected else {})}


def exports_there_are(wanted: Mapping[str, Any]) -> None:
    """Raises `AwsRefuses` for parameters that ask for a log MySQL does not write."""
    change = wanted.get("CloudwatchLogsExportConfiguration") or {}
    asked = {*(wanted.get("EnableCloudwatchLogsExports") or ()), *(change.get("EnableLogTypes") or ())}
    if unknown := asked - MYSQL_LOGS:
        message = f"You cannot use the log types '{', '.join(sorted(unknown))}' with engine version mysql."
        raise AwsRefuses("InvalidParameterCombination", message)


@after("logs:DeleteLogGroup")
def written_again(world: World, call: ApiCall, _: Answer) -> None:
    """AWS: what still writes makes the group again, without tags and for ever."""
    name = str(call.parameters["logGroupName"])
    if found := re.fullmatch(r"/aws/rds/instance/([^/]+)/.+", name):
        world.agenda.after(durations.LOG_WRITTEN, lambda: written(world, call.region, found[1]))


def written(world: World, region: str, name: str) -> None:
    """A database writes to the logs it exports."""
    database: Any = world.moto("rds", region).databases.get(name)
    for kind in database.enabled_cloudwatch_logs_exports if database is not None else ():
        world.moto("logs", region).ensure_log_group(f"/aws/rds/instance/{name}/{kind}")


def put(group: Any, name: str, now: float, written: bytes) -> None:
    """Lines of a machine into a stream, made if need be. `now`: epoch seconds of the world.

    Straight into moto's model, whose own way compares with the real time and would refuse the world's.
    """
    if name not in group.streams:
        group.create_log_stream(name)
    stream, moment = group.streams[name], int(now * 1000)
    lines = [line for line in written.decode(errors="replace").splitlines() if line]
    stream.events += [LogEvent(moment, {"timestamp": moment, "message": line}) for line in lines]
    stream.stored_bytes += len(written)
    stream.upload_sequence_token += 1
    stream.last_ingestion_time = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
