"""The buckets: what users upload, its copy, the load balancer's logs, and what machines fetch."""

from __future__ import annotations

from awsdeploy.config import Settings
from awsdeploy.resource import Resource
from awsdeploy.resources.bucket import Bucket
from awsdeploy.resources.bucket_setting import Expiry

UNFINISHED_DAYS = 7


class Storage:
    """All buckets; they need nothing of the network."""

    def __init__(self, settings: Settings) -> None:
        # Releases are removed by who puts them there: one of any age may be the current one.
        self.artifacts = Bucket(
            key="storage/artifacts",
            region=settings.region,
            lifecycle=(Expiry("unfinished", unfinished=UNFINISHED_DAYS),),
        )
        self.resources: list[Resource] = [self.artifacts]
