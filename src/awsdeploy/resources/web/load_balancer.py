"""The application load balancer: and its target groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine.resource import (
    UNKNOWN,
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
    Wait,
)
from awsdeploy.errors import next_command
from awsdeploy.resources import blockers, tag_calls
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.network.security_group import SecurityGroup
from awsdeploy.resources.network.vpc import Subnet, Vpc
from awsdeploy.resources.storage.bucket import Bucket


@dataclass(frozen=True, eq=False, kw_only=True)
class LoadBalancer(Resource):
    """Internet-facing load balancer in every public subnet. `logs` is the bucket of its access logs.

    `desync` is AWS's mode against request smuggling; `drop_invalid_headers` drops header names that are not plain.
    """

    subnets: tuple[Subnet, ...]
    security: tuple[SecurityGroup, ...]
    protected: bool
    logs: Bucket
    desync: str = "defensive"
    drop_invalid_headers: bool = True

    tagging = tag_calls.ELBV2
    immediate = True
    rereads = True
    replaces = {"subnets"}
    idempotency = Idempotency.NAME
    # AWS: 135–190 s to create.
    wait = Wait(
        pending={"provisioning"},
        ready={"active", "active_impaired"},
        failed={"failed"},
        usual=160,
        deadline=900,
    )
    transient = (
        TransientError("CreateLoadBalancer", "SubnetNotFound", seconds=120),
        TransientError("CreateLoadBalancer", "InvalidSecurityGroup", seconds=120),
        # AWS: a policy written a moment ago does not count yet.
        TransientError(
            "ModifyLoadBalancerAttributes",
            "InvalidConfigurationRequest",
            seconds=120,
            text="Access Denied for bucket",
        ),
    )
    deletion = Deletion(retry_on={"ResourceInUse", "OperationNotPermitted"}, usual=120)
    ignorable = {"idle_timeout.timeout_seconds", "client_keep_alive.seconds"}
    arns = (":loadbalancer/",)

    def brief(self) -> str:
        return f"in {' and '.join(subnet.place for subnet in self.subnets)}"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        found = [one for one in cls._all(aws) if one["LoadBalancerName"].startswith(aws.stack.slug[:25])]
        for one, tags in tagged(aws, found, "LoadBalancerArn"):
            state = one["State"]
            yield from aws.found(cls, one["LoadBalancerArn"], tags, one, state["Code"], state.get("Reason", ""))

    @classmethod
    def reread(cls, aws: Aws, known: Sequence[Observed]) -> Iterable[Observed]:
        found = {one["LoadBalancerArn"]: one for one in cls._all(aws)}
        for one in known:
            if now := found.get(one.id):
                state = now["State"]
                yield dataclasses.replace(one, raw=now, status=state["Code"], reason=state.get("Reason", ""))

    @classmethod
    def _all(cls, aws: Aws) -> Iterable[dict[str, Any]]:
        return aws.elbv2.pages("describe_load_balancers", "LoadBalancers")

    def conflict(self, aws: Aws) -> str:
        """Target groups that another load balancer uses and that stay. AWS: a target group has one load balancer."""
        groups = [one for one in aws.all(TargetGroup) if one.raw.get("LoadBalancerArns")]
        used = sorted(one.key for one in groups if one.generation == aws.declared_generation(one.key))
        if not used:
            return ""
        anew = [word for key in (self.key, *used) for word in ("--replace", key)]
        return (
            f"A new {self.noun()} cannot use {', '.join(used)}, which the present one uses (AWS: a target group has "
            f"one load balancer). Recreate them with it: {next_command('up', *anew)}"
        )

    def kept_generation(self, aws: Aws, observed: Observed, of: Mapping[Resource, str], counter: int) -> str:
        """AWS exchanges the subnets of a load balancer in place, within its VPC (API_SetSubnets)."""
        return observed.generation if observed.raw.get("VpcId") == aws[self.subnets[0].vpc].id else ""

    def create(self, aws: Aws) -> str | Observed:
        made = aws.elbv2.create_load_balancer(
            Name=aws.name(self, 32),
            Subnets=[aws[subnet].id for subnet in self.subnets],
            SecurityGroups=[aws[group].id for group in self.security],
            Scheme="internet-facing",
            Type="application",
            IpAddressType="ipv4",
            Tags=aws.tags(self),
        )
        one = made["LoadBalancers"][0]
        return aws.made(self, one["LoadBalancerArn"], one, one["State"]["Code"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        groups = sorted(observed.raw.get("SecurityGroups", ()))
        wanted = [aws[group].id for group in self.security]
        if UNKNOWN in wanted or groups != sorted(wanted):
            secure = partial(aws.elbv2.set_security_groups, LoadBalancerArn=observed.id, SecurityGroups=wanted)
            yield Change("security groups", groups, wanted, secure)
        zones = sorted(zone["SubnetId"] for zone in observed.raw.get("AvailabilityZones", ()))
        subnets = [aws[subnet].id for subnet in self.subnets]
        if UNKNOWN in subnets or zones != sorted(subnets):
            place = partial(aws.elbv2.set_subnets, LoadBalancerArn=observed.id, Subnets=subnets)
            yield Change("subnets", zones, subnets, place)
        family = observed.raw.get("IpAddressType")
        if family != "ipv4":
            narrow = partial(aws.elbv2.set_ip_address_type, LoadBalancerArn=observed.id, IpAddressType="ipv4")
            yield Change("IpAddressType", family, "ipv4", narrow)
        attributes = {
            "idle_timeout.timeout_seconds": "60",
            "client_keep_alive.seconds": "3600",
            "routing.http.drop_invalid_header_fields.enabled": str(self.drop_invalid_headers).lower(),
            "routing.http.desync_mitigation_mode": self.desync,
            "deletion_protection.enabled": str(self.protected).lower(),
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": aws[self.logs].id,
            "access_logs.s3.prefix": "",
        }
        present: list[dict[str, str]] = []
        if not observed.new:
            present = aws.elbv2.describe_load_balancer_attributes(LoadBalancerArn=observed.id)["Attributes"]
        modify = partial(aws.elbv2.modify_load_balancer_attributes, LoadBalancerArn=observed.id)
        yield from attribute_changes(aws, self, present, attributes, modify)

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {"url": f"http://{observed.raw['DNSName']}"}

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.OUTAGE

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        try:
            with tolerate("LoadBalancerNotFound"):
                aws.elbv2.delete_load_balancer(LoadBalancerArn=observed.id)
        except AwsRefusal as refusal:
            if refusal.code != "OperationNotPermitted" or "deletion protection" not in refusal.text.lower():
                raise
            off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
            aws.elbv2.modify_load_balancer_attributes(LoadBalancerArn=observed.id, Attributes=off)
            aws.elbv2.delete_load_balancer(LoadBalancerArn=observed.id)


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


def tagged(
    aws: Aws, found: Sequence[dict[str, Any]], arn: str
) -> Iterator[tuple[dict[str, Any], list[dict[str, str]]]]:
    """Each object with its tags. AWS: DescribeTags takes 20 ARNs a call."""
    for start in range(0, len(found), 20):
        part = {one[arn]: one for one in found[start : start + 20]}
        with tolerate("LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound"):
            for described in aws.elbv2.describe_tags(ResourceArns=list(part))["TagDescriptions"]:
                yield part[described["ResourceArn"]], described["Tags"]


def attribute_changes(
    aws: Aws, resource: Resource, present: Iterable[Mapping[str, str]], wanted: Mapping[str, str], modify: Any
) -> Iterator[Change]:
    """Differences of ELB attributes; all of them are changed in one call."""
    values = {one["Key"]: one.get("Value", "") for one in present}
    compared = {key: value for key, value in wanted.items() if key not in values or not aws.ignores(resource, key)}
    wrong = [{"Key": key, "Value": value} for key, value in compared.items() if values.get(key, "") != value]
    apply = partial(modify, Attributes=wrong)
    for one in wrong:
        yield Change(one["Key"], values.get(one["Key"]), one["Value"], apply)
