"""Logs, metrics, alarms and the health check of the documented architecture, by asking AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulated import World
from tests.system.documented.asking import database, instance, target_group

GIB = 1024**3


@pytest.fixture(scope="module")
def dimensions(documented: World, ec2: Any, elbv2: Any) -> dict[str, dict[str, str]]:
    """Under which dimensions AWS measures each part, by its name."""
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    alb = {"LoadBalancer": balancer["LoadBalancerArn"].split(":loadbalancer/")[1]}
    (certificate,) = documented.client("acm").list_certificates()["CertificateSummaryList"]
    (check,) = documented.client("route53").list_health_checks()["HealthChecks"]
    found = {
        "alb": alb,
        "rds": {"DBInstanceIdentifier": database(documented)["DBInstanceIdentifier"]},
        "certificate": {"CertificateArn": certificate["CertificateArn"]},
        "health": {"HealthCheckId": check["Id"]},
        "uploads": {"BucketName": _uploads(documented), "FilterId": "EntireBucket"},
    }
    for name, port in (("frontend", 3000), ("backend", 9999)):
        machine = {"InstanceId": instance(ec2, f"machines/{name}-1")["InstanceId"]}
        group = target_group(elbv2, port)["TargetGroupArn"].rpartition(":")[2]
        found |= {
            f"{name}-1": machine,
            f"{name}-1-disk": {**machine, "path": "/", "fstype": "xfs"},
            name: {**alb, "TargetGroup": group},
        }
    return found


def _uploads(world: World) -> str:
    (name,) = [one["Name"] for one in world.client("s3").list_buckets()["Buckets"] if "-uploads-" in one["Name"]]
    return str(name)


@pytest.fixture(scope="module")
def alarm(documented: World) -> Callable[[str, str], dict[str, Any]]:
    """An alarm by the end of its key, in a region."""

    def find(name: str, region: str = "ap-northeast-2") -> dict[str, Any]:
        alarms = documented.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
        (found,) = [one for one in alarms if f" monitoring/alarms/{name} " in one["AlarmDescription"]]
        return dict(found)

    return find


def test_d3_the_slow_query_log_is_written_and_exported(documented: World) -> None:
    found, rds = database(documented), documented.client("rds")
    assert set(found["EnabledCloudwatchLogsExports"]) == {"slowquery", "error"}
    (group,) = found["DBParameterGroups"]
    parameters = rds.describe_db_parameters(DBParameterGroupName=group["DBParameterGroupName"], Source="user")
    values = {one["ParameterName"]: one["ParameterValue"] for one in parameters["Parameters"]}
    wanted = {"slow_query_log": "1", "long_query_time": "1", "log_output": "FILE"}
    assert {name: values.get(name) for name in wanted} == wanted


def test_j2_logs_are_kept_for_thirty_days(documented: World) -> None:
    groups = documented.client("logs").describe_log_groups()["logGroups"]
    place = f"/aws/rds/instance/{database(documented)['DBInstanceIdentifier']}"
    assert {one["logGroupName"]: one.get("retentionInDays") for one in groups} == {
        "/deploy/shop/prod/frontend": 30,
        "/deploy/shop/prod/backend": 30,
        "/deploy/shop/prod/nginx": 30,
        "/deploy/shop/prod/bootstrap": 30,
        "/deploy/shop/prod/exec": 1,  # what commands say, beside the document's
        f"{place}/slowquery": 30,
        f"{place}/error": 30,
    }


MACHINE = [
    ("cpu", "AWS/EC2", "CPUUtilization", "Average", ">", 80, 300, 3, "missing"),
    ("status", "AWS/EC2", "StatusCheckFailed", "Maximum", ">", 0, 60, 3, "breaching"),
    ("memory", "CWAgent", "mem_used_percent", "Average", ">", 90, 300, 3, "missing"),
    ("disk", "CWAgent", "disk_used_percent", "Average", ">", 85, 300, 1, "missing"),
]
SERVICE = [
    ("unhealthy", "AWS/ApplicationELB", "UnHealthyHostCount", "Maximum", ">", 0, 60, 3, "missing"),
    ("5xx", "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "Sum", ">", 5, 300, 1, "notBreaching"),
    ("p95", "AWS/ApplicationELB", "TargetResponseTime", "p95", ">", 1, 300, 3, "notBreaching"),
]
RDS = [
    ("cpu", "AWS/RDS", "CPUUtilization", "Average", ">", 80, 300, 3, "missing"),
    # db.t3.small: 2 GiB / 12582880 = 170 connections.
    ("connections", "AWS/RDS", "DatabaseConnections", "Maximum", ">", 136, 300, 2, "missing"),
    ("storage", "AWS/RDS", "FreeStorageSpace", "Minimum", "<", 2 * GIB, 300, 1, "missing"),
    ("read-latency", "AWS/RDS", "ReadLatency", "Average", ">", 0.05, 300, 3, "missing"),
    ("write-latency", "AWS/RDS", "WriteLatency", "Average", ">", 0.05, 300, 3, "missing"),
]
BALANCER = ("5xx", "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", ">", 5, 300, 1, "notBreaching")
CERTIFICATE = ("expiry", "AWS/CertificateManager", "DaysToExpiry", "Minimum", "<", 30, 86_400, 1, "ignore")
ALARMS = [
    *[(f"{name}-1", row, True) for name in ("frontend", "backend") for row in MACHINE],
    *[(name, row, True) for name in ("frontend", "backend") for row in SERVICE],
    *[("rds", row, False) for row in RDS],
    ("alb", BALANCER, False),
    ("certificate", CERTIFICATE, False),
]


@pytest.mark.parametrize(("subject", "row", "of_a_service"), ALARMS, ids=[f"{one[0]}-{one[1][0]}" for one in ALARMS])
def test_j1_f6_l5_an_alarm(
    documented: World,
    dimensions: dict[str, dict[str, str]],
    alarm: Callable[[str], dict[str, Any]],
    subject: str,
    row: tuple[Any, ...],
    of_a_service: bool,
) -> None:
    name, *wanted = row
    found = alarm(f"{subject}-{name}")
    comparison = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}[found["ComparisonOperator"]]
    statistic = found.get("Statistic") or found.get("ExtendedStatistic")
    fields = [found[field] for field in ("Namespace", "MetricName")]
    fields += [statistic, comparison, found["Threshold"], found["Period"], found["EvaluationPeriods"]]
    assert [*fields, found["TreatMissingData"]] == wanted
    measured = dimensions.get(f"{subject}-{name}") or dimensions[subject]
    assert {one["Name"]: one["Value"] for one in found["Dimensions"]} == measured
    (topic,) = documented.client("sns").list_topics()["Topics"]
    assert found["AlarmActions"] == found["OKActions"] == [topic["TopicArn"]]
    # Nothing has been released yet: a service's own alarms stay silent.
    assert found["ActionsEnabled"] is not of_a_service


def test_there_is_no_other_alarm(documented: World) -> None:
    assert len(documented.client("cloudwatch").describe_alarms()["MetricAlarms"]) == len(ALARMS)


def test_g2_l6_the_whole_service_is_asked_for_from_outside(documented: World) -> None:
    (check,) = documented.client("route53").list_health_checks()["HealthChecks"]
    found = check["HealthCheckConfig"]
    assert (found["Type"], found["FullyQualifiedDomainName"], found["ResourcePath"]) == ("HTTPS", "example.com", "/")
    assert (found["Port"], found["EnableSNI"]) == (443, True)
    assert (found["FailureThreshold"], found["RequestInterval"]) == (3, 30)
    assert not found.get("Disabled", False)
    assert not found.get("Inverted", False)
    assert len(check["CallerReference"]) <= 64


def test_g2_l6_the_alarm_of_the_health_check_is_where_its_metric_is(
    documented: World, dimensions: dict[str, dict[str, str]], alarm: Callable[[str, str], dict[str, Any]]
) -> None:
    found = alarm("health", "us-east-1")
    assert (found["Namespace"], found["MetricName"]) == ("AWS/Route53", "HealthCheckStatus")
    assert (found["Statistic"], found["ComparisonOperator"], found["Threshold"]) == ("Minimum", "LessThanThreshold", 1)
    assert (found["Period"], found["EvaluationPeriods"], found["TreatMissingData"]) == (60, 3, "breaching")
    assert {one["Name"]: one["Value"] for one in found["Dimensions"]} == dimensions["health"]
    (topic,) = documented.client("sns", "us-east-1").list_topics()["Topics"]
    assert found["AlarmActions"] == [topic["TopicArn"]]


def test_j1_the_dashboard_shows_every_metric(documented: World, dimensions: dict[str, dict[str, str]]) -> None:
    cloudwatch = documented.client("cloudwatch")
    (entry,) = cloudwatch.list_dashboards()["DashboardEntries"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"])
    shown: set[tuple[str, ...]] = set()
    for widget in body["widgets"]:
        assert widget["properties"]["region"] == "ap-northeast-2"
        for line in widget["properties"].get("metrics", ()):
            namespace, name, *rest = line
            pairs = dict(zip(rest[:-1:2], rest[1:-1:2], strict=True))
            (subject,) = [about for about, its in dimensions.items() if its == pairs]
            shown.add((subject, namespace, name, rest[-1]["stat"]))
    machines = {
        (f"{name}-1{part}", namespace, metric, "Average")
        for name in ("frontend", "backend")
        for part, namespace, metric in (
            ("", "AWS/EC2", "CPUUtilization"),
            ("", "CWAgent", "mem_used_percent"),
            ("-disk", "CWAgent", "disk_used_percent"),
        )
    }
    balancer = {
        ("alb", "AWS/ApplicationELB", metric, statistic)
        for metric, statistic in (
            ("RequestCount", "Sum"),
            ("TargetResponseTime", "Average"),
            ("TargetResponseTime", "p95"),
            ("HTTPCode_ELB_5XX_Count", "Sum"),
            ("HTTPCode_Target_5XX_Count", "Sum"),
        )
    }
    rds = ("DatabaseConnections", "ReadLatency", "WriteLatency", "CPUUtilization", "FreeStorageSpace", "FreeableMemory")
    s3 = ("AllRequests", "4xxErrors", "BytesDownloaded", "BytesUploaded")
    assert shown == machines | balancer | {("rds", "AWS/RDS", metric, "Average") for metric in rds} | {
        ("uploads", "AWS/S3", metric, "Sum") for metric in s3
    }
    (search,) = [one for one in body["widgets"] if one["type"] == "log"]
    place = f"/aws/rds/instance/{database(documented)['DBInstanceIdentifier']}/slowquery"
    assert search["properties"]["query"].startswith(f"SOURCE '{place}' | fields @timestamp, @message")
    corners = {(one["x"], one["y"]) for one in body["widgets"]}
    assert len(corners) == len(body["widgets"]), "two widgets lie on each other"
