"""Permissions of the machines of each service, action by action: the policies are AWS's, the verdicts an
evaluator's.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from awsdeploy.architecture.permissions import WILDCARDS
from tests.iam import allowed, like, listed
from tests.simulated import REGION, World

ACCOUNT = "123456789012"
SSM = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group"
MACHINE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0"
GET = ("ssm:GetParameter", "ssm:GetParameters")
OWN = {"aws:ResourceTag/awsdeploy:stack": "shop/prod", "aws:ResourceTag/awsdeploy:service": "backend"}

Policies = list[dict[str, Any]]


@pytest.fixture(scope="module")
def roles(documented: World) -> dict[str, Policies]:
    """Every policy of the role of each service's machines, as AWS gives it out."""
    iam, ec2 = documented.client("iam"), documented.client("ec2")
    found: dict[str, Policies] = {}
    for reservation in ec2.describe_instances()["Reservations"]:
        for machine in reservation["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
            profile = machine["IamInstanceProfile"]["Arn"].rpartition("/")[2]
            (role,) = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
            name = role["RoleName"]
            assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
            found[tags["awsdeploy:service"]] = [
                iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
            ]
    return found


@pytest.fixture(scope="module")
def buckets(documented: World) -> dict[str, str]:
    """The ARNs of the stack's buckets by what they are for."""
    names = [one["Name"] for one in documented.client("s3").list_buckets()["Buckets"]]
    return {name.removeprefix("shop-prod-").partition("-")[0]: f"arn:aws:s3:::{name}" for name in names}


def test_each_service_is_somebody_of_its_own(roles: dict[str, Policies]) -> None:
    assert set(roles) == {"frontend", "backend"}
    assert roles["frontend"] != roles["backend"]


@pytest.mark.parametrize("service", ["frontend", "backend"])
def test_a_machine_reads_its_own_parameters_and_nobody_elses(roles: dict[str, Policies], service: str) -> None:
    other = {"frontend": "backend", "backend": "frontend"}[service]
    for action in GET:
        assert allowed(roles[service], action, f"{SSM}/deploy/shop/prod/{service}/S3_BUCKET")
        for name in (
            f"shop/prod/{other}/S3_BUCKET",
            f"shop/prod/{other}/JWT_SECRET",
            f"shop/prod/{service}2/JWT_SECRET",
            f"shop/prod2/{service}/JWT_SECRET",
            f"shop/dev/{service}/JWT_SECRET",
            f"shop2/prod/{service}/JWT_SECRET",
            "shop/prod/stack",
            "shop/prod/lock",
        ):
            assert not allowed(roles[service], action, f"{SSM}/deploy/{name}"), name
    assert allowed(roles[service], "ssm:GetParametersByPath", f"{SSM}/deploy/shop/prod/{service}")
    for folder in ("shop/prod", "shop", f"shop/prod/{other}", f"shop/prod/{service}2"):
        assert not allowed(roles[service], "ssm:GetParametersByPath", f"{SSM}/deploy/{folder}"), folder


def test_only_who_uses_the_database_reads_its_password(roles: dict[str, Policies]) -> None:
    for action in GET:
        for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"):
            assert allowed(roles["backend"], action, f"{SSM}/deploy/shop/prod/database/{name}")
            assert not allowed(roles["frontend"], action, f"{SSM}/deploy/shop/prod/database/{name}")
    assert allowed(roles["backend"], "ssm:GetParametersByPath", f"{SSM}/deploy/shop/prod/database")
    assert not allowed(roles["frontend"], "ssm:GetParametersByPath", f"{SSM}/deploy/shop/prod/database")


@pytest.mark.parametrize(
    ("action", "place", "may"),
    [
        ("s3:GetObject", "uploads/uploads/users/1.png", True),
        ("s3:PutObject", "uploads/uploads/temp/1.png", True),
        ("s3:DeleteObject", "uploads/uploads/stories/1.mp4", True),
        ("s3:AbortMultipartUpload", "uploads/uploads/stories/1.mp4", True),
        ("s3:PutObject", "uploads/static/app.js", False),
        ("s3:GetObject", "uploads/anything", False),
        ("s3:PutObjectAcl", "uploads/uploads/users/1.png", False),
        ("s3:DeleteObjectVersion", "uploads/uploads/users/1.png", False),
        ("s3:GetObject", "replica/uploads/users/1.png", False),
        ("s3:GetObject", "logs/AWSLogs/1", False),
        ("s3:GetObject", "artifacts/bootstrap/bootstrap.sh", True),
        ("s3:GetObject", "artifacts/releases/backend/1.tar.gz", True),
        ("s3:GetObject", "artifacts/releases/frontend/1.tar.gz", False),
        ("s3:GetObject", "artifacts/releases/backend2/1.tar.gz", False),
        ("s3:PutObject", "artifacts/releases/backend/1.tar.gz", False),
        ("s3:PutObject", "artifacts/bootstrap/bootstrap.sh", False),
        ("s3:PutBucketPolicy", "uploads", False),
        ("s3:DeleteBucket", "uploads", False),
        ("s3:ListBucketVersions", "uploads", False),
    ],
)
def test_what_a_machine_may_do_with_files(
    roles: dict[str, Policies], buckets: dict[str, str], action: str, place: str, may: bool
) -> None:
    bucket, _, key = place.partition("/")
    assert allowed(roles["backend"], action, buckets[bucket] + (f"/{key}" if key else "")) is may


def test_a_machine_lists_uploads_only(roles: dict[str, Policies], buckets: dict[str, str]) -> None:
    def lists(bucket: str, **prefix: str) -> bool:
        context = {"s3:prefix": prefix["prefix"]} if prefix else {}
        return allowed(roles["backend"], "s3:ListBucket", buckets[bucket], context)

    assert lists("uploads", prefix="uploads/users/")
    assert not lists("uploads")
    assert not lists("uploads", prefix="static/")
    assert not lists("artifacts", prefix="uploads/")


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"])
def test_a_machine_writes_its_own_logs(roles: dict[str, Policies], action: str) -> None:
    for group in ("backend", "nginx", "bootstrap"):
        for form in (f"{LOGS}:/deploy/shop/prod/{group}", f"{LOGS}:/deploy/shop/prod/{group}:log-stream:i-1"):
            assert allowed(roles["backend"], action, form), form
    for other in (
        "/deploy/shop/prod/frontend",
        "/deploy/shop/prod/backend2",
        "/deploy/shop/dev/backend",
        "/aws/rds/instance/x/error",
    ):
        assert not allowed(roles["backend"], action, f"{LOGS}:{other}:log-stream:i-1"), other


def test_a_machine_creates_the_log_group_of_its_own_service_and_no_other(roles: dict[str, Policies]) -> None:
    """amazon-ssm-agent: without it the output of a command is not streamed, even to a group that exists."""
    for form in (f"{LOGS}:/deploy/shop/prod/backend", f"{LOGS}:/deploy/shop/prod/backend:log-stream:"):
        assert allowed(roles["backend"], "logs:CreateLogGroup", form)
    for other in ("frontend", "nginx", "bootstrap", "backend2"):
        assert not allowed(roles["backend"], "logs:CreateLogGroup", f"{LOGS}:/deploy/shop/prod/{other}"), other


def test_a_metric_goes_into_the_agents_namespace_only(roles: dict[str, Policies]) -> None:
    assert allowed(roles["backend"], "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "CWAgent"})
    assert not allowed(roles["backend"], "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Billing"})
    assert not allowed(roles["backend"], "cloudwatch:PutMetricData", "*")


def test_a_machine_tells_its_outcome_of_its_own_service_and_nothing_else(roles: dict[str, Policies]) -> None:
    def tags(keys: list[str] | None = None, resource: str = MACHINE, **changed: str) -> bool:
        context: dict[str, Any] = {**OWN, **{f"aws:ResourceTag/awsdeploy:{key}": one for key, one in changed.items()}}
        if keys is not None:
            context["aws:TagKeys"] = keys
        return allowed(roles["backend"], "ec2:CreateTags", resource, context)

    assert tags(["awsdeploy:bootstrap"])
    assert tags(["awsdeploy:bootstrap", "awsdeploy:release"])
    assert not tags(["awsdeploy:stack"])
    assert not tags(["awsdeploy:bootstrap", "Name"])
    assert not tags()
    assert not tags(["awsdeploy:bootstrap"], service="frontend")
    assert not tags(["awsdeploy:bootstrap"], stack="shop/dev")
    assert not tags(["awsdeploy:bootstrap"], resource=MACHINE.replace(":instance/i-", ":volume/vol-"))
    assert not allowed(roles["backend"], "ec2:CreateTags", MACHINE, {"aws:TagKeys": ["awsdeploy:bootstrap"]})


@pytest.mark.parametrize("action", sorted(WILDCARDS))
def test_the_agents_may_do_what_has_no_resource(roles: dict[str, Policies], action: str) -> None:
    context = {"cloudwatch:namespace": "CWAgent"}
    assert all(allowed(policies, action, "*", context) for policies in roles.values())


@pytest.mark.parametrize(
    "action",
    [
        *("ssm:PutParameter", "ssm:DeleteParameter", "ssm:SendCommand", "ssm:StartSession", "ssm:DescribeParameters"),
        *("iam:PassRole", "iam:PutRolePolicy", "iam:CreateUser", "sts:AssumeRole", "kms:Decrypt"),
        *("ec2:RunInstances", "ec2:TerminateInstances", "ec2:DescribeInstances", "ec2:DeleteTags"),
        *("logs:DescribeLogGroups", "logs:DeleteLogGroup", "logs:GetLogEvents", "cloudwatch:DeleteAlarms"),
        *("rds:DescribeDBInstances", "rds:DeleteDBInstance", "s3:ListAllMyBuckets", "s3:CreateBucket"),
        *("secretsmanager:GetSecretValue", "dynamodb:GetItem", "lambda:InvokeFunction", "route53:ListHostedZones"),
    ],
)
def test_what_no_machine_may_do_to_anything(roles: dict[str, Policies], action: str) -> None:
    for policies in roles.values():
        for policy in policies:
            for statement in listed(policy["Statement"]):
                assert not any(like(one.lower(), action.lower()) for one in listed(statement["Action"])), action


def test_everything_is_allowed_on_everything_only_where_aws_knows_nothing_narrower(roles: dict[str, Policies]) -> None:
    wide = {
        action
        for policies in roles.values()
        for policy in policies
        for statement in listed(policy["Statement"])
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert wide == set(WILDCARDS)
    assert all(WILDCARDS.values())


def test_no_action_is_a_pattern_and_the_policy_fits_into_a_role(roles: dict[str, Policies]) -> None:
    """AWS: 10,240 characters of inline policy in a role, white space not counted."""
    for policies in roles.values():
        text = json.dumps(policies, separators=(",", ":"))
        assert len(text) < 10_240 - 6_000, "room for a service's own statements"
        actions = [one for policy in policies for row in policy["Statement"] for one in listed(row["Action"])]
        assert not any("*" in action for action in actions)


def test_a_role_is_assumed_by_machines_only(documented: World) -> None:
    roles = documented.client("iam").list_roles(PathPrefix="/awsdeploy/shop/prod/machines/")["Roles"]
    assert len(roles) == 2
    for role in roles:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRole")
