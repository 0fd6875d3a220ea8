"""Settings of a bucket: for each, the value in S3, the declared value, and the call that sets it.

S3 returns each setting in a different form; here they become values that can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, Danger

METRICS = "EntireBucket"
"""The filter that S3's request metrics of a whole bucket are published under; the console's own name for it."""

EXPIRES = "S3 deletes older files"


@dataclass(frozen=True)
class Expiry:
    """A rule by which objects under `prefix` go. All in days: since they were written, overwritten or deleted
    (`noncurrent`), or begun and never finished (`unfinished`)."""

    name: str
    prefix: str = ""
    days: int = 0
    noncurrent: int = 0
    unfinished: int = 0

    def rule(self) -> dict[str, Any]:
        """Rule in the form of S3's API."""
        rule: dict[str, Any] = {"ID": self.name, "Status": "Enabled", "Filter": {"Prefix": self.prefix}}
        if self.days:
            rule["Expiration"] = {"Days": self.days}
        if self.noncurrent:
            rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": self.noncurrent}
            # A delete marker is useless after the last old version is deleted.
            rule["Expiration"] = {"ExpiredObjectDeleteMarker": True}
        if self.unfinished:
            rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": self.unfinished}
        return rule


@dataclass(frozen=True)
class Setting:
    """One setting of a bucket. `ask` returns S3's value in the form of `wanted`; `words` are shown for a long one."""

    field: str
    wanted: Any
    ask: Callable[[], Any]
    tell: Callable[[], object]
    words: str = ""
    impact: str = ""
    deletes: Callable[[Any], bool] | None = None  # tells if the change of this value deletes objects

    def effect(self, old: Any) -> tuple[str, Danger]:
        """Effect of the change that people notice, and how bad it is."""
        return (EXPIRES, Danger.DATA_LOSS) if self.deletes and self.deletes(old) else (self.impact, Danger.NONE)

    def shown(self, value: Any) -> Any:
        if not self.words or not value:
            return value
        return self.words if value == self.wanted else "something else"


def block(aws: Aws, bucket: str, wanted: Mapping[str, bool]) -> Setting:
    def ask() -> Any:
        with tolerate("NoSuchPublicAccessBlockConfiguration"):
            return aws.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]

    tell = partial(aws.s3.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration=dict(wanted))
    return Setting("public access block", dict(wanted), ask, tell, _blocked(wanted))


def _blocked(wanted: Mapping[str, bool]) -> str:
    return "all four settings on" if all(wanted.values()) else ", ".join(name for name, on in wanted.items() if on)


def ownership(aws: Aws, bucket: str) -> Setting:
    """Object ownership: the bucket's owner owns every object, and ACLs are off."""
    wanted = "BucketOwnerEnforced"

    def ask() -> Any:
        with tolerate("OwnershipControlsNotFoundError"):
            return aws.s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"][0][
                "ObjectOwnership"
            ]

    controls = {"Rules": [{"ObjectOwnership": wanted}]}
    tell = partial(aws.s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=controls)
    return Setting("ownership", wanted, ask, tell)


def encryption(aws: Aws, bucket: str) -> Setting:
    """Encryption with keys that S3 manages: access logs cannot be delivered with other keys."""
    wanted = "AES256"

    def ask() -> Any:
        with tolerate("ServerSideEncryptionConfigurationNotFoundError"):
            answer = aws.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
            return answer["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]

    def tell() -> None:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": wanted}}
        aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    return Setting("encryption", wanted, ask, tell)


def versioning(aws: Aws, bucket: str) -> Setting:
    def ask() -> Any:
        return aws.s3.get_bucket_versioning(Bucket=bucket).get("Status")

    tell = partial(aws.s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Setting("versioning", "Enabled", ask, tell)


def lifecycle(aws: Aws, bucket: str, expiries: Sequence[Expiry]) -> Setting:
    rules = sorted((one.rule() for one in expiries), key=lambda rule: str(rule["ID"]))

    def ask() -> Any:
        with tolerate("NoSuchLifecycleConfiguration"):
            found = aws.s3.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", ())
            return sorted(found, key=lambda rule: str(rule.get("ID")))

    tell = partial(aws.s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    return Setting(
        "lifecycle", rules, ask, tell, ", ".join(one.name for one in expiries), deletes=partial(expires_sooner, rules)
    )


def expires_sooner(wanted: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]] | None) -> bool:
    """Tell if rules delete objects or their old versions that the present rules still keep."""
    before = [period for rule in present or () for period in _periods(rule)]
    return any(
        not any(prefix.startswith(other) and same == action and least <= days for other, same, least in before)
        for rule in wanted
        for prefix, action, days in _periods(rule)
    )


def _periods(rule: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Prefix, action and days of each deletion by a rule."""
    prefix = rule.get("Filter", {}).get("Prefix", rule.get("Prefix", ""))
    for action, unit in (("Expiration", "Days"), ("NoncurrentVersionExpiration", "NoncurrentDays")):
        days = rule.get(action, {}).get(unit)
        if days and rule.get("Status") == "Enabled":
            yield prefix, action, days


def policy(aws: Aws, bucket: str, statements: Sequence[Mapping[str, Any]], words: str) -> Setting:
    """No policy at all where there are no statements."""
    wanted = [dict(one) for one in statements] or None

    def ask() -> Any:
        with tolerate("NoSuchBucketPolicy"):
            return json.loads(aws.s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]

    def tell() -> None:
        if wanted:
            text = json.dumps({"Version": "2012-10-17", "Statement": wanted})
            aws.s3.put_bucket_policy(Bucket=bucket, Policy=text)
        else:
            aws.s3.delete_bucket_policy(Bucket=bucket)

    return Setting("policy", wanted, ask, tell, words)


def replication(aws: Aws, bucket: str, role: str = "", target: str = "") -> Setting:
    """Every object and delete marker to another bucket, by its name; to none where no target is given."""
    wanted: Any = None
    if target:
        wanted = (role, [("all", "Enabled", "", f"arn:aws:s3:::{target}", "Enabled")])

    def ask() -> Any:
        with tolerate("ReplicationConfigurationNotFoundError"):
            found = aws.s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
            return found["Role"], [_copying(rule) for rule in found["Rules"]]

    def tell() -> None:
        if wanted is None:
            aws.s3.delete_bucket_replication(Bucket=bucket)
            return
        rule = {
            "ID": "all",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
        }
        aws.s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": role, "Rules": [rule]})

    impact = "existing files are not copied" if target else ""
    return Setting("replication", wanted, ask, tell, f"to {target}" if target else "off", impact)


def _copying(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        rule.get("ID"),
        rule.get("Status"),
        rule.get("Filter", {}).get("Prefix", ""),
        rule.get("Destination", {}).get("Bucket"),
        rule.get("DeleteMarkerReplication", {}).get("Status"),
    )


def metrics(aws: Aws, bucket: str, wanted: bool) -> Setting:
    """Requests and bytes of the whole bucket, counted by the minute. AWS bills them as custom metrics."""

    def ask() -> Any:
        with tolerate("NoSuchConfiguration"):
            found = aws.s3.get_bucket_metrics_configuration(Bucket=bucket, Id=METRICS)
            return "on" if found["MetricsConfiguration"] == {"Id": METRICS} else "of a part"
        return None

    def tell() -> None:
        if wanted:
            aws.s3.put_bucket_metrics_configuration(Bucket=bucket, Id=METRICS, MetricsConfiguration={"Id": METRICS})
        else:
            aws.s3.delete_bucket_metrics_configuration(Bucket=bucket, Id=METRICS)

    return Setting("request metrics", "on" if wanted else None, ask, tell)
