"""Backups of a stack: every resource is asked, and the buckets that carry the stack's tags."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.aws.session import Client, tolerate
from awsdeploy.engine.resource import TAG_RESOURCE, Observed, Restorable
from awsdeploy.engine.run import Run
from awsdeploy.resources.storage.bucket_contents import location


def restorable(run: Run) -> list[Restorable]:
    """Newest first, kind by kind. Raises `NoSuchStack` where there is nothing at all of the stack."""
    observations = run.look_everywhere(run.read_record)
    if not observations and run.record is None:
        raise run.missing

    def ask(observed: Observed) -> list[Restorable]:
        return list(observed.kind.restorable(run.view_of(observed), observed))

    found = [one for several in run.session.each(ask, observations) for one in several]
    found.sort(key=lambda one: (one.what, -one.at.timestamp() if one.at else 0.0, one.id))
    return found + [one for region in sorted(run.regions) for one in _buckets(run, region)]


def _buckets(run: Run, region: str) -> Iterator[Restorable]:
    """The versions that the stack's buckets of a region keep, and where they are copied to."""
    s3 = run.client("s3", region)
    for arn, tags in run.tagged(region, "s3:bucket"):
        name = arn.rpartition(":")[2]
        # AWS's index remembers deleted buckets for a while, and belongs to one region.
        with tolerate("NoSuchBucket"):
            if location(s3, name) == region:
                yield from _versions(s3, name, tags.get(TAG_RESOURCE, ""))


def _versions(s3: Client, bucket: str, key: str) -> Iterator[Restorable]:
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        return
    days: list[int] = []
    with tolerate("NoSuchLifecycleConfiguration"):
        rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        expiries = [rule.get("NoncurrentVersionExpiration", {}) for rule in rules if rule["Status"] == "Enabled"]
        days = [one["NoncurrentDays"] for one in expiries if "NoncurrentDays" in one]
    note = "overwritten and deleted files, " + (f"for {max(days)} days" if days else "for ever")
    with tolerate("ReplicationConfigurationNotFoundError"):
        for rule in s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]:
            if rule["Status"] == "Enabled":
                note += f"; copied to {rule['Destination']['Bucket'].rpartition(':')[2]}"
    yield Restorable("file versions", key, bucket, "versioned", note=note)
