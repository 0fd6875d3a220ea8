"""The load balancer, its target groups, listeners and rules in Terraform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import ExportScope, Managed, describes
from awsdeploy.export.hcl import Section
from awsdeploy.resources.web.listener import DAY, STEP, Listener, Redirect, Rule
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup


@describes(LoadBalancer, "aws_lb")
def load_balancer(scope: ExportScope, one: LoadBalancer, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        name=observed.raw["LoadBalancerName"],
        load_balancer_type="application",
        internal=False,
        ip_address_type="ipv4",
        subnets=scope.refs(one.subnets),
        security_groups=scope.refs(one.security),
        idle_timeout=60,
        client_keep_alive=3600,
        drop_invalid_header_fields=one.drop_invalid_headers,
        desync_mitigation_mode=one.desync,
        enable_deletion_protection=one.protected,
        tags=scope.tags(one, observed.tags),
        access_logs=Section(bucket=scope.ref(one.logs).id, enabled=True),
    )


@describes(TargetGroup, "aws_lb_target_group")
def target_group(scope: ExportScope, one: TargetGroup, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        name=observed.raw["TargetGroupName"],
        protocol="HTTP",
        port=one.port,
        vpc_id=scope.ref(one.vpc).id,
        target_type="instance",
        deregistration_delay=one.ATTRIBUTES["deregistration_delay.timeout_seconds"],
        tags=scope.tags(one, observed.tags),
        health_check=Section(
            path=one.health,
            matcher=one.codes,
            protocol=one.HEALTH["HealthCheckProtocol"],
            interval=one.HEALTH["HealthCheckIntervalSeconds"],
            timeout=one.HEALTH["HealthCheckTimeoutSeconds"],
            healthy_threshold=one.HEALTH["HealthyThresholdCount"],
            unhealthy_threshold=one.HEALTH["UnhealthyThresholdCount"],
        ),
    )
    for machine in one.targets:
        yield scope.managed(
            "aws_lb_target_group_attachment",
            machine,
            "",
            target_group_arn=scope.ref(one).arn,
            target_id=scope.ref(machine).id,
            port=one.port,
        )


@describes(Listener, "aws_lb_listener")
def listener(scope: ExportScope, one: Listener, observed: Observed) -> Iterator[Managed]:
    secure: dict[str, Any] = {}
    if one.certificate is not None:
        secure = {
            "ssl_policy": observed.raw["SslPolicy"],
            "certificate_arn": scope.ref(one.certificate.certificate).arn,
        }
        if one.hsts_days:
            age = f"max-age={one.hsts_days * DAY}"
            secure["routing_http_response_strict_transport_security_header_value"] = age
    yield scope.main(
        one,
        load_balancer_arn=scope.ref(one.balancer).arn,
        port=one.port,
        protocol=observed.raw["Protocol"],
        **secure,
        tags=scope.tags(one, observed.tags),
        default_action=_action(scope, one.default),
    )
    view = scope.view(one)
    arns = {
        rule["Priority"]: rule["RuleArn"]
        for rule in view.elbv2.pages("describe_rules", "Rules", ListenerArn=observed.id)
    }
    for place, rule in enumerate(one.rules, start=1):
        priority = place * STEP
        yield scope.managed(
            "aws_lb_listener_rule",
            one,
            arns[str(priority)],
            more=str(priority),
            listener_arn=scope.ref(one).arn,
            priority=priority,
            tags=scope.tags(one),
            action=_action(scope, rule.action),
            condition=_condition(rule),
        )


def _action(scope: ExportScope, action: TargetGroup | Redirect) -> Section:
    if isinstance(action, TargetGroup):
        return Section(type="forward", target_group_arn=scope.ref(action).arn)
    redirect = Section(protocol="HTTPS", port="443", host=action.host, status_code="HTTP_301")
    return Section(type="redirect", redirect=redirect)


def _condition(rule: Rule) -> Section:
    if rule.hosts:
        return Section(host_header=Section(values=list(rule.hosts)))
    return Section(path_pattern=Section(values=list(rule.paths)))
