"""Target of a release: the buckets, machines and addresses of a stack that exists."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.aws.session import AWS_HOSTS, AwsRefusal
from awsdeploy.config import Settings
from awsdeploy.engine.observed import Observed, one_or_none
from awsdeploy.engine.resource import Resource
from awsdeploy.engine.run import Run
from awsdeploy.release.machines import ReleaseMachine, machines
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.bootstrap import LATEST, manifest_key
from awsdeploy.resources.storage.bucket import Bucket
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.listener import Listener, url
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup

"""Name of the object, next to the manifests, with the release that a new machine installs."""
SERVED = "served"
"""Its list of all that have served."""


@dataclass(frozen=True)
class ReleaseTarget:
    """The stack as a release finds it."""

    run: Run
    settings: Settings
    artifacts: str
    uploads: str
    site: str
    """The address of the application, without a slash at the end; "" where there are only workers."""
    groups: dict[str, Observed]
    machines: dict[str, list[ReleaseMachine]]
    """The running machines of each service."""
    judged: dict[str, Observed] = field(default_factory=dict)
    """Auto Scaling groups that use the load balancer's health checks, by service."""

    @property
    def uploads_address(self) -> str:
        """The uploads bucket's address, by the region's name.

        AWS: a bucket outside us-east-1 answers to the global name, which presigned URLs have, with 307 until DNS has
        spread (S3 User Guide, request redirection). An endpoint of one's own has no name for each bucket.
        """
        region = self.run.region
        endpoint = str(self.run.session.raw("s3", region).meta.endpoint_url)
        if endpoint.endswith(AWS_HOSTS):
            return f"https://{self.uploads}.s3.{region}.amazonaws.com"
        return f"{endpoint}/{self.uploads}"

    def put(self, service: str, name: str, body: Any, kind: str = "application/json") -> None:
        s3 = self.run.client("s3")
        s3.put_object(Bucket=self.artifacts, Key=f"releases/{service}/{name}", Body=body, ContentType=kind)

    def record(self, service: str, manifest: dict[str, Any]) -> None:
        """Record the release as the one with which new machines of the service begin, and as one that has served."""
        served = sorted({manifest["id"], *self.served(service)}, reverse=True)
        self.put(service, f"{LATEST}.json", json.dumps({**manifest, SERVED: served}, indent=1).encode())

    def current(self, service: str) -> str:
        """The release that new machines begin with; "" before the first."""
        return str((self.manifest(service) or {}).get("id", ""))

    def served(self, service: str) -> list[str]:
        """The releases that have served and can be brought back, newest first: what failed is not among them."""
        kept = set(self.ids(service))
        return [id for id in (self.manifest(service) or {}).get(SERVED, ()) if id in kept]

    def manifest(self, service: str, id: str = LATEST) -> dict[str, Any] | None:
        """The manifest of a release, of the current one by default; None where there is none."""
        s3 = self.run.client("s3")
        try:
            body = s3.get_object(Bucket=self.artifacts, Key=manifest_key(service, id))["Body"].read()
        except AwsRefusal as refusal:
            if refusal.code not in ("NoSuchKey", "404"):
                raise
            return None
        value = json.loads(body)
        return value if isinstance(value, dict) else None

    def ids(self, service: str) -> list[str]:
        """All releases that were sent and are kept, newest first."""
        s3 = self.run.client("s3")
        place = f"releases/{service}/"
        keys = [one["Key"] for one in s3.pages("list_objects_v2", "Contents", Bucket=self.artifacts, Prefix=place)]
        names = [key.removeprefix(place).removesuffix(".json") for key in keys if key.endswith(".json")]
        return sorted((name for name in names if name != LATEST), reverse=True)


def release_target(run: Run, settings: Settings) -> ReleaseTarget:
    """Look once, at everything together.

    Raises `NoSuchStack` where there is no bucket to release from, `Refused` where a key has two objects.
    """
    kinds: list[type[Resource]] = [Bucket, DataBucket, TargetGroup, LoadBalancer, Listener]
    judged = [one.name for one in settings.services.values() if one.scaling and one.scaling.health == "elb"]
    if judged:
        kinds.append(AutoScalingGroup)
    found: list[ReleaseMachine] = []
    run.look_at(kinds, lambda: found.extend(machines(run)))

    def of_key(kind: type[Resource], key: str) -> Observed | None:
        return one_or_none(one for one in run.all(kind) if one.key == key)

    artifacts, uploads = of_key(Bucket, "storage/artifacts"), of_key(DataBucket, "storage/uploads")
    if artifacts is None:
        raise run.missing
    balancer = one_or_none(run.all(LoadBalancer))
    groups = {name: of_key(TargetGroup, f"web/{name}") for name in settings.services}
    scaled = {name: of_key(AutoScalingGroup, f"machines/{name}-group") for name in judged}
    return ReleaseTarget(
        run=run,
        settings=settings,
        artifacts=artifacts.id,
        uploads=uploads.id if uploads else "",
        site=url(balancer, run.all(Listener), settings.domain) if balancer else "",
        groups={name: observed for name, observed in groups.items() if observed},
        machines={
            name: [one for one in found if one.service == name and one.state == "running"] for name in settings.services
        },
        judged={
            name: observed
            for name, observed in scaled.items()
            if observed and observed.raw.get("HealthCheckType") == "ELB"
        },
    )
