"""Logs, alarms, topics, the dashboard and the health check, changed by hand."""

from __future__ import annotations

import json
from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, SETTLED, by_hand

CPU = "monitoring/alarms/frontend-1-cpu"


@by_hand("logs kept for ever", "monitoring/logs/backend", "logs:PutRetentionPolicy.retentionInDays")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("logs").delete_retention_policy(logGroupName=observed["monitoring/logs/backend"].id)


@by_hand("log group of the database deleted, and made by RDS again", "monitoring/logs/database/slowquery")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("logs").delete_log_group(logGroupName=observed["monitoring/logs/database/slowquery"].id)


@by_hand("addressee taken", "monitoring/topic", "sns:Subscribe.Endpoint", "sns:Subscribe.Protocol")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.control("POST", "confirm", {"email": "ops@example.com"})
    sns = aws.client("sns")
    (one,) = sns.list_subscriptions_by_topic(TopicArn=observed["monitoring/topic"].id)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


@by_hand("addressee added", "monitoring/topic")
def _(aws: World, observed: dict[str, Observed]) -> None:
    address = "stranger@example.com"
    aws.client("sns").subscribe(TopicArn=observed["monitoring/topic"].id, Protocol="email", Endpoint=address)
    aws.control("POST", "confirm", {"email": address})


def _alarm(field: str, value: Any, key: str = CPU) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        cloudwatch = aws.client("cloudwatch", observed[key].region)
        (found,) = cloudwatch.describe_alarms(AlarmNames=[observed[key].id])["MetricAlarms"]
        settings = {name: found[name] for name in SETTINGS if name in found}
        settings[field] = f"other words: {settings[field]}" if field == "AlarmDescription" else value
        if field == "ExtendedStatistic":
            settings.pop("Statistic", None)
        cloudwatch.put_metric_alarm(**settings)

    by_hand(f"{key} {field}", key, f"cloudwatch:PutMetricAlarm.{field}")(hand)


SETTINGS = """
    AlarmName AlarmDescription ActionsEnabled AlarmActions OKActions InsufficientDataActions Namespace MetricName
    Dimensions Statistic ExtendedStatistic ComparisonOperator Threshold Period EvaluationPeriods DatapointsToAlarm
    TreatMissingData
""".split()

for name, value in {
    "AlarmDescription": None,  # other words, and still whose it is
    "ActionsEnabled": True,
    "AlarmActions": [],
    "OKActions": [],
    "InsufficientDataActions": ["arn:aws:sns:ap-northeast-2:123456789012:another"],
    "Namespace": "AWS/Lambda",
    "MetricName": "NetworkIn",
    "Dimensions": [],
    "Statistic": "Maximum",
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 99.0,
    "Period": 60,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 1,
    "TreatMissingData": "ignore",
}.items():
    _alarm(name, value)
_alarm("ExtendedStatistic", "p99", "monitoring/alarms/frontend-p95")
_alarm("Threshold", 2.0, "monitoring/alarms/health")


@by_hand("dashboard", "monitoring/dashboard", "cloudwatch:PutDashboard.DashboardBody")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("cloudwatch").put_dashboard(
        DashboardName=observed["monitoring/dashboard"].id, DashboardBody=json.dumps({"widgets": []})
    )


def _health_check(**change: Any) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("route53").update_health_check(HealthCheckId=observed["monitoring/health-check"].id, **change)

    by_hand(f"health check {next(iter(change))}", "monitoring/health-check")(hand)


for setting, other in {
    "FullyQualifiedDomainName": "www.example.com",
    "ResourcePath": "/elsewhere",
    "Port": 8443,
    "FailureThreshold": 9,
    "EnableSNI": False,
    "Inverted": True,
    "Disabled": True,
}.items():
    _health_check(**{setting: other})


@by_hand("health check without tags", "monitoring/health-check", "route53:CreateHealthCheck.HealthCheckConfig")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("route53").change_tags_for_resource(
        ResourceType="healthcheck",
        ResourceId=observed["monitoring/health-check"].id,
        RemoveTagKeys=["awsdeploy:stack"],
    )


BUDGET, ACCOUNT = "monitoring/budget", "123456789012"
AT_EIGHTY = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}


def _budget(field: str, value: Any, *covers: str) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        budgets, name = aws.client("budgets"), observed[BUDGET].id
        found = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
        found.pop("CalculatedSpend")
        budgets.update_budget(AccountId=ACCOUNT, NewBudget={**found, field: value})

    by_hand(f"budget {field}", BUDGET, *covers)(hand)


_budget("BudgetLimit", {"Amount": "5000", "Unit": "USD"}, "budgets:CreateBudget.Budget")
_budget("CostFilters", {"TagKeyValue": ["user:team$other"]})
_budget("TimeUnit", "ANNUALLY")


@by_hand("budget's notification gone", BUDGET, "budgets:CreateBudget.NotificationsWithSubscribers")
def _(aws: World, observed: dict[str, Observed]) -> None:
    about = {"AccountId": ACCOUNT, "BudgetName": observed[BUDGET].id, "Notification": AT_EIGHTY}
    aws.client("budgets").delete_notification(**about)


@by_hand("budget's addressee exchanged", BUDGET)
def _(aws: World, observed: dict[str, Observed]) -> None:
    about = {"AccountId": ACCOUNT, "BudgetName": observed[BUDGET].id, "Notification": AT_EIGHTY}
    budgets = aws.client("budgets")
    budgets.create_subscriber(**about, Subscriber={"SubscriptionType": "EMAIL", "Address": "stranger@example.com"})
    budgets.delete_subscriber(**about, Subscriber={"SubscriptionType": "EMAIL", "Address": "ops@example.com"})


SETTLED.update(
    {
        "route53:CreateHealthCheck.CallerReference": EDGE,
        "route53:ChangeTagsForResource.ResourceType": "names the kind of object",
    }
)
