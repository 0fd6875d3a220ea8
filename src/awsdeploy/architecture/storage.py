"""The buckets: what users upload, its copy, the load balancer's logs, and what machines fetch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from awsdeploy.config import Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.identity.role import Role
from awsdeploy.resources.storage.bucket import Bucket
from awsdeploy.resources.storage.bucket_setting import Expiry
from awsdeploy.resources.storage.cors import Cors
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.load_balancer import LoadBalancer

PUBLIC = ("uploads/users/", "uploads/stories/", "uploads/channels/", "static/")
TEMPORARY = "uploads/temp/"
UNFINISHED = Expiry("unfinished", unfinished=7)
DEVELOPMENT = "http://localhost:3000"

# AWS: what S3 needs to copy from one bucket to another, and nothing else.
REPLICATION_POLICY: tuple[Mapping[str, object], ...] = (
    {
        "Sid": "ReadRules",
        "Effect": "Allow",
        "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
        "Resource": "arn:aws:s3:::{bucket:storage/uploads}",
    },
    {
        "Sid": "ReadVersions",
        "Effect": "Allow",
        "Action": [
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
        ],
        "Resource": "arn:aws:s3:::{bucket:storage/uploads}/*",
    },
    {
        "Sid": "WriteCopies",
        "Effect": "Allow",
        "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
        "Resource": "arn:aws:s3:::{bucket:storage/replica}/*",
    },
)


class Storage:
    """All buckets. They need nothing of the network, so they are there before anything that writes to them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        region, days = settings.region, settings.logs.access_days
        # Releases are removed by who puts them there: one of any age may be the current one.
        self.artifacts = Bucket(key="storage/artifacts", region=region, lifecycle=(UNFINISHED,))
        self.logs = Bucket(
            key="storage/logs", region=region, lifecycle=(Expiry("old", days=days), UNFINISHED), takes_logs=True
        )
        copied = self._copied() if settings.uploads.replicate else None
        self.uploads = DataBucket(
            key="storage/uploads",
            region=region,
            versioned=True,
            lifecycle=self._expiries(),
            tls_only=settings.uploads.tls_only,
            readable=PUBLIC if settings.uploads.access == "public" else (),
            replica=copied[0] if copied else None,
            role=copied[1] if copied else None,
            metrics=settings.monitoring.request_metrics,
        )
        self.resources: tuple[Resource, ...] = (*(copied or ()), self.uploads, self.logs, self.artifacts)

    def _expiries(self) -> tuple[Expiry, ...]:
        """Lifecycle rules of the uploads and of their copy: S3 does not replicate deletions by a rule."""
        uploads = self.settings.uploads
        return (
            Expiry("temporary", prefix=TEMPORARY, days=uploads.temp_days),
            Expiry("noncurrent", noncurrent=uploads.noncurrent_days, unfinished=UNFINISHED.unfinished),
        )

    def _copied(self) -> tuple[DataBucket, Role]:
        replica = DataBucket(
            key="storage/replica",
            region=self.settings.uploads.replica_region,
            versioned=True,
            lifecycle=self._expiries(),
            is_copy=True,
        )
        role = Role(
            key="storage/replication-role",
            service="s3.amazonaws.com",
            statements=REPLICATION_POLICY,
            boundary=self.settings.iam.permissions_boundary,
        )
        return replica, role

    def cors(self, balancer: LoadBalancer | None) -> Iterator[Cors]:
        """Pages of the domain may reach the uploads, and pages of the load balancer's own name if one is given."""
        settings = self.settings
        origins = [f"https://{name}" for name in settings.names]
        if settings.preset == "dev":
            origins.append(DEVELOPMENT)
        if origins or balancer:
            yield Cors(key="storage/uploads-cors", bucket=self.uploads, origins=tuple(origins), balancer=balancer)
