"""Contents of a bucket: how much it is, and how it is deleted, all versions included."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from awsdeploy.aws.remedies import delete_data
from awsdeploy.aws.session import AwsRefusal, Client
from awsdeploy.engine.resource import Aws
from awsdeploy.errors import AwsFailure

NOT_IN_XML = re.compile("[\x00-\x1f\ufffe\uffff]")
"""Characters of a key that XML 1.0, and so the body of DeleteObjects, cannot hold or changes on the way."""
PAGE = 1000  # AWS: versions in one answer, and keys in one DeleteObjects
PAGES_WEIGHED = 5
PAGES_AT_ONCE = 20
PASSING = ("SlowDown", "InternalError", "ServiceUnavailable", "OperationAborted")


def location(s3: Client, bucket: str) -> str:
    """The region of a bucket. AWS names none for us-east-1 and may say EU for eu-west-1 (API_GetBucketLocation).

    Raises `AwsRefusal` for a bucket that is gone.
    """
    said = s3.get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
    return "eu-west-1" if said == "EU" else str(said)


def weigh(aws: Aws, bucket: str) -> tuple[bool, int | None]:
    """Count the versions: whether there are any, and their bytes, or None if there are too many to count.

    Raises `AwsRefusal` for a bucket that is gone.
    """
    total, found = 0, False
    more: dict[str, str] = {}
    for _ in range(PAGES_WEIGHED):
        page = aws.s3.list_object_versions(Bucket=bucket, **more)
        versions = page.get("Versions", ())
        found = found or bool(versions)
        total += sum(int(one["Size"]) for one in versions)
        if not page.get("IsTruncated"):
            return found, total
        more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    return True, None


def empty(aws: Aws, bucket: str, files: bool = True) -> bool:
    """Throw away up to 20,000 versions and delete markers, then unfinished uploads; whether nothing is left.

    Raises `AwsRefusal` for what AWS does not let go of, and without `files` `AwsFailure` where there is any version.
    """
    for _ in range(PAGES_AT_ONCE):
        page = aws.s3.list_object_versions(Bucket=bucket)
        if page.get("Versions") and not files:
            raise AwsFailure(
                f"The bucket {bucket} was empty and now contains files, so it is retained.",
                f"Run the same command again: it retains the bucket. {delete_data()}",
            )
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return _abort_uploads(aws, bucket)
        if not _delete(aws, bucket, found[:PAGE]):
            return False
    return False


def _delete(aws: Aws, bucket: str, found: list[dict[str, Any]]) -> bool:
    """Delete these versions; whether AWS took them all. DeleteObject has the key in its address, which holds any."""
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
    single = [one for one in objects if NOT_IN_XML.search(one["Key"])]
    aws.each(lambda one: aws.s3.delete_object(Bucket=bucket, **one), single)
    objects = [one for one in objects if one not in single]
    if not objects:
        return True
    answer = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    errors = answer.get("Errors", ())
    for error in errors:
        if error["Code"] not in PASSING:
            raise AwsRefusal("s3:DeleteObjects", error["Code"], f"{error['Key']}: {error.get('Message', '')}")
    return not errors


def _abort_uploads(aws: Aws, bucket: str) -> bool:
    """Abort up to 1000 unfinished uploads, which no list of objects shows; whether that was all."""
    # botocore decodes the keys of other lists by itself.
    page = aws.s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")
    for one in page.get("Uploads", ()):
        aws.s3.abort_multipart_upload(Bucket=bucket, Key=unquote_plus(one["Key"]), UploadId=one["UploadId"])
    return not page.get("IsTruncated")
