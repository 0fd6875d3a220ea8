"""Logs, alarms, topics and health checks as AWS has them: what a plain simulation would let pass."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.sample_application import SampleApplication, refused
from tests.simulated import REGION, World

ALARM = {
    "AlarmName": "busy",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Statistic": "Average",
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 80.0,
    "Period": 300,
    "EvaluationPeriods": 3,
}
CHECK = {"Type": "HTTPS", "FullyQualifiedDomainName": "example.com", "ResourcePath": "/", "RequestInterval": 30}
A_SECOND_DAY, THREE_DAYS = 90_000, 3 * 86_400


def test_logs_are_kept_for_a_period_that_aws_offers(world: World) -> None:
    logs = world.client("logs")
    logs.create_log_group(logGroupName="/one")
    for days in (31, 2, 0):
        with refused("InvalidParameterException", "retentionInDays"):
            logs.put_retention_policy(logGroupName="/one", retentionInDays=days)
    logs.put_retention_policy(logGroupName="/one", retentionInDays=30)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30


def test_a_log_group_is_made_once(world: World) -> None:
    logs = world.client("logs")
    logs.create_log_group(logGroupName="/one")
    with refused("ResourceAlreadyExistsException"):
        logs.create_log_group(logGroupName="/one")
    with refused("InvalidParameterException"):
        logs.create_log_group(logGroupName="/with space")


def test_rds_writes_the_logs_it_exports_and_makes_a_deleted_group_again(sample: SampleApplication) -> None:
    logs, name = sample.client("logs"), "/aws/rds/instance/main/slowquery"

    def names() -> list[str]:
        return [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]

    assert names() == []
    with refused("InvalidParameterCombination", "postgresql"):
        _export(sample, "postgresql")
    _export(sample, "slowquery")
    sample.pass_time(600)
    assert names() == [name]
    logs.delete_log_group(logGroupName=name)
    assert names() == []
    sample.pass_time(60)
    assert names() == [name]
    sample.rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    sample.pass_time(300)
    assert names() == [name]
    logs.delete_log_group(logGroupName=name)
    sample.pass_time(600)
    assert names() == []


def _export(sample: SampleApplication, kind: str) -> None:
    sample.rds.modify_db_instance(
        DBInstanceIdentifier="main", CloudwatchLogsExportConfiguration={"EnableLogTypes": [kind]}
    )


def test_the_name_of_a_topic_gives_the_topic_that_stands(world: World) -> None:
    sns = world.client("sns")
    first, second = (sns.create_topic(Name="one", Tags=[{"Key": "a", "Value": "1"}])["TopicArn"] for _ in range(2))
    assert first == second
    with refused("InvalidParameter", "different tags"):
        sns.create_topic(Name="one", Tags=[{"Key": "a", "Value": "2"}])


def _listed(sns: Any, topic: str) -> list[str]:
    return [one["SubscriptionArn"] for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]


def test_an_address_is_pending_until_its_owner_confirms(world: World) -> None:
    sns = world.client("sns")
    topic = sns.create_topic(Name="one")["TopicArn"]
    for _ in range(2):
        answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
        assert answer["SubscriptionArn"] == "pending confirmation"
    assert _listed(sns, topic) == ["PendingConfirmation"]
    with refused("InvalidParameter"):
        sns.unsubscribe(SubscriptionArn="PendingConfirmation")
    assert world.control("POST", "confirm", {"email": "nobody@example.com"}) == {"confirmed": 0}
    assert world.control("POST", "confirm", {"email": "ops@example.com"}) == {"confirmed": 1}
    (arn,) = _listed(sns, topic)
    assert arn.startswith(f"arn:aws:sns:{REGION}:")
    world.pass_time(THREE_DAYS + 1)
    sns.unsubscribe(SubscriptionArn=arn)
    assert _listed(sns, topic) == []


def test_an_address_that_nobody_confirms_is_forgotten(world: World) -> None:
    sns = world.client("sns")
    topic = sns.create_topic(Name="one")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    world.pass_time(A_SECOND_DAY)
    assert _listed(sns, topic) == ["PendingConfirmation"]
    world.pass_time(THREE_DAYS)
    assert _listed(sns, topic) == []


def test_an_alarm_knows_nothing_at_first_and_keeps_its_state_when_put_again(world: World) -> None:
    cloudwatch = world.client("cloudwatch")

    def state() -> str:
        return str(cloudwatch.describe_alarms()["MetricAlarms"][0]["StateValue"])

    cloudwatch.put_metric_alarm(**ALARM)
    assert state() == "INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(AlarmName="busy", StateValue="ALARM", StateReason="so it is")
    cloudwatch.put_metric_alarm(**ALARM | {"Threshold": 90.0})
    assert state() == "ALARM"


def test_an_alarm_takes_tags_when_it_is_new_and_never_again(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "a", "Value": "1"}])
    cloudwatch.put_metric_alarm(**ALARM, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "2"}])
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == [{"Key": "a", "Value": "1"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ExtendedStatistic": "p95"},
        {"Period": 90},
        {"EvaluationPeriods": 300},
        {"TreatMissingData": "guess"},
        {"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:elsewhere"]},
    ],
)
def test_an_alarm_has_to_make_sense(world: World, wrong: dict[str, Any]) -> None:
    with refused("ValidationError"):
        world.client("cloudwatch").put_metric_alarm(**ALARM | wrong)


def test_a_dashboard_is_made_of_widgets(world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    for body in ("no JSON", "[]", "{}", json.dumps({"widgets": [{"type": "metric"}]})):
        with refused("InvalidParameterInput"):
            cloudwatch.put_dashboard(DashboardName="one", DashboardBody=body)
    cloudwatch.put_dashboard(DashboardName="one", DashboardBody=json.dumps({"widgets": []}))
    assert [one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"]] == ["one"]


def test_a_reference_is_good_for_one_health_check_also_when_that_is_gone(world: World) -> None:
    route53 = world.client("route53")
    asked = {"CallerReference": "once", "HealthCheckConfig": CHECK}
    first, second = (route53.create_health_check(**asked)["HealthCheck"]["Id"] for _ in range(2))
    assert first == second
    with refused("HealthCheckAlreadyExists"):
        route53.create_health_check(CallerReference="once", HealthCheckConfig=CHECK | {"ResourcePath": "/other"})
    route53.delete_health_check(HealthCheckId=first)
    world.pass_time(A_SECOND_DAY)
    with refused("HealthCheckAlreadyExists"):
        route53.create_health_check(**asked)
    with refused("NoSuchHealthCheck"):
        route53.delete_health_check(HealthCheckId=first)
    with refused("InvalidInput"):
        route53.create_health_check(CallerReference="x" * 65, HealthCheckConfig=CHECK)


def test_a_health_check_stays_while_a_record_names_it(sample: SampleApplication) -> None:
    route53 = sample.route53
    check = route53.create_health_check(CallerReference="once", HealthCheckConfig=CHECK)["HealthCheck"]["Id"]
    record = {
        "Name": "checked.example.com.",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
        "SetIdentifier": "one",
        "Weight": 1,
        "HealthCheckId": check,
    }
    for action, code in (("CREATE", "HealthCheckInUse"), ("DELETE", "")):
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=sample.zone, ChangeBatch=batch)
        if code:
            with refused(code):
                route53.delete_health_check(HealthCheckId=check)
    route53.delete_health_check(HealthCheckId=check)


def test_log_events_are_taken_from_the_last_14_days_by_the_sandboxs_clock(world: World) -> None:
    logs = world.client("logs")
    logs.create_log_group(logGroupName="/one")
    logs.create_log_stream(logGroupName="/one", logStreamName="a")
    world.pass_time(30 * 86_400)
    now = world.control("GET", "status")["now"]
    ages = {"too old": 15 * 86_400, "old": 13 * 86_400, "new": 0, "too new": -4 * 3600 - 600}
    events = [{"timestamp": int((now - age) * 1000), "message": words} for words, age in ages.items()]
    told = logs.put_log_events(logGroupName="/one", logStreamName="a", logEvents=events)["rejectedLogEventsInfo"]
    assert told == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 3}
    found = logs.filter_log_events(logGroupName="/one")["events"]
    assert [one["message"] for one in found] == ["old", "new"]
    with refused("InvalidParameterException"):
        logs.put_log_events(logGroupName="/one", logStreamName="a", logEvents=events[::-1])
    with refused("ResourceNotFoundException"):
        logs.put_log_events(logGroupName="/one", logStreamName="b", logEvents=events)
