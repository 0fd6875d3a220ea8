"""Permissions for the buckets and their objects."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.architecture.storage import Storage
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.storage.bucket import S3Bucket
from awsdeploy.resources.storage.bucket_name import spelled


def s3(scope: Scope) -> Iterator[Statement]:
    """Buckets of every region, by their names, which contain the account; their ARNs do not."""
    yield allow("BucketsLook", ["s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"], ["*"])
    settings = """\
    BucketCORS BucketOwnershipControls BucketPolicy BucketPublicAccessBlock BucketVersioning EncryptionConfiguration
    LifecycleConfiguration MetricsConfiguration ReplicationConfiguration
    """
    both = [f"{way}{setting}" for setting in settings.split() for way in ("Get", "Put")]
    rest = """\
    CreateBucket DeleteBucket DeleteBucketPolicy GetBucketLocation ListBucket ListBucketMultipartUploads
    GetBucketTagging ListBucketVersions PutBucketTagging TagResource
    """
    buckets = [f"arn:aws:s3:::{name}" for name in _buckets(scope)]
    yield allow("Buckets", actions("s3", [*both, *rest.split()]), buckets)
    objects = "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject PutObject"
    # A copy of an old version has its tags (API_CopyObject).
    copies = "GetObjectVersion GetObjectVersionTagging PutObjectTagging"
    yield allow("Objects", actions("s3", f"{objects} {copies}"), [f"{bucket}/*" for bucket in buckets])


def _buckets(scope: Scope) -> Iterator[str]:
    """The names of the stack's buckets, the replica's too: it may have been there before.

    A counter follows the name of a bucket that was made anew.
    """
    settings = scope.settings
    replicated = settings.uploads.model_copy(update={"replicate": True})
    for one in Storage(settings.model_copy(update={"uploads": replicated})).resources:
        if isinstance(one, S3Bucket):
            name = spelled(scope.stack, scope.account, one.key, one.region or settings.region, one.data)
            yield from (name, f"{name}-?")
