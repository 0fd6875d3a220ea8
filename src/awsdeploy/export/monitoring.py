"""Logs, topics, alarms, dashboard, health check and budget in Terraform."""

from __future__ import annotations

import json
from collections.abc import Iterator

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import ExportScope, Managed, describes
from awsdeploy.export.hcl import Expression, Section, call
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.dns.certificate import Certificate
from awsdeploy.resources.monitoring.alarm import COMPARISONS, Alarm
from awsdeploy.resources.monitoring.budget import NOTIFICATIONS, Budget
from awsdeploy.resources.monitoring.dashboard import Dashboard
from awsdeploy.resources.monitoring.health_check import HealthCheck
from awsdeploy.resources.monitoring.log_group import AnyLogGroup, DatabaseLog, LogGroup
from awsdeploy.resources.monitoring.metric import DIMENSIONS
from awsdeploy.resources.monitoring.topic import Topic, by_mail
from awsdeploy.resources.storage.data_bucket import DataBucket
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup

ONLY_TERRAFORM = ("confirmation_timeout_in_minutes", "endpoint_auto_confirms")
"""Arguments that say how Terraform waits for a subscription. They are not settings in AWS."""

MEASURED: dict[type, str] = {
    Instance: "id",
    AutoScalingGroup: "name",
    LoadBalancer: "arn_suffix",
    TargetGroup: "arn_suffix",
    Database: "identifier",
    Certificate: "arn",
    HealthCheck: "id",
    DataBucket: "id",
}
"""The attribute of the Terraform resource that is the dimension of a metric."""


@describes(LogGroup, "aws_cloudwatch_log_group")
def log_group(scope: ExportScope, one: LogGroup, observed: Observed) -> Iterator[Managed]:
    yield _log_group(scope, one, observed)


@describes(DatabaseLog, "aws_cloudwatch_log_group")
def database_log(scope: ExportScope, one: DatabaseLog, observed: Observed) -> Iterator[Managed]:
    yield _log_group(scope, one, observed)


def _log_group(scope: ExportScope, one: AnyLogGroup, observed: Observed) -> Managed:
    return scope.managed(
        "aws_cloudwatch_log_group",
        one,
        observed.id,
        name=observed.id,
        retention_in_days=one.days,
        tags=scope.tags(one),
    )


@describes(Topic, "aws_sns_topic")
def topic(scope: ExportScope, one: Topic, observed: Observed) -> Iterator[Managed]:
    """Terraform imports only subscriptions that are confirmed: AWS gives others no ARN."""
    name = observed.id.rpartition(":")[2]
    yield scope.main(one, name=name, tags=scope.tags(one, observed.tags))
    for email, arn in by_mail(observed).items():
        if email in one.emails and arn.startswith("arn:"):
            yield scope.managed(
                "aws_sns_topic_subscription",
                one,
                arn,
                more=email,
                topic_arn=scope.ref(one).arn,
                protocol="email",
                endpoint=email,
                lifecycle=Section(ignore_changes=[Expression(name) for name in ONLY_TERRAFORM]),
            )


@describes(Alarm, "aws_cloudwatch_metric_alarm")
def alarm(scope: ExportScope, one: Alarm, observed: Observed) -> Iterator[Managed]:
    raw, bound, topic = observed.raw, one.bound, scope.ref(one.topic).arn
    measured = {DIMENSIONS[type(of)]: getattr(scope.ref(of), MEASURED[type(of)]) for of in one.metric.of}
    yield scope.main(
        one,
        alarm_name=observed.id,
        alarm_description=raw["AlarmDescription"],
        namespace=one.metric.namespace,
        metric_name=one.metric.name,
        dimensions={**measured, **one.metric.more},
        **{"extended_statistic" if bound.statistic.startswith("p") else "statistic": bound.statistic},
        comparison_operator=COMPARISONS[bound.compare],
        threshold=bound.threshold,
        period=bound.period,
        evaluation_periods=bound.times,
        datapoints_to_alarm=bound.times,
        treat_missing_data=bound.missing,
        actions_enabled=raw["ActionsEnabled"],
        alarm_actions=[topic],
        ok_actions=[topic],
        tags=scope.tags(one),
    )


@describes(Dashboard, "aws_cloudwatch_dashboard")
def dashboard(scope: ExportScope, one: Dashboard, observed: Observed) -> Iterator[Managed]:
    body = call("jsonencode", json.loads(observed.raw["Body"]))
    yield scope.main(one, dashboard_name=observed.id, dashboard_body=body)


@describes(HealthCheck, "aws_route53_health_check")
def health_check(scope: ExportScope, one: HealthCheck, observed: Observed) -> Iterator[Managed]:
    config = observed.raw["HealthCheckConfig"]
    yield scope.main(
        one,
        type=config["Type"],
        fqdn=one.domain,
        resource_path=one.path,
        port=config["Port"],
        request_interval=config["RequestInterval"],
        failure_threshold=config["FailureThreshold"],
        enable_sni=config["EnableSNI"],
        tags=scope.tags(one),
    )


@describes(Budget, "aws_budgets_budget")
def budget(scope: ExportScope, one: Budget, observed: Observed) -> Iterator[Managed]:
    ((name, values),) = observed.raw["CostFilters"].items()
    yield scope.main(
        one,
        f"{scope.view(one).account}:{observed.id}",
        name=observed.id,
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=str(one.limit),
        limit_unit="USD",
        tags=scope.tags(one),
        cost_filter=Section(name=name, values=values),
        notification=[
            Section(
                notification_type=notification["NotificationType"],
                comparison_operator=notification["ComparisonOperator"],
                threshold=notification["Threshold"],
                threshold_type=notification["ThresholdType"],
                subscriber_email_addresses=list(one.addresses),
            )
            for notification in NOTIFICATIONS
        ],
    )
