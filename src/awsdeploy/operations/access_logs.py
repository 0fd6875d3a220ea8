"""The access logs of the load balancer: compressed files that AWS puts into a bucket every five minutes."""

from __future__ import annotations

import gzip
import re
import shlex
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from awsdeploy.engine.run import Run
from awsdeploy.operations.entries import LogEvent
from awsdeploy.resources.storage.bucket import Bucket

BUCKET = "storage/logs"
MOST = 1000
"""Files read at most, the newest: at one every five minutes and address, that is more than a day."""
NAMED = re.compile(r"_(\d{8}T\d{4}Z)_[^/]*\.log\.gz$")
# AWS: Access log entries. Their places in a line.
TIME, CLIENT, TOOK, STATUS, SENT, REQUEST, AGENT = 1, 3, 6, 8, 11, 12, 13


def requests(run: Run, since: datetime, until: datetime) -> list[LogEvent]:
    """The requests of a period. AWS delivers a file some minutes after its time.

    Of every bucket for them: while the load balancer's bucket is replaced there are two.
    """
    buckets = [one.id for one in run.all(Bucket) if one.key == BUCKET]
    files = [(bucket, key) for bucket in buckets for key in _files(run, bucket, since, until)]
    s3 = run.client("s3")

    def read(place: tuple[str, str]) -> list[LogEvent]:
        bucket, key = place
        return list(_events(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), key))

    found = [event for events in run.session.each(read, files) for event in events]
    first, last = since.timestamp() * 1000, until.timestamp() * 1000
    return [event for event in found if first <= event.at <= last]


def _files(run: Run, bucket: str, since: datetime, until: datetime) -> list[str]:
    """AWS sorts them into a folder for each day of UTC; the one of today may hold requests of yesterday's end."""
    account = run.account
    s3 = run.client("s3")
    day, last = since.astimezone(UTC).date(), until.astimezone(UTC).date() + timedelta(days=1)
    found: list[str] = []
    while day <= last:
        place = f"AWSLogs/{account}/elasticloadbalancing/{run.region}/{day:%Y/%m/%d}/"
        found += [one["Key"] for one in s3.pages("list_objects_v2", "Contents", Bucket=bucket, Prefix=place)]
        day += timedelta(days=1)
    # The name of a file says when its five minutes end.
    recent = sorted((named[1], key) for key in found if (named := NAMED.search(key)) and _end(named[1]) >= since)
    return [key for _, key in recent[-MOST:]]


def _end(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%MZ").replace(tzinfo=UTC)


def _events(body: bytes, key: str) -> Iterator[LogEvent]:
    try:
        text = gzip.decompress(body).decode(errors="replace")
    except (OSError, EOFError, zlib.error):
        return  # none of AWS's
    for number, line in enumerate(text.splitlines()):
        try:
            words = shlex.split(line)
            at = datetime.fromisoformat(words[TIME])
            client = words[CLIENT].rpartition(":")[0]
            said = (
                f'{client} "{words[REQUEST]}" {words[STATUS]}, {words[SENT]} bytes in {words[TOOK]} s, {words[AGENT]}'
            )
        except (ValueError, IndexError):
            continue
        yield LogEvent("alb", key, int(at.timestamp() * 1000), said, f"{key}:{number}")
