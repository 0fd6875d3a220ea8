"""Cross-origin rule of the uploads: the web pages from which browsers can load the files.

A separate resource, because without a domain it depends on the load balancer, which depends on the log bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    TIMELESS,
    UNKNOWN,
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.load_balancer import LoadBalancer

SHARED = "storage/uploads"
"""The one bucket that browsers talk to."""
PREFLIGHT_SECONDS = 3000


@dataclass(frozen=True, eq=False, kw_only=True)
class Cors(Resource):
    """The cross-origin rule of a bucket: pages of these origins, and of the load balancer's own name if given."""

    bucket: DataBucket
    origins: tuple[str, ...]
    balancer: LoadBalancer | None = None

    title = "cross-origin rule"
    ignorable = {"AllowedOrigins", "AllowedMethods", "AllowedHeaders", "ExposeHeaders", "MaxAgeSeconds"}
    idempotency = Idempotency.NAME
    immediate = True
    deletion = Deletion(immediate=True)
    is_global = True
    transient = tuple(
        TransientError("PutBucketCors", code, seconds=120) for code in ("NoSuchBucket", "OperationAborted")
    )

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """Yield the rule of the uploads bucket. A bucket has one CORS configuration, so any rule is taken as ours."""
        for bucket in aws.all(DataBucket):
            if bucket.key == SHARED:
                with tolerate("NoSuchCORSConfiguration", "NoSuchBucket"):
                    rules = aws.s3.get_bucket_cors(Bucket=bucket.id)["CORSRules"]
                    raw = {"CORSRules": rules, "Bucket": bucket.id}
                    yield Observed(cls, f"{SHARED}-cors", f"{bucket.id}/cors", TIMELESS, raw=raw, region=bucket.region)

    def create(self, aws: Aws) -> str | Observed:
        bucket = aws[self.bucket].id
        rule = self.rule(aws)
        self._put(aws, bucket, rule)
        return aws.made(self, f"{bucket}/cors", {"CORSRules": [rule], "Bucket": bucket})

    def rule(self, aws: Aws) -> dict[str, Any]:
        own: list[Any] = []
        if self.balancer:
            name = aws[self.balancer].raw["DNSName"]
            own = [UNKNOWN if name is UNKNOWN else f"http://{name}"]
        return {
            "ID": "awsdeploy",
            "AllowedOrigins": [*self.origins, *own],
            "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": PREFLIGHT_SECONDS,
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present, wanted = observed.raw["CORSRules"], self.rule(aws)
        if len(present) == 1:
            wanted |= {part: value for part, value in present[0].items() if aws.ignores(self, part)}
        put = partial(self._put, aws, observed.raw["Bucket"], wanted)
        if len(present) != 1:
            yield Change("rules", len(present), 1, put)
            return
        for part, value in wanted.items():
            if present[0].get(part) != value:
                yield Change(part, present[0].get(part), value, put)

    def _put(self, aws: Aws, bucket: str, rule: dict[str, Any]) -> None:
        aws.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("NoSuchBucket"):
            aws.s3.delete_bucket_cors(Bucket=observed.raw["Bucket"])
