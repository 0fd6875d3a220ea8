"""Scaling policies: how many machines a group should have by its load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import Aws, Change, DestroyOptions, Idempotency, Observed, Resource, TransientError
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup, autoscaling


@dataclass(frozen=True, eq=False, kw_only=True)
class ScalingPolicy(Resource):
    """Keeps the average CPU load of a group near `target` percent. AWS makes and deletes the alarms for it."""

    group: AutoScalingGroup
    target: int

    title = "scaling policy"
    replaces = {"group"}
    transient = tuple(TransientError(f"{way}Policy", "ResourceContention", 300) for way in ("PutScaling", "Delete"))
    idempotency = Idempotency.NAME
    arns = (":scalingPolicy:",)
    ignorable = {"target"}

    KIND = "TargetTrackingScaling"
    METRIC = "ASGAverageCPUUtilization"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """AWS has no tags for policies: a policy is ours if its group is, and its name says which it is."""
        groups = {one.id for one in aws.all(AutoScalingGroup)}
        if not groups:
            return
        for one in autoscaling(aws).pages("describe_policies", "ScalingPolicies"):
            key, _, generation = one["PolicyName"].partition("@")
            if one["AutoScalingGroupName"] in groups and generation:
                yield Observed(cls, key, one["PolicyARN"], generation, raw=one, region=aws.region)

    def create(self, aws: Aws) -> str:
        return self._put(aws, float(self.target))

    def _put(self, aws: Aws, target: float) -> str:
        """The same name again puts the settings right."""
        made = autoscaling(aws).put_scaling_policy(
            AutoScalingGroupName=aws[self.group].id,
            PolicyName=f"{self.key}@{aws.generation(self)}",
            PolicyType=self.KIND,
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": self.METRIC},
                "TargetValue": target,
                "DisableScaleIn": False,
            },
            Enabled=True,
        )
        return str(made["PolicyARN"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        tracking = observed.raw.get("TargetTrackingConfiguration", {})
        target = float(self.target)
        if "TargetValue" in tracking and aws.ignores(self, "target"):
            target = tracking["TargetValue"]
        put = partial(self._put, aws, target)
        metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        for field, old, new in (
            ("policy type", observed.raw.get("PolicyType"), self.KIND),
            ("metric", metric, self.METRIC),
            ("target", tracking.get("TargetValue"), target),
            ("DisableScaleIn", tracking.get("DisableScaleIn", False), False),
            ("Enabled", observed.raw.get("Enabled", True), True),
        ):
            if old != new:
                yield Change(field, old, new, put)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        group, name = observed.raw["AutoScalingGroupName"], observed.raw["PolicyName"]
        with tolerate("ValidationError", text="not found"):
            autoscaling(aws).delete_policy(AutoScalingGroupName=group, PolicyName=name)
