"""Lists of object versions and unfinished uploads: keys are URL-encoded on request, since XML cannot hold them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from awsdeploy.sandbox.aws import Answer, before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.world import World

ENCODED = ("Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker")
"""Fields that AWS encodes with `EncodingType=url` (API_ListObjectVersions)."""
MOST = 1000
"""AWS: versions in one answer."""


@before("s3:ListObjectVersions")
def versions(world: World, call: ApiCall) -> Answer | None:
    """moto writes every key as it is, which is no XML where the key has a control character."""
    asked = call.parameters
    if asked.get("EncodingType") != "url":
        return None
    s3, most = world.moto("s3"), min(int(asked.get("MaxKeys", MOST)), MOST)
    found, prefixes, markers, next_key, next_version = s3.list_object_versions(
        asked["Bucket"],
        delimiter=asked.get("Delimiter"),
        key_marker=asked.get("KeyMarker"),
        max_keys=most,
        prefix=asked.get("Prefix") or "",
        version_id_marker=asked.get("VersionIdMarker"),
    )
    answer: dict[str, Any] = {
        "Name": asked["Bucket"],
        "MaxKeys": most,
        "EncodingType": "url",
        "IsTruncated": next_key is not None,
        "Versions": [
            {**_version(one), "ETag": one.etag, "Size": one.size, "StorageClass": one.storage_class} for one in found
        ],
        "DeleteMarkers": [_version(one) for one in markers],
        "CommonPrefixes": [{"Prefix": one} for one in prefixes],
        **{name: asked.get(name) or "" for name in ("Prefix", "Delimiter", "KeyMarker", "VersionIdMarker")},
    }
    if next_key is not None:
        answer |= {"NextKeyMarker": next_key, "NextVersionIdMarker": next_version}
    return dict(_encoded(answer))


def _version(one: Any) -> dict[str, Any]:
    return {
        "Key": one.name,
        "VersionId": one.version_id or "null",
        "IsLatest": getattr(one, "is_latest", False),
        "LastModified": one.last_modified,
    }


@before("s3:ListMultipartUploads")
def uploads(world: World, call: ApiCall) -> Answer | None:
    asked = call.parameters
    if asked.get("EncodingType") != "url":
        return None
    found = world.moto("s3").list_multipart_uploads(asked["Bucket"]).values()
    rows = [{"Key": one.key_name, "UploadId": one.id, "StorageClass": "STANDARD"} for one in found]
    start = asked.get("Prefix") or ""
    answer = {
        "Bucket": asked["Bucket"],
        "MaxUploads": MOST,
        "EncodingType": "url",
        "IsTruncated": False,
        "Uploads": [row for row in rows if row["Key"].startswith(start)],
    }
    return dict(_encoded(answer))


def _encoded(answer: Any) -> Any:
    if isinstance(answer, Mapping):
        return {
            name: quote(value) if name in ENCODED and isinstance(value, str) else _encoded(value)
            for name, value in answer.items()
        }
    return [_encoded(one) for one in answer] if isinstance(answer, list) else answer
