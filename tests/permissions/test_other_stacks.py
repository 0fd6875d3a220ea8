"""Permissions of a stack's deployer, machines and CI on another stack in the same account: none.

Pairs of stacks whose names are cut alike, begin alike or read alike when hyphens shift. Every ARN of the one is tried
with every action that the other's policies name, with the tags it really has, and again with the other's tag in the
request, as somebody would send who wants to take it over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from awsdeploy import architecture, config, permissions
from awsdeploy.architecture.permissions import Statement
from awsdeploy.config.stack import APART, TAG_STACK
from awsdeploy.engine.resource import TIMELESS, Stack
from awsdeploy.resources.identity.role import Role
from awsdeploy.resources.storage.bucket import S3Bucket
from awsdeploy.resources.storage.bucket_name import spelled
from tests.iam import allowed, like, listed

pytestmark = pytest.mark.slow

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
LONG = "a-name-of-thirty-two-characters1"
PAIRS = [
    ("shop", "prod", "shop", "dev"),
    ("shop", "prod", "shop-prod", "dev"),
    ("shop", "dev", "shop-dev-mysql", "dev"),
    ("a", "prod", "a-prod", "prod"),
    ("shop", "prod", "shop-prod-uploads", "dev"),
    ("shop-prod", "dev", "shop", "prod"),
    (LONG, "prod", LONG, "dev"),
    (LONG, "staging", LONG, "stagin2"),
    (f"{LONG[:-1]}2", "prod", LONG, "prod"),
    ("shop", "prod", "shop-prod-mysql-abcdef", "final"),
]
SERVICES = {
    "dev": {"port": 3000, "paths": ["/*"], "scaling": {}},
    "backend": {"port": 9999, "paths": ["/api/*"]},
}
BY_TAG = "instance volume vpc subnet security-group launch-template network-interface elastic-ip".split()
TAKES = {
    "ec2:AllocateAddress": (),
    "ec2:CreateInternetGateway": (),
    "ec2:CreateLaunchTemplate": (),
    "ec2:CreateVpc": (),
    "ec2:CreateImage": ("instance",),
    "ec2:CreateNatGateway": ("subnet", "elastic-ip"),
    "ec2:CreateRouteTable": ("vpc",),
    "ec2:CreateSecurityGroup": ("vpc",),
    "ec2:CreateSubnet": ("vpc",),
    "ec2:AuthorizeSecurityGroupEgress": ("security-group",),
    "ec2:AuthorizeSecurityGroupIngress": ("security-group",),
    "ec2:RunInstances": ("subnet", "security-group", "launch-template", "image", "snapshot"),
    "elasticloadbalancing:CreateLoadBalancer": (),
    "elasticloadbalancing:CreateTargetGroup": (),
}
"""AWS: what exists already and goes into what a call makes. What it makes is new, and never another stack's."""
BEYOND = {
    "ssm:TerminateSession": "AWS: a session has neither the stack's name nor its tags",
    "route53:DeleteHealthCheck": "AWS: health checks have neither names nor tags in what IAM is told",
}


def settings(name: str, environment: str) -> config.Settings:
    return config.from_mapping(
        {
            "name": name,
            "environment": environment,
            "preset": "prod",
            "platform": "supported",
            "services": SERVICES,
            "monitoring": {"emails": ("ops@example.com",)},
            "ci": {"github": "acme/site"},
        }
    )


def things(of: config.Settings) -> Iterator[str]:
    """The ARNs of all that a stack has."""
    stack = Stack(of.name, of.environment)
    here, everywhere = f"{REGION}:{ACCOUNT}", f":{ACCOUNT}"
    for resource in (one for step in architecture.steps(of) for one in step.resources):
        key, kind = resource.key, type(resource).__name__
        plain, apart = (stack.called(key, "0", 255, between) for between in ("-", APART))
        if isinstance(resource, S3Bucket):
            name = spelled(stack, ACCOUNT, key, resource.region or REGION, resource.data)
            yield from (f"arn:aws:s3:::{name}{end}" for end in ("", "-1", "/uploads/a", "/releases/dev/x"))
        elif kind == "Database":
            name = stack.called(key, "0", 63)
            yield f"arn:aws:rds:{here}:db:{name}"
            yield from (f"arn:aws:rds:{here}:snapshot:{name}-{word}-20261124000000" for word in ("final", "manual"))
            yield f"arn:aws:logs:{here}:log-group:/aws/rds/instance/{name}/slowquery"
        elif kind in ("SubnetGroup", "ParameterGroup"):
            yield f"arn:aws:rds:{here}:{'subgrp' if kind == 'SubnetGroup' else 'pg'}:{plain}"
        elif kind in ("LoadBalancer", "TargetGroup", "Listener"):
            short = {"LoadBalancer": "loadbalancer/app/", "TargetGroup": "targetgroup/", "Listener": "listener/app/"}
            yield f"arn:aws:elasticloadbalancing:{here}:{short[kind]}{stack.called(key, '0', 32)}/0123456789abcdef"
        elif kind in ("Role", "InstanceProfile"):
            word = "role" if kind == "Role" else "instance-profile"
            yield f"arn:aws:iam:{everywhere}:{word}{stack.path}{key}/0/{stack.called(key, '0', 64)}"
        elif kind in ("Parameter", "Password"):
            yield f"arn:aws:ssm:{here}:parameter{stack.parameter(key.removeprefix('machines/'))}"
        elif kind == "LogGroup":
            yield f"arn:aws:logs:{here}:log-group:{stack.parameter(key.removeprefix('monitoring/logs/'))}:*"
        elif kind == "Alarm":
            yield f"arn:aws:cloudwatch:{here}:alarm:{apart}"
        elif kind == "Topic":
            yield f"arn:aws:sns:{here}:{apart}"
        elif kind == "AutoScalingGroup":
            yield f"arn:aws:autoscaling:{here}:autoScalingGroup:0:autoScalingGroupName/{apart}"
        elif kind == "Dashboard":
            yield f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{stack.called(key, TIMELESS, 255)}"
        elif kind == "Budget":
            yield f"arn:aws:budgets::{ACCOUNT}:budget/{stack.called(key, TIMELESS, 100)}"
        elif kind == "LifecyclePolicy":
            yield f"arn:aws:dlm:{here}:policy/policy-0"
        elif kind == "Certificate":
            yield f"arn:aws:acm:{here}:certificate/0"
    yield from (f"arn:aws:ec2:{here}:{kind}/0" for kind in BY_TAG)
    yield from (f"arn:aws:ec2:{REGION}::{kind}/0" for kind in ("image", "snapshot"))
    yield f"arn:aws:acm:{here}:certificate/0"


