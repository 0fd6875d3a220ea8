"""The application load balancer."""

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
from awsdeploy.resources import tag_calls
from awsdeploy.resources.network.security_group import SecurityGroup
from awsdeploy.resources.network.vpc import Subnet
from awsdeploy.resources.storage.bucket import Bucket
from awsdeploy.resources.web.elbv2 import attribute_changes, tagged
from awsdeploy.resources.web.target_group import TargetGroup


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
    # AWS: gone within seconds; its network interfaces stay for minutes, and subnets wait for those.
    deletion = Deletion(retry_on={"ResourceInUse", "OperationNotPermitted"}, usual=20)
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
