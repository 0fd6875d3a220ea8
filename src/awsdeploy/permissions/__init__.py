"""Permissions that a deployer needs for one config: the table behind `awsdeploy policy`.

Each module has the rows of one area: a function for each service, an IAM statement for each scope.
A statement is limited to this stack by ARN if the ARN contains the name, else by the stack's tag. `*` is used only if
AWS has no resource level for the action.

A new call: add its action to the row of its service and scope. What no run in tests/permissions makes goes into
`UNRECORDED` as well, with the reason; a test compares both ways. Making a thing needs the feature to be configured;
looking at it and taking it away does not, since the config may have had the feature before.

Source: AWS, Service Authorization Reference, and the pages of the operations. Asks no AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from awsdeploy.architecture.permissions import Statement
from awsdeploy.config import Settings
from awsdeploy.permissions import account as accounts
from awsdeploy.permissions import backup, compute, database, dns, identity, monitoring, storage, web
from awsdeploy.permissions.scope import Scope

POLICY_LIMIT = 6_144
"""Characters of a managed policy without whitespace. AWS: IAM and STS quotas."""

ROWS: tuple[Callable[[Scope], Iterator[Statement]], ...] = (
    compute.ec2,
    compute.autoscaling,
    backup.dlm,
    database.rds,
    storage.s3,
    compute.ssm,
    identity.iam,
    web.elbv2,
    dns.acm,
    dns.route53,
    monitoring.watching,
    accounts.limits,
    accounts.spending,
)
_SESSION = "`shell` and `tunnel`, which hand over to a plugin that the recorded runs have not"
_PAUSED = "the stack is paused"
_HELD = "something that a destroy waits for is held by what is not the stack's: it is named"
UNRECORDED: Mapping[str, str] = {
    "autoscaling:DetachLoadBalancerTargetGroups": "a target group of another's was attached by hand",
    "autoscaling:DeleteTags": "the config no longer has a tag",
    "budgets:UntagResource": "the config no longer has a tag",
    "autoscaling:ResumeProcesses": "a release, where scaling.health is elb, and `up` after one that broke off",
    "autoscaling:SuspendProcesses": "a release, where scaling.health is elb",
    "ec2:AuthorizeSecurityGroupEgress": "a rule that the config declares was taken away by hand",
    "ec2:CreateLaunchTemplateVersion": "what a group's machines are made of has changed",
    "ec2:DeleteLaunchTemplateVersions": "the versions that no machine of a group has any more",
    "ec2:DeleteVolume": "a disk was left without its machine",
    "ec2:DescribeNetworkInterfaces": _HELD,
    "ec2:DescribeVpcEndpoints": _HELD,
    "ec2:DisassociateIamInstanceProfile": "a machine was given another profile by hand",
    "elasticloadbalancing:SetIpAddressType": "it was changed by hand",
    "elasticloadbalancing:SetSubnets": "the load balancer was moved to other subnets by hand",
    "rds:RestoreDBInstanceFromDBSnapshot": "a database comes from a snapshot",
    "rds:RestoreDBInstanceToPointInTime": "the database is restored to a time",
    "cloudwatch:DisableAlarmActions": _PAUSED,
    "rds:StartDBInstance": "the database was stopped, by `pause` or by hand",
    "rds:StopDBInstance": _PAUSED,
    "s3:GetObjectVersion": "an uploaded file is restored",
    "s3:GetObjectVersionTagging": "an uploaded file that is restored has tags",
    "s3:PutObjectTagging": "an uploaded file that is restored has tags",
    "s3:AbortMultipartUpload": "an upload was unfinished when its bucket went",
    "servicequotas:GetAWSDefaultServiceQuota": "the account has no quota value of its own",
    "ssm:StartSession": _SESSION,
    "ssm:TerminateSession": _SESSION,
    "ssmmessages:OpenDataChannel": _SESSION,
}
"""Actions that are allowed although no recorded run needs them, and when they are needed."""


def policies(settings: Settings, account: str = "*") -> list[dict[str, Any]]:
    """The documents that together allow a deployer all that this config takes, each within AWS's limit."""
    found: list[list[Statement]] = []
    for statement in statements(settings, account):
        fitting = next((one for one in found if _size(_document([*one, statement])) <= POLICY_LIMIT), None)
        if fitting is None:
            found.append([statement])
        else:
            fitting.append(statement)
    return [_document(one) for one in found]


def statements(settings: Settings, account: str = "*") -> Iterator[Statement]:
    """Every row of the table that this config needs."""
    for rows in ROWS:
        yield from rows(Scope(settings, account))


def _document(rows: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": rows}


def _size(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":")))