def concerns(action: str, arn: str) -> bool:
    """Check whether the call affects an existing object. Descriptions are free, the content of objects is not."""
    service, _, word = action.partition(":")
    shows = word.startswith(("Describe", "List")) or (service not in ("ssm", "s3", "logs") and word.startswith("Get"))
    kind = arn.split(":", 5)[5].partition("/")[0]
    return not shows and kind in TAKES.get(action, (kind,))


def filled(statements: tuple[Any, ...], of: config.Settings) -> list[Statement]:
    """A role's statements as they stand in AWS."""
    stack = Stack(of.name, of.environment)
    text = json.dumps(statements)
    for one in (one for step in architecture.steps(of) for one in step.resources):
        if isinstance(one, S3Bucket):
            name = spelled(stack, ACCOUNT, one.key, one.region or REGION, one.data)
            text = text.replace(f"{{bucket:{one.key}}}", name)
    place = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/deploy/{stack.tag}"
    for word, value in {"parameters": place, "account": ACCOUNT, "region": REGION, "stack": stack.slug}.items():
        text = text.replace(f"{{{word}}}", value)
    found: list[Statement] = json.loads(text)
    return found


def narrow(statements: list[Statement]) -> list[Statement]:
    """Statements without those that only read or create, which have no resource to name."""
    return [one for one in statements if "*" not in listed(one["Resource"])]


def roles(of: config.Settings) -> list[Statement]:
    """Permissions of machines, replication and CI, but not Data Lifecycle Manager's: AWS cannot limit its deletions."""
    resources = [one for step in architecture.steps(of) for one in step.resources]
    own = [one for one in resources if isinstance(one, Role) and one.key != "backup/role"]
    return [statement for role in own for statement in filled(role.statements, of)]


@pytest.mark.parametrize(("name", "environment", "other", "others"), PAIRS)
@pytest.mark.parametrize("who", ["deployer", "roles"])
def test_nothing_of_another_stack_is_in_reach(name: str, environment: str, other: str, others: str, who: str) -> None:
    mine, theirs = settings(name, environment), settings(other, others)
    statements = list(permissions.statements(mine, ACCOUNT)) if who == "deployer" else roles(mine)
    held = [one for one in narrow(statements) if {*one["Action"]} - set(BEYOND)]
    tag = Stack(other, others).tag
    has = {f"aws:ResourceTag/{TAG_STACK}": tag, f"ssm:resourceTag/{TAG_STACK}": tag}
    seized = {**has, f"aws:RequestTag/{TAG_STACK}": Stack(name, environment).tag}
    reached = []
    for arn in things(theirs):
        service = arn.split(":")[2]
        for one in held:
            if not any(like(resource, arn) for resource in listed(one["Resource"])):
                continue
            for action in one["Action"]:
                if action.startswith(f"{service}:") and action not in BEYOND and concerns(action, arn):
                    passed = {"iam:PassedToService": "ec2.amazonaws.com"}
                    ways = [
                        context
                        for context in (has, seized)
                        if allowed([{"Statement": [one]}], action, arn, {**context, **passed})
                    ]
                    reached += [(one["Sid"], action, arn, "taken over" if way is seized else "") for way in ways]
    assert reached == []


OWN = {
    "s3": "s3:PutObject",
    "rds": "rds:AddTagsToResource",
    "elasticloadbalancing": "elasticloadbalancing:AddTags",
    "iam": "iam:TagRole",
    "ssm": "ssm:PutParameter",
    "logs": "logs:TagResource",
    "cloudwatch": "cloudwatch:PutMetricAlarm",
    "sns": "sns:TagResource",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "budgets": "budgets:TagResource",
    "dlm": "dlm:TagResource",
    "ec2": "ec2:CreateTags",
    "acm": "acm:DeleteCertificate",
}


@pytest.mark.parametrize(("name", "environment"), sorted({pair[:2] for pair in PAIRS}))
def test_what_is_the_stacks_own_is_in_reach(name: str, environment: str) -> None:
    mine = settings(name, environment)
    policy = [{"Statement": list(permissions.statements(mine, ACCOUNT))}]
    has = {f"aws:ResourceTag/{TAG_STACK}": Stack(name, environment).tag}
    for arn in things(mine):
        action = OWN[arn.split(":")[2]]
        for part, other in (
            (":dashboard/", "cloudwatch:PutDashboard"),
            (":instance-profile/", "iam:TagInstanceProfile"),
            ("::image/", "ec2:DeregisterImage"),
            ("::snapshot/", "ec2:DeleteSnapshot"),
        ):
            action = other if part in arn else action
        if action == "s3:PutObject" and "/" not in arn:
            action = "s3:ListBucket"
        assert allowed(policy, action, arn, has), (action, arn)
