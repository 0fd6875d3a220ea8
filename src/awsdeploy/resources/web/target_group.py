"""Target groups of the load balancer: the machines of one service."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.errors import next_command
from awsdeploy.resources import blockers, tag_calls
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.network.vpc import Vpc
from awsdeploy.resources.web.elbv2 import attribute_changes, tagged


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetGroup(Resource):
    """The machines of one service, and how the load balancer asks whether they are well.

    `health` is the path that it requests, `codes` the status codes that mean healthy (`200-399`).
    An Auto Scaling group puts its machines in and takes them out itself: they are not among `targets`.
    """

    vpc: Vpc
    port: int
    health: str
    codes: str
    targets: tuple[Instance, ...]

    tagging = tag_calls.ELBV2
    immediate = True
    rereads = True
    replaces = {"vpc", "port"}
    idempotency = Idempotency.NAME
    transient = (
        TransientError("CreateTargetGroup", "InvalidVpcID.NotFound", seconds=120),
        # AWS: a machine must be running to be a target.
        TransientError("RegisterTargets", "InvalidTarget", seconds=600),
    )
    deletion = Deletion(retry_on={"ResourceInUse"}, immediate=True)
    arns = (":targetgroup/",)

    # AWS's own defaults would take 2.5 minutes to call a target healthy and 5 to let one go.
    HEALTH = {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 3,
    }
    ATTRIBUTES = {"deregistration_delay.timeout_seconds": "30"}
    ignorable = {*HEALTH, "HealthCheckPath", "Matcher"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        found = [
            one
            for one in aws.elbv2.pages("describe_target_groups", "TargetGroups")
            if one["TargetGroupName"].startswith(aws.stack.slug[:25])
        ]
        ours = [
            observed
            for one, tags in tagged(aws, found, "TargetGroupArn")
            for observed in aws.found(cls, one["TargetGroupArn"], tags, one)
        ]
        return cls.reread(aws, ours)

    @classmethod
    def reread(cls, aws: Aws, known: Sequence[Observed]) -> Iterable[Observed]:
        """The health of the targets alone: everything else of a group changes only if somebody changes it."""
        for observed, health in zip(known, aws.each(lambda observed: _health(aws, observed.id), known), strict=True):
            if health is not None:
                yield dataclasses.replace(observed, raw={**observed.raw, "Health": health})

    def replacing(self, observed: Observed) -> tuple[str, Danger]:
        """The program listens on the port that it was released with."""
        if observed.raw.get("Port") == self.port:
            return "", Danger.REPLACEMENT
        deploy = next_command("deploy", "--force")
        return f"from port {observed.raw.get('Port')} to {self.port}: requests fail until {deploy}", Danger.OUTAGE

    def create(self, aws: Aws) -> str | Observed:
        made = aws.elbv2.create_target_group(
            Name=aws.name(self, 32),
            Protocol="HTTP",
            Port=self.port,
            VpcId=aws[self.vpc].id,
            TargetType="instance",
            HealthCheckPath=self.health,
            Matcher={"HttpCode": self.codes},
            Tags=aws.tags(self),
            **self.HEALTH,
        )
        one = made["TargetGroups"][0]
        return aws.made(self, one["TargetGroupArn"], {**one, "Health": []})

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        wrong: dict[str, Any] = {}

        def modify() -> None:
            aws.elbv2.modify_target_group(TargetGroupArn=observed.id, **wrong)

        for field, wanted in {"HealthCheckPath": self.health, **self.HEALTH}.items():
            if observed.raw.get(field) != wanted and not aws.ignores(self, field):
                wrong[field] = wanted
                yield Change(field, observed.raw.get(field), wanted, modify)
        matcher = observed.raw.get("Matcher", {}).get("HttpCode")
        if matcher != self.codes and not aws.ignores(self, "Matcher"):
            wrong["Matcher"] = {"HttpCode": self.codes}
            yield Change("Matcher", matcher, self.codes, modify)
        present: list[dict[str, str]] = []
        if not observed.new:
            present = aws.elbv2.describe_target_group_attributes(TargetGroupArn=observed.id)["Attributes"]
        set_attributes = partial(aws.elbv2.modify_target_group_attributes, TargetGroupArn=observed.id)
        yield from attribute_changes(aws, self, present, self.ATTRIBUTES, set_attributes)
        yield from self._missing_targets(aws, observed)

    def _missing_targets(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """Declared targets that are not registered. `TargetsHealthy` removes others when ours are healthy."""
        present = {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in observed.raw["Health"]}
        for instance in self.targets:
            id = aws[instance].id
            if present.get(id, "draining") == "draining":

                def register(id: str = id) -> None:
                    aws.elbv2.register_targets(TargetGroupArn=observed.id, Targets=[{"Id": id, "Port": self.port}])

                yield Change("target", None, instance.key, register)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.balancers(aws, observed.raw.get("LoadBalancerArns", ()))

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("TargetGroupNotFound"):
            aws.elbv2.delete_target_group(TargetGroupArn=observed.id)


def _health(aws: Aws, group: str) -> list[dict[str, Any]] | None:
    """Health of each target; None if the group does not exist."""
    with tolerate("TargetGroupNotFound"):
        described = aws.elbv2.describe_target_health(TargetGroupArn=group)
        return list(described["TargetHealthDescriptions"])
    return None
