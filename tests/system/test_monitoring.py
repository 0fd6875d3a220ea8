"""Alarms, addresses, logs and the health check through the life of a stack."""

from __future__ import annotations

import json
from typing import Any

import pytest

from awsdeploy.architecture.alarms import max_connections
from awsdeploy.engine.resource import Observed
from tests.simulated import REGION, World, writes

pytestmark = pytest.mark.slow

ABROAD = "us-east-1"
PLAIN = """\
name = "watch"
environment = "dev"
platform = "supported"
"""
CONFIG = (
    PLAIN
    + """\
domain = "example.com"

[monitoring]
emails = ["ops@example.com", "dev@example.com"]
budget = false
"""
)


def actions(world: World, text: str = CONFIG) -> dict[str, str]:
    plan = world.plan(world.settings(text))
    found = {item.resource.key: item.action for item in plan.items.values() if item.action != "none"}
    return found | {observed.key: "remove" for observed in plan.removals}


def observations(world: World, text: str = CONFIG) -> dict[str, Observed]:
    return {one.key: one for one in world.everything(world.settings(text))}


def armed(world: World) -> dict[str, bool]:
    """State of each alarm's actions, by the end of its key."""
    found = {key: one.raw["ActionsEnabled"] for key, one in observations(world).items() if "/alarms/" in key}
    return {key.removeprefix("monitoring/alarms/"): enabled for key, enabled in found.items()}


@pytest.fixture(scope="module")
def stack_copy(module_world: World) -> World:
    module_world.up(module_world.settings(CONFIG))
    return module_world


def _status(world: World) -> tuple[int, dict[str, Any]]:
    done = world.awsdeploy("status", "--json")
    return done.returncode, json.loads(done.stdout)


def test_the_reads_that_watching_adds_to_a_no_op_up_are_few(stack_copy: World) -> None:
    calls = stack_copy.up(stack_copy.settings(CONFIG))
    assert writes(calls) == {}
    services = {"cloudwatch", "logs", "sns"}
    added = {name: count for name, count in calls.items() if name.split(":")[0] in services or "HealthCheck" in name}
    assert sum(added.values()) <= 14, added


def test_alarms_reach_nobody_until_an_address_is_confirmed_and_every_command_says_so(stack_copy: World) -> None:
    stack_copy.settings(CONFIG)
    both = "ops@example.com, dev@example.com have not confirmed the e-mail from AWS"
    code, told = _status(stack_copy)
    assert told["notices"] == [f"alarms reach nobody: {both}", f"alarms reach nobody: {both} from {ABROAD}"]
    assert (code, told["drift"], told["healthy"]) == (0, False, True)
    assert f"Note: alarms reach nobody: {both}." in stack_copy.awsdeploy("status").stdout
    assert f"Note: alarms reach nobody: {both}." in stack_copy.awsdeploy("up", "--yes").stdout
    stack_copy.control("POST", "confirm", {"email": "ops@example.com"})
    told = json.loads(stack_copy.awsdeploy("up", "--yes", "--json").stdout)
    assert told["notices"][0] == (
        "alarms reach some recipients only: dev@example.com has not confirmed the e-mail from AWS"
    )
    stack_copy.control("POST", "confirm", {"email": "dev@example.com"})
    assert _status(stack_copy)[1]["notices"] == []


def test_an_alarm_of_a_service_is_armed_by_its_first_release(stack_copy: World) -> None:
    of_services = {name for name in armed(stack_copy) if name.startswith(("frontend", "backend")) or name == "health"}
    assert {name for name, enabled in armed(stack_copy).items() if not enabled} == of_services
    machine = observations(stack_copy)["machines/backend-1"].id
    stack_copy.client("ec2").create_tags(
        Resources=[machine], Tags=[{"Key": "awsdeploy:release", "Value": "failed r1 build"}]
    )
    assert not actions(stack_copy)
    status, told = stack_copy.awsdeploy("status"), _status(stack_copy)[1]
    assert f"release failed at `build` on {machine}: r1; to try again: " in status.stdout
    assert "awsdeploy deploy backend\n" in status.stdout
    assert told["releases"]["backend"] == []
    assert told["failed_releases"]["backend"] == [{"machine": machine, "release": "r1", "step": "build"}]
    stack_copy.client("ec2").create_tags(Resources=[machine], Tags=[{"Key": "awsdeploy:release", "Value": "r1"}])
    changed = actions(stack_copy)
    assert changed
    assert set(changed.values()) == {"change"}
    assert all(key.startswith("monitoring/alarms/backend-") for key in changed)
    stack_copy.up(stack_copy.settings(CONFIG))
    assert {name for name, enabled in armed(stack_copy).items() if not enabled} == {
        name for name in of_services if not name.startswith("backend")
    }


def test_an_alarm_whose_words_were_lost_is_known_again(stack_copy: World) -> None:
    alarm = observations(stack_copy)["monitoring/alarms/rds-cpu"]
    stack_copy.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm.id,
        AlarmDescription="mine",
        **{
            name: alarm.raw[name]
            for name in ("Namespace", "MetricName", "Statistic", "ComparisonOperator", "Threshold", "Period")
        },
        EvaluationPeriods=1,
    )
    assert actions(stack_copy) == {"monitoring/alarms/rds-cpu": "create"}
    stack_copy.up(stack_copy.settings(CONFIG))
    assert actions(stack_copy) == {}
    assert len(stack_copy.client("cloudwatch").describe_alarms(AlarmNames=[alarm.id])["MetricAlarms"]) == 1


