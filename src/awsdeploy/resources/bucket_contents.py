"""What lies in a bucket: how much it is, and how it is thrown away, versions and all."""

from __future__ import annotations

from typing import Any

from awsdeploy.aws import AwsRefusal, Client
from awsdeploy.errors import AwsFailure
from awsdeploy.remedies import delete_data
from awsdeploy.resource import Aws

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
    """Whether there is any version of anything, and the bytes of all: None if there are too many to count.

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
                f"The bucket {bucket} was empty and now holds files, so it stays.",
                f"Run the same command again: it keeps the bucket. {delete_data()}",
            )
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return _abort_uploads(aws, bucket)
        if not _delete(aws, bucket, found[:PAGE]):
            return False
    return False


def _delete(aws: Aws, bucket: str, found: list[dict[str, Any]]) -> bool:
    objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
    answer = aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    errors = answer.get("Errors", ())
    for error in errors:
        if error["Code"] not in PASSING:
            raise AwsRefusal("s3:DeleteObjects", error["Code"], f"{error['Key']}: {error.get('Message', '')}")
    return not errors


def _abort_uploads(aws: Aws, bucket: str) -> bool:
    """Parts of uploads that never ended are billed and hold the bucket, though no list of objects shows them."""
    for one in aws.s3.pages("list_multipart_uploads", "Uploads", Bucket=bucket):
        aws.s3.abort_multipart_upload(Bucket=bucket, Key=one["Key"], UploadId=one["UploadId"])
    return True
