"""Small files that `up` puts into the artifacts bucket for machines to fetch: scripts, never secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.resources.storage.bucket import Bucket

ARTIFACTS = "storage/artifacts"
"""The bucket that holds them: a listing shows no tags, so the place is the identity."""
FOLDER = "bootstrap/"
"""Start of the names of all of them; everything else in the bucket belongs to others."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BucketObject(Resource):
    """One object with this content. Its key is its bucket's and its name: `storage/artifacts/bootstrap/backend.sh`."""

    bucket: Bucket
    content: bytes

    replaces = {"bucket"}
    idempotency = Idempotency.NAME
    immediate = True
    deletion = Deletion(immediate=True)
    transient = (TransientError("PutObject", "NoSuchBucket", seconds=120),)

    @property
    def name(self) -> str:
        """Key of the object in the bucket."""
        return self.key.removeprefix(f"{ARTIFACTS}/")

    @property
    def digest(self) -> str:
        """AWS: an object encrypted with S3's own keys and put in one piece has its MD5 for an ETag."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    def declaration(self) -> dict[str, Any]:
        """The state file keeps a digest, not the content."""
        return {"bucket": self.bucket.key, "content": self.digest}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for bucket in aws.all(Bucket):
            if bucket.key == ARTIFACTS:
                home = Bucket(key=bucket.key, region=bucket.region)
                generation = cls(key=FOLDER, bucket=home, content=b"").generation({home: bucket.generation})
                with tolerate("NoSuchBucket"):
                    for one in aws.s3.pages("list_objects_v2", "Contents", Bucket=bucket.id, Prefix=FOLDER):
                        key, raw = f"{ARTIFACTS}/{one['Key']}", {**one, "Bucket": bucket.id}
                        yield Observed(cls, key, f"{bucket.id}/{one['Key']}", generation, raw=raw, region=bucket.region)

    def create(self, aws: Aws) -> str | Observed:
        bucket = aws[self.bucket].id
        self._put(aws, bucket)
        return aws.made(self, f"{bucket}/{self.name}", {"Bucket": bucket, "Key": self.name, "ETag": self.digest})

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        if observed.raw["ETag"].strip('"') != self.digest:
            yield Change("content", "another", self.digest[:8], lambda: self._put(aws, observed.raw["Bucket"]))

    def _put(self, aws: Aws, bucket: str) -> None:
        aws.s3.put_object(Bucket=bucket, Key=self.name, Body=self.content)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchBucket"):
            aws.s3.delete_object(Bucket=observed.raw["Bucket"], Key=observed.raw["Key"])
