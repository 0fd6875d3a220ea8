"""Restore of the uploaded files to an earlier time, from the versions that S3 keeps.

It adds and never removes: a file is restored by a copy of its old version, which becomes the newest one, and a file
that did not exist gets a delete marker. So every version stays, and a restore can be undone by another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from awsdeploy.aws.session import AnswerLost, Client, tolerate
from awsdeploy.engine.observed import one_or_none
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure, NoSuchStack, Refused, next_command
from awsdeploy.resources.storage.data_bucket import DataBucket

KEY = "storage/uploads"
LARGEST = 5 * 1024**3
"""AWS: the bytes that one CopyObject copies at most (API_CopyObject)."""
AT_ONCE = 500
"""Files between two lines of progress."""
SHOWN = 5
"""Names of files in an error message."""


@dataclass(frozen=True)
class OldVersion:
    """A version of a file that is to be the newest one again. `size` is in bytes."""

    key: str
    version: str
    size: int


@dataclass
class UploadsPlan:
    """Differences between the files now and at the time `to`."""

    bucket: str
    prefix: str
    to: datetime
    copies: list[OldVersion] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    unchanged: int = 0
    too_large: list[str] = field(default_factory=list)
    """Keys of files that CopyObject cannot copy."""

    @property
    def size(self) -> int:
        """Bytes to copy."""
        return sum(one.size for one in self.copies)

    @property
    def empty(self) -> bool:
        return not (self.copies or self.deletions or self.too_large)


def survey(run: Run, to: datetime, prefix: str, now: datetime) -> UploadsPlan:
    """Read all versions below `prefix` and compare. Writes nothing.

    Raises `NoSuchStack` without a bucket, `Refused` for a time of which versions may be missing.
    """
    run.need_record()
    bucket = one_or_none(one for one in run.all(DataBucket) if one.key == KEY)
    if bucket is None:
        raise NoSuchStack(f"{run.stack} has no uploads bucket.", f"To see what exists: {next_command('status')}")
    s3 = run.client("s3")
    _need_versions(s3, bucket.id, to, now)
    plan, existed = UploadsPlan(bucket.id, prefix, to), False
    for versions in _by_key(s3, bucket.id, prefix):
        existed |= _compare(plan, versions)
    if not existed and not plan.empty:
        where = f" that begins with {prefix}" if prefix else ""
        raise Refused(
            f"No file{where} existed at {to:%Y-%m-%d %H:%M:%S%z}, so every file would be deleted.",
            f"Choose a later time: {next_command('restore', 'uploads', '--to', 'TIME')}",
        )
    return plan


def _need_versions(s3: Client, bucket: str, to: datetime, now: datetime) -> None:
    """Raise `Refused` unless S3 still has every version of that time.

    AWS deletes a version NoncurrentDays after a newer one has replaced it (S3 User Guide, lifecycle rules), so what was
    current within these days is still there.
    """
    if to > now:
        raise Refused(f"{to:%Y-%m-%d %H:%M:%S%z} is in the future.", "Choose an earlier time.")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise Refused(f"The bucket {bucket} keeps no versions.", f"To turn them on: {next_command('up')}")
    rules: list[dict[str, Any]] = []
    with tolerate("NoSuchLifecycleConfiguration"):
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    expiries = [rule.get("NoncurrentVersionExpiration", {}) for rule in rules if rule["Status"] == "Enabled"]
    days = min((int(one["NoncurrentDays"]) for one in expiries if "NoncurrentDays" in one), default=0)
    if days and to < now - timedelta(days=days):
        raise Refused(
            f"Old versions of files are kept for {days} days, and {to:%Y-%m-%d %H:%M} is before that: some are gone.",
            f"Choose a time after {now - timedelta(days=days):%Y-%m-%d %H:%M}.",
        )


def _by_key(s3: Client, bucket: str, prefix: str) -> Iterator[list[dict[str, Any]]]:
    """Versions and delete markers of each key, newest first, by pages: one key's may be on two of them."""

    def entries() -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = s3.list_object_versions(Bucket=bucket, Prefix=prefix, **more)
            markers = [{**one, "Marker": True} for one in page.get("DeleteMarkers", ())]
            yield from sorted([*page.get("Versions", ()), *markers], key=lambda one: str(one["Key"]).encode())
            if not page.get("IsTruncated"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    for _, several in groupby(entries(), key=lambda one: one["Key"]):
        # Times are in whole seconds: of two with the same time the latest is the newer.
        newest_first = sorted(several, key=lambda one: (one["LastModified"], one["IsLatest"]), reverse=True)
        yield newest_first


def _compare(plan: UploadsPlan, versions: list[dict[str, Any]]) -> bool:
    """Put what differs of one key into the plan; tell if the file existed at the time."""
    latest = versions[0]
    wanted = next((one for one in versions if one["LastModified"] <= plan.to), None)
    existed, exists = (one is not None and not one.get("Marker") for one in (wanted, latest))
    if wanted is None or not existed:
        if exists:
            plan.deletions.append(latest["Key"])
    elif exists and _same(wanted, latest):
        plan.unchanged += 1
    elif int(wanted["Size"]) > LARGEST:
        plan.too_large.append(wanted["Key"])
    else:
        plan.copies.append(OldVersion(wanted["Key"], wanted["VersionId"], int(wanted["Size"])))
    return existed


def _same(wanted: dict[str, Any], latest: dict[str, Any]) -> bool:
    """True if both are one version, or have the same content: the copy that an interrupted restore made.

    AWS: the ETag of a file from a multipart upload is not that of its copy, so such a file is copied again.
    """
    return wanted["VersionId"] == latest["VersionId"] or (
        (wanted["ETag"], wanted["Size"]) == (latest["ETag"], latest["Size"])
    )


def apply(run: Run, plan: UploadsPlan, say: Callable[[str], object] = lambda _line: None) -> None:
    """Make the files what they were. After an interruption a new survey finds what is left to do.

    Raises `AwsFailure` naming the files that are too large, after everything else is done.
    """
    s3, done, total = run.client("s3"), 0, len(plan.copies) + len(plan.deletions)

    def copy(one: OldVersion) -> None:
        run.stop.check()
        source = {"Bucket": plan.bucket, "Key": one.key, "VersionId": one.version}
        _sent(lambda: s3.copy_object(Bucket=plan.bucket, Key=one.key, CopySource=source))

    def delete(key: str) -> None:
        run.stop.check()
        _sent(lambda: s3.delete_object(Bucket=plan.bucket, Key=key))

    with run.writing("restore"):
        for place in range(0, len(plan.copies), AT_ONCE):
            several = plan.copies[place : place + AT_ONCE]
            run.session.each(copy, several)
            done += len(several)
            say(f"{done} of {total} files")
        for place in range(0, len(plan.deletions), AT_ONCE):
            keys = plan.deletions[place : place + AT_ONCE]
            run.session.each(delete, keys)
            done += len(keys)
            say(f"{done} of {total} files")
    if plan.too_large:
        names = ", ".join(plan.too_large[:SHOWN]) + (" …" if len(plan.too_large) > SHOWN else "")
        raise AwsFailure(
            f"{len(plan.too_large)} files were not restored, because S3 copies at most 5 GB in one call: {names}",
            "Restore these in the S3 console: turn on Show versions, download the version, and upload it.",
        )


def _sent(write: Callable[[], object]) -> None:
    """Send a write again if its answer was lost: a second copy or marker changes nothing that people see."""
    try:
        write()
    except AnswerLost:
        write()
