"""Permissions of a service's machines: only the calls that they need, only on resources of their service.

The names of buckets and parameters are computed, so a policy does not depend on these resources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from awsdeploy.config import Service, Settings
from awsdeploy.engine.resource import TAG_STACK
from awsdeploy.resources.compute.bootstrap import TAG as BOOTSTRAP_TAG
from awsdeploy.resources.compute.machine import RELEASE, SERVICE
from awsdeploy.resources.monitoring.log_group import COMMANDS

UPLOADS = "uploads/*"
METRICS = "CWAgent"

AGENT = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
)
"""Actions with which the SSM agent reports and receives commands and sessions."""

WILDCARDS: Mapping[str, str] = {
    **dict.fromkeys(AGENT, "the agent speaks for its own machine only, and AWS names no resource"),
    "cloudwatch:PutMetricData": "a metric is no resource; the condition keeps it to the agent's namespace",
    "ec2:DescribeTags": "AWS has no resource level for it; the agent reads what to call its machine",
    "ec2:DescribeVolumes": "AWS has no resource level for it; the agent reads what its disks are called",
}
"""The actions that are allowed on `*`, and why nothing narrower can be said."""

Statement = Mapping[str, Any]


def statements(settings: Settings, service: Service) -> tuple[Statement, ...]:
    """The inline policy of a service's role, with the statements from the config last."""
    return (*_agents(settings, service), *_application(settings, service), *_wishes(service))


def _agents(settings: Settings, service: Service) -> Iterator[Statement]:
    stack = settings.stack.tag
    yield allow("SessionManager", AGENT, ["*"])
    yield allow("Metrics", ["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": METRICS}})
    yield allow("WhoAmI", ["ec2:DescribeTags", "ec2:DescribeVolumes"], ["*"])
    groups = [f"arn:aws:logs:{{region}}:{{account}}:log-group:/deploy/{stack}/{name}" for name in _logs(service)]
    yield allow(
        "Logs",
        ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        [form for group in groups for form in (group, f"{group}:*")],
    )
    # The SSM agent streams a command's output only to a group that it may create, even if the group exists
    # (amazon-ssm-agent, cloudwatchlogsservice.go).
    streamed = [group for group in groups if group.rpartition("/")[2] in (service.name, COMMANDS)]
    yield allow("Output", ["logs:CreateLogGroup"], [form for group in streamed for form in (group, f"{group}:*")])
    # A machine can write the results of its bootstrap and release into tags of its service's machines.
    own = {f"aws:ResourceTag/{TAG_STACK}": stack, f"aws:ResourceTag/{SERVICE}": service.name}
    yield allow(
        "Outcome",
        ["ec2:CreateTags"],
        ["arn:aws:ec2:{region}:{account}:instance/*"],
        {
            "StringEquals": own,
            "ForAllValues:StringEquals": {"aws:TagKeys": [BOOTSTRAP_TAG, RELEASE]},
            "Null": {"aws:TagKeys": "false"},
        },
    )
    artifacts = "arn:aws:s3:::{bucket:storage/artifacts}"
    yield allow("Artifacts", ["s3:GetObject"], [f"{artifacts}/bootstrap/*", f"{artifacts}/releases/{service.name}/*"])


def _application(settings: Settings, service: Service) -> Iterator[Statement]:
    folders = [service.name, *(["database"] if service.name in settings.database_users else [])]
    yield allow(
        "Parameters",
        ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        [f"{{parameters}}/{folder}{end}" for folder in folders for end in ("", "/*")],
    )
    # A big file goes up in parts; who gives up has to take the parts away again.
    uploads = "arn:aws:s3:::{bucket:storage/uploads}"
    yield allow(
        "Uploads",
        ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        [f"{uploads}/{UPLOADS}"],
    )
    yield allow("ListUploads", ["s3:ListBucket"], [uploads], {"StringLike": {"s3:prefix": UPLOADS}})


def _logs(service: Service) -> tuple[str, ...]:
    """The log groups that the agents on its machines write to. They read none."""
    return (service.name, "nginx", "bootstrap", COMMANDS)


def _wishes(service: Service) -> Iterator[Statement]:
    for number, wish in enumerate(service.statements, start=1):
        statement: dict[str, Any] = {
            "Sid": f"Application{number}",
            "Effect": wish.effect,
            "Action": list(wish.actions),
            "Resource": list(wish.resources),
        }
        if wish.conditions:
            statement["Condition"] = {
                operator: {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
                for operator, keys in wish.conditions.items()
            }
        yield statement


def allow(sid: str, actions: Any, resources: list[str], condition: Mapping[str, Any] | None = None) -> Statement:
    """One statement of a policy, with the actions as a list."""
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}
    return {**statement, "Condition": dict(condition)} if condition else statement
