"""Buckets and their settings in Terraform, a resource for each setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from awsdeploy.engine.observed import Observed
from awsdeploy.engine.resource import Resource
from awsdeploy.export.database import HOLDS_DATA
from awsdeploy.export.describing import ExportScope, Managed, describes
from awsdeploy.export.hcl import Section, call
from awsdeploy.resources.identity.role import Role
from awsdeploy.resources.storage.bucket import Bucket, S3Bucket
from awsdeploy.resources.storage.bucket_setting import METRICS
from awsdeploy.resources.storage.cors import Cors
from awsdeploy.resources.storage.data_bucket import DataBucket


@describes(Bucket, "aws_s3_bucket")
def bucket(scope: ExportScope, one: Bucket, observed: Observed) -> Iterator[Managed]:
    yield from _bucket(scope, one, observed)


@describes(DataBucket, "aws_s3_bucket")
def data_bucket(scope: ExportScope, one: DataBucket, observed: Observed) -> Iterator[Managed]:
    yield from _bucket(scope, one, observed, lifecycle=HOLDS_DATA)


def _bucket(scope: ExportScope, one: S3Bucket, observed: Observed, **more: Any) -> Iterator[Managed]:
    yield scope.main(one, bucket=observed.id, tags=scope.tags(one), **more)
    for setting in one.settings(scope.view(one), observed.id):
        if setting.wanted is None:
            continue
        type, describe = SETTINGS[setting.field]
        id = f"{observed.id}:{METRICS}" if type == "aws_s3_bucket_metric" else observed.id
        yield scope.managed(type, one, id, bucket=scope.ref(one).id, **describe(scope, one, setting.wanted))


@describes(Cors, "aws_s3_bucket_cors_configuration")
def cors(scope: ExportScope, one: Cors, observed: Observed) -> Iterator[Managed]:
    rule = one.rule(scope.view(one))
    origins: list[Any] = list(one.origins)
    if one.balancer is not None:
        origins.append(call("format", "http://%s", scope.ref(one.balancer).dns_name))
    yield scope.main(
        one,
        observed.raw["Bucket"],
        bucket=scope.ref(one.bucket).id,
        cors_rule=Section(
            id=rule["ID"],
            allowed_origins=origins,
            allowed_methods=rule["AllowedMethods"],
            allowed_headers=rule["AllowedHeaders"],
            expose_headers=rule["ExposeHeaders"],
            max_age_seconds=rule["MaxAgeSeconds"],
        ),
    )


def _block(_scope: ExportScope, _one: S3Bucket, wanted: Mapping[str, bool]) -> dict[str, Any]:
    names = {
        "BlockPublicAcls": "block_public_acls",
        "IgnorePublicAcls": "ignore_public_acls",
        "BlockPublicPolicy": "block_public_policy",
        "RestrictPublicBuckets": "restrict_public_buckets",
    }
    return {name: wanted[ours] for ours, name in names.items()}


def _ownership(_scope: ExportScope, _one: S3Bucket, wanted: str) -> dict[str, Any]:
    return {"rule": Section(object_ownership=wanted)}


def _encryption(_scope: ExportScope, _one: S3Bucket, wanted: str) -> dict[str, Any]:
    return {"rule": Section(apply_server_side_encryption_by_default=Section(sse_algorithm=wanted))}


def _versioning(_scope: ExportScope, _one: S3Bucket, wanted: str) -> dict[str, Any]:
    return {"versioning_configuration": Section(status=wanted)}


def _lifecycle(_scope: ExportScope, _one: S3Bucket, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rule": [_expiry(rule) for rule in wanted]}


def _expiry(rule: Mapping[str, Any]) -> Section:
    section = Section(id=rule["ID"], status=rule["Status"], filter=Section(prefix=rule["Filter"]["Prefix"]))
    if expiration := rule.get("Expiration"):
        days, markers = expiration.get("Days"), expiration.get("ExpiredObjectDeleteMarker")
        section["expiration"] = Section(days=days, expired_object_delete_marker=markers)
    if old := rule.get("NoncurrentVersionExpiration"):
        section["noncurrent_version_expiration"] = Section(noncurrent_days=old["NoncurrentDays"])
    if unfinished := rule.get("AbortIncompleteMultipartUpload"):
        days = unfinished["DaysAfterInitiation"]
        section["abort_incomplete_multipart_upload"] = Section(days_after_initiation=days)
    return section


def _policy(_scope: ExportScope, _one: S3Bucket, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    return {"policy": call("jsonencode", {"Version": "2012-10-17", "Statement": wanted})}


def _replication(scope: ExportScope, one: S3Bucket, _wanted: Any) -> dict[str, Any]:
    """Only a bucket with a role and a replica has this setting."""
    role, replica = _edge(one, Role), _edge(one, DataBucket)
    rule = Section(
        id="all",
        priority=1,
        status="Enabled",
        filter=Section(prefix=""),
        delete_marker_replication=Section(status="Enabled"),
        destination=Section(bucket=scope.ref(replica).arn),
    )
    return {"role": scope.ref(role).arn, "rule": rule}


def _metrics(_scope: ExportScope, _one: S3Bucket, _wanted: Any) -> dict[str, Any]:
    return {"name": METRICS}


SETTINGS: Mapping[str, tuple[str, Callable[[ExportScope, S3Bucket, Any], dict[str, Any]]]] = {
    "public access block": ("aws_s3_bucket_public_access_block", _block),
    "ownership": ("aws_s3_bucket_ownership_controls", _ownership),
    "encryption": ("aws_s3_bucket_server_side_encryption_configuration", _encryption),
    "versioning": ("aws_s3_bucket_versioning", _versioning),
    "lifecycle": ("aws_s3_bucket_lifecycle_configuration", _lifecycle),
    "policy": ("aws_s3_bucket_policy", _policy),
    "replication": ("aws_s3_bucket_replication_configuration", _replication),
    "request metrics": ("aws_s3_bucket_metric", _metrics),
}


def _edge(one: S3Bucket, kind: type[Resource]) -> Resource:
    return next(edge for edge in one.edges() if isinstance(edge, kind))
