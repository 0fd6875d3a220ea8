"""The gate of healthy targets: what serves a path is well before anything goes that served it before."""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.resource import Aws, Gate, Live, Wait
from awsdeploy.resources.load_balancer import TargetGroup
from awsdeploy.resources.scaling import AutoScalingGroup, trouble


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetsHealthy(Gate):
    """Waits until every target of a group answers its health check; a listener must use the group first.

    With an Auto Scaling group: until `min` of its machines do.
    """

    group: TargetGroup
    scaling: AutoScalingGroup | None = None

    title = "target health"
    # AWS: boot, bootstrap of about 90 s, then two checks 10 s apart.
    wait = Wait(pending={"initial", "unused", "unhealthy"}, ready={"healthy"}, usual=130, deadline=1200)

    def observe(self, aws: Aws) -> Live:
        wanted, least, trouble_id = self._wanted(aws)
        group = aws.look(self.group) or aws[self.group]
        states = [one for one in group.raw["Health"] if one["Target"]["Id"] in wanted]
        healthy = [one for one in states if one["TargetHealth"]["State"] == "healthy"]
        others = [one for one in states if one not in healthy]
        status = others[0]["TargetHealth"]["State"] if others else "healthy"
        if len(states) < least:
            status = "unused"
        if self.scaling and len(healthy) >= least:
            status = "healthy"
        reasons = {one["TargetHealth"].get("Reason", "") for one in others}
        if status == "unused" and trouble_id:
            reasons.add(trouble(aws, trouble_id))
        reason = f"{len(healthy)} of {least} healthy" + "".join(f", {text}" for text in sorted(reasons - {""}))
        return Live(type(self), self.key, group.id, status=status, raw={"targets": states}, reason=reason)

    def _wanted(self, aws: Aws) -> tuple[set[str], int, str]:
        """Whose health counts, how many of them must be well, and whom to ask why there are too few."""
        if self.scaling is None:
            wanted = {aws[instance].id for instance in self.group.targets}
            return wanted, len(wanted), ""
        scaled = aws.look(self.scaling) or aws[self.scaling]
        return {one["InstanceId"] for one in scaled.raw["Instances"]}, self.scaling.min, scaled.id