def test_a_health_check_deleted_by_hand_comes_back(stack_copy: World) -> None:
    """AWS refuses the reference of a deleted one for days."""
    before = observations(stack_copy)["monitoring/health-check"].id
    stack_copy.client("route53").delete_health_check(HealthCheckId=before)
    assert actions(stack_copy)["monitoring/health-check"] == "create"
    stack_copy.up(stack_copy.settings(CONFIG))
    assert actions(stack_copy) == {}
    after = observations(stack_copy)["monitoring/health-check"].id
    (alarm,) = stack_copy.client("cloudwatch", ABROAD).describe_alarms()["MetricAlarms"]
    assert after != before
    assert [one["Value"] for one in alarm["Dimensions"]] == [after]


def test_another_health_check_can_be_asked_for(stack_copy: World) -> None:
    before = observations(stack_copy)["monitoring/health-check"].id
    stack_copy.up(stack_copy.settings(CONFIG), replace=["monitoring/health-check"])
    (only,) = stack_copy.client("route53").list_health_checks()["HealthChecks"]
    assert only["Id"] != before
    assert actions(stack_copy) == {}


def test_a_machine_made_anew_is_watched_in_place_of_the_one_before(stack_copy: World) -> None:
    stack_copy.up(stack_copy.settings(CONFIG), replace=["machines/frontend-1"])
    assert actions(stack_copy) == {}
    found = observations(stack_copy)
    measured = {one["Name"]: one["Value"] for one in found["monitoring/alarms/frontend-1-cpu"].raw["Dimensions"]}
    assert measured == {"InstanceId": found["machines/frontend-1"].id}
    assert found["machines/frontend-1"].id in found["monitoring/dashboard"].raw["Body"]


def test_who_is_no_longer_named_is_told_no_more(stack_copy: World) -> None:
    sns = stack_copy.client("sns")

    def told() -> dict[str, str]:
        topic = observations(stack_copy)["monitoring/topic"].id
        listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return {one["Endpoint"]: one["SubscriptionArn"] for one in listed}

    for address in ("dev@example.com", "ops@example.com"):
        stack_copy.control("POST", "confirm", {"email": address})
    sns.subscribe(
        TopicArn=observations(stack_copy)["monitoring/topic"].id, Protocol="email", Endpoint="late@example.com"
    )
    fewer = CONFIG.replace(', "dev@example.com"', "")
    stack_copy.up(stack_copy.settings(fewer))
    # AWS lets nobody unsubscribe an address that is not confirmed: it goes by itself, and is no drift until then.
    assert set(told()) == {"ops@example.com", "late@example.com"}
    assert actions(stack_copy, fewer) == {}
    stack_copy.pass_time(4 * 86_400)
    assert set(told()) == {"ops@example.com"}
    stack_copy.up(stack_copy.settings(CONFIG))


def test_another_database_writes_to_other_logs_and_those_of_the_first_go(stack_copy: World) -> None:
    settings = stack_copy.settings(CONFIG)
    stack_copy.up(settings, replace=["database/mysql"])
    (database,) = stack_copy.client("rds").describe_db_instances()["DBInstances"]
    groups = [one["logGroupName"] for one in stack_copy.client("logs").describe_log_groups()["logGroups"]]
    place = f"/aws/rds/instance/{database['DBInstanceIdentifier']}"
    assert {name for name in groups if name.startswith("/aws/rds/")} == {f"{place}/error", f"{place}/slowquery"}
    assert actions(stack_copy) == {}


def test_without_a_domain_nothing_is_left_abroad_and_an_empty_list_is_said(stack_copy: World) -> None:
    settings = stack_copy.settings(PLAIN)
    stack_copy.up(settings)
    assert stack_copy.client("cloudwatch", ABROAD).describe_alarms()["MetricAlarms"] == []
    assert stack_copy.client("sns", ABROAD).list_topics()["Topics"] == []
    assert stack_copy.client("route53").list_health_checks()["HealthChecks"] == []
    code, told = _status(stack_copy)
    assert (code, told["notices"]) == (0, ["no one receives alarms: monitoring.emails is empty"])
    stack_copy.destroy(settings)
    stack_copy.pass_time(3600)
    for region in (REGION, ABROAD):
        assert stack_copy.client("cloudwatch", region).describe_alarms()["MetricAlarms"] == []
        assert stack_copy.client("cloudwatch", region).list_dashboards()["DashboardEntries"] == []
        assert stack_copy.client("sns", region).list_topics()["Topics"] == []
        assert stack_copy.client("sns", region).list_subscriptions()["Subscriptions"] == []
    assert stack_copy.client("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.parametrize(
    ("size", "most"),
    [("db.t3.micro", 85), ("db.t3.small", 170), ("db.m6g.large", 682), ("db.r5.xlarge", 2730), ("db.x2g.large", 0)],
)
def test_connections_go_with_the_memory_of_the_class(size: str, most: int) -> None:
    assert max_connections(size) == most
