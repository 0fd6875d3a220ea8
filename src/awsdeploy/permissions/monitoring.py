"""Permissions for logs, alarms, topics, the dashboard and the tag index."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.engine.resource import TIMELESS
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.monitoring.dashboard import LONGEST_NAME

DASHBOARD = "monitoring/dashboard"


def watching(scope: Scope) -> Iterator[Statement]:
    """Monitoring: resources with the tag, logs, alarms and topics, here and in us-east-1, where Route 53 measures."""
    yield allow("Tagged", ["tag:GetResources"], ["*"])
    yield allow("LogsLook", ["logs:DescribeLogGroups"], ["*"])
    groups = f"log-group:{scope.stack.parameter('*')}", f"log-group:/aws/rds/instance/{scope.named('mysql')}/*"
    logs = """\
    CreateLogGroup DeleteLogGroup FilterLogEvents GetLogEvents ListTagsForResource PutRetentionPolicy TagResource
    UntagResource
    """
    yield allow("Logs", actions("logs", logs), [scope.arn("logs", group) for group in groups])
    yield allow("AlarmsLook", actions("cloudwatch", "DescribeAlarms GetDashboard ListDashboards"), ["*"])
    alarms = scope.arn("cloudwatch", f"alarm:{scope.apart}", "*")
    dashboard = scope.arn("cloudwatch", f"dashboard/{scope.stack.called(DASHBOARD, TIMELESS, LONGEST_NAME)}", "")
    alarm = """\
    DeleteAlarms DisableAlarmActions EnableAlarmActions ListTagsForResource PutMetricAlarm TagResource UntagResource
    """
    yield allow("Alarms", actions("cloudwatch", alarm), [alarms])
    yield allow("Dashboard", actions("cloudwatch", "DeleteDashboards PutDashboard"), [dashboard])
    yield allow("TopicsLook", actions("sns", "ListSubscriptions ListTopics Unsubscribe"), ["*"])
    topics = scope.arn("sns", scope.apart, "*")
    topic = """\
    CreateTopic DeleteTopic ListSubscriptionsByTopic ListTagsForResource Subscribe TagResource UntagResource
    """
    yield allow("Topics", actions("sns", topic), [topics])
