"""The gate of healthy targets: what serves a path is well before anything goes that served it before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, Change, Gate, Observed, Wait
from awsdeploy.resources.compute import bootstrap, placeholder
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup, trouble
from awsdeploy.resources.compute.instance import user_data_of
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.storage.bucket import Bucket
from awsdeploy.resources.web.target_group import TargetGroup


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetsHealthy(Gate):
    """Waits until every target of a group answers its health check; a listener must use the group first.

    With an Auto Scaling group: until `min` of its machines do. Then the others leave, and it waits until the requests
    that are under way there have their answers: a replaced machine serves until its successor does.

    `up` does not wait for machines whose program is older than a change of the port or the health check: the next
    release changes it. `artifacts` has the manifest of the service's current release.
    """

    group: TargetGroup
    service: str
    artifacts: Bucket
    scaling: AutoScalingGroup | None = None

    title = "target health"
    # AWS: boot, bootstrap of about 90 s, then two checks 10 s apart.
    wait = Wait(
        pending={"initial", "unused", "unhealthy", "unhealthy.draining", "draining", "unavailable"},
        ready={"healthy"},
        usual=130,
        deadline=1200,
    )

    def observe(self, aws: Aws) -> Observed:
        wanted, least, trouble_id = self._wanted(aws)
        group = aws.look(self.group) or aws[self.group]
        states = {one["Target"]["Id"]: one["TargetHealth"] for one in group.raw["Health"]}
        wrong = [state for id, state in states.items() if id in wanted and state["State"] != "healthy"]
        present = len(wanted & states.keys())
        healthy = present - len(wrong)
        status = wrong[0]["State"] if wrong else "healthy"
        if present < least:
            status = "unused"
        if self.scaling and healthy >= least:
            status = "healthy"
        if wrong and present >= least and aws.fresh and self._before_change(aws, wanted):
            status = "healthy"
        reasons = {state.get("Reason", "") for state in wrong}
        if status == "unused" and trouble_id:
            reasons.add(trouble(aws, trouble_id))
        others = {id: state["State"] for id, state in states.items() if id not in wanted}
        if status == "healthy" and "draining" in others.values():
            status = "draining"
            reasons.add("another target is still draining")
        reason = f"{healthy} of {least} healthy" + "".join(f", {text}" for text in sorted(reasons - {""}))
        return Observed(type(self), self.key, group.id, status=status, raw={"others": others}, reason=reason)

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        leaving = [id for id, state in observed.raw["others"].items() if state != "draining"]
        members = {one.id for one in aws.latest(Member)} if leaving else set()
        for id in leaving:
            if id not in members:  # whom their own Auto Scaling group takes out

                def deregister(id: str = id) -> None:
                    aws.elbv2.deregister_targets(TargetGroupArn=observed.id, Targets=[{"Id": id}])

                yield Change("target", id, None, deregister)

    def _wanted(self, aws: Aws) -> tuple[set[str], int, str]:
        """Targets whose health counts, how many must be healthy, and the Auto Scaling group that explains a lack."""
        if self.scaling is None:
            wanted = {aws[instance].id for instance in self.group.targets}
            return wanted, len(wanted), ""
        scaled = aws.look(self.scaling) or aws[self.scaling]
        return {one["InstanceId"] for one in scaled.raw["Instances"]}, self.scaling.min, scaled.id

    def _before_change(self, aws: Aws, machines: set[str]) -> bool:
        """Check whether what runs on these machines has another port or health check than the group."""
        release = aws.once(_current_release, aws[self.artifacts].id, bootstrap.manifest_key(self.service))
        if release is not None:
            has = (release.get("port"), release.get("health"), release.get("health_status", "200-399"))
            return bool(has != (self.group.port, self.group.health, self.group.codes))
        ports = {placeholder.started_with(aws.once(user_data_of, id))[0] for id in machines}
        return ports.isdisjoint({None, self.group.port})


def _current_release(aws: Aws, bucket: str, key: str) -> dict[str, Any] | None:
    """Manifest of the release that new machines begin with; None before the first, or if it may not be read."""
    with tolerate("NoSuchKey", "404", "AccessDenied"):
        manifest: dict[str, Any] = json.loads(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return manifest
    return None
