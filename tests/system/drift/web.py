"""The load balancer, its names and its certificate, changed by hand."""

from __future__ import annotations

from typing import Any

from awsdeploy.engine.resource import Observed
from awsdeploy.resources.web.listener import HSTS
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, SETTLED, by_hand


def _balancer_attribute(key: str, value: str) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=observed["web/alb"].id, Attributes=[{"Key": key, "Value": value}]
        )

    by_hand(f"load balancer {key}", "web/alb", "elbv2:ModifyLoadBalancerAttributes.Attributes")(hand)


for key, text in {
    "idle_timeout.timeout_seconds": "10",
    "client_keep_alive.seconds": "60",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.desync_mitigation_mode": "monitor",
    "deletion_protection.enabled": "true",
}.items():
    _balancer_attribute(key, text)


@by_hand("load balancer in another group", "web/alb", "elbv2:CreateLoadBalancer.SecurityGroups")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").set_security_groups(
        LoadBalancerArn=observed["web/alb"].id, SecurityGroups=[observed["security/frontend"].id]
    )


def _group_setting(field: str, value: Any) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("elbv2").modify_target_group(TargetGroupArn=observed["web/backend"].id, **{field: value})

    by_hand(f"target group {field}", "web/backend", f"elbv2:CreateTargetGroup.{field}")(hand)


for field, value in {
    "HealthCheckPath": "/elsewhere",
    "HealthCheckProtocol": "HTTPS",
    "HealthCheckIntervalSeconds": 60,
    "HealthCheckTimeoutSeconds": 9,
    "HealthyThresholdCount": 7,
    "UnhealthyThresholdCount": 9,
    "Matcher": {"HttpCode": "418"},
}.items():
    _group_setting(field, value)


@by_hand("deregistration delay", "web/backend", "elbv2:ModifyTargetGroupAttributes.Attributes")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_target_group_attributes(
        TargetGroupArn=observed["web/backend"].id,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}],
    )


@by_hand("target deregistered", "web/backend", "elbv2:RegisterTargets.Targets")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").deregister_targets(
        TargetGroupArn=observed["web/backend"].id, Targets=[{"Id": observed["machines/backend-1"].id}]
    )
    aws.pass_time(600)


@by_hand("another target", "web/backend-healthy")  # the gate drains what is not ours
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").register_targets(
        TargetGroupArn=observed["web/backend"].id, Targets=[{"Id": observed["machines/frontend-1"].id, "Port": 9999}]
    )


def _forward(observed: dict[str, Observed], to: str) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": observed[to].id}]


@by_hand("port 80 forwards", "web/http", "elbv2:CreateListener.DefaultActions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_listener(
        ListenerArn=observed["web/http"].id, DefaultActions=_forward(observed, "web/backend")
    )


@by_hand("old TLS", "web/https", "elbv2:CreateListener.SslPolicy")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_listener(ListenerArn=observed["web/https"].id, SslPolicy="ELBSecurityPolicy-2016-08")


@by_hand("no HSTS", "web/https", "elbv2:ModifyListenerAttributes.Attributes")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_listener_attributes(
        ListenerArn=observed["web/https"].id, Attributes=[{"Key": HSTS, "Value": ""}]
    )


def _rules(aws: World, observed: dict[str, Observed]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = aws.client("elbv2").describe_rules(ListenerArn=observed["web/https"].id)["Rules"]
    return sorted((rule for rule in rules if rule["Priority"] != "default"), key=lambda rule: int(rule["Priority"]))


@by_hand("rule deleted", "web/https", "elbv2:CreateRule.Priority")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").delete_rule(RuleArn=_rules(aws, observed)[0]["RuleArn"])


@by_hand("rule leads elsewhere", "web/https", "elbv2:CreateRule.Actions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_rule(
        RuleArn=_rules(aws, observed)[1]["RuleArn"], Actions=_forward(observed, "web/frontend")
    )


@by_hand("rule for other paths", "web/https", "elbv2:CreateRule.Conditions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").modify_rule(
        RuleArn=_rules(aws, observed)[1]["RuleArn"],
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/other"]}}],
    )


@by_hand("rule added to the listener", "web/https")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("elbv2").create_rule(
        ListenerArn=observed["web/https"].id,
        Priority=5,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/by-hand"]}}],
        Actions=_forward(observed, "web/frontend"),
    )


@by_hand("alias without health", "dns/example.com", "route53:ChangeResourceRecordSets.ChangeBatch")
def _(aws: World, observed: dict[str, Observed]) -> None:
    record = {name: part for name, part in observed["dns/example.com"].raw.items() if name != "Zone"}
    changed = {**record, "AliasTarget": {**record["AliasTarget"], "EvaluateTargetHealth": False}}
    _record(aws, observed["dns/example.com"].raw["Zone"], changed)


@by_hand("proof with another TTL", "dns/proof/example.com")
def _(aws: World, observed: dict[str, Observed]) -> None:
    raw = observed["dns/proof/example.com"].raw
    _record(aws, raw["Zone"], {**{name: part for name, part in raw.items() if name != "Zone"}, "TTL": 60})


def _record(aws: World, zone: str, record: dict[str, Any]) -> None:
    aws.client("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )


SETTLED.update(
    {
        "acm:RequestCertificate.DomainName": EDGE,
        "acm:RequestCertificate.IdempotencyToken": "not kept by AWS",
        "acm:RequestCertificate.SubjectAlternativeNames": EDGE,
        "acm:RequestCertificate.ValidationMethod": EDGE,
        "elbv2:CreateListener.Certificates": "one more certificate of the account would be needed; see the TLS tests",
        "elbv2:CreateListener.Port": "a listener of another port is another listener",
        "elbv2:CreateListener.Protocol": "follows from the certificate",
        "elbv2:CreateLoadBalancer.IpAddressType": "dual-stack needs IPv6 subnets, which the VPC has not",
        "elbv2:CreateLoadBalancer.Scheme": EDGE,
        "elbv2:CreateLoadBalancer.Subnets": "AWS keeps at least two, and the VPC has two public ones",
        "elbv2:CreateLoadBalancer.Type": EDGE,
        "elbv2:CreateTargetGroup.Port": EDGE,
        "elbv2:CreateTargetGroup.Protocol": EDGE,
        "elbv2:CreateTargetGroup.TargetType": EDGE,
        "elbv2:CreateTargetGroup.VpcId": EDGE,
    }
)
