"""Release from CI: the repository, and a role that may do what the commands do and nothing more.

The commands run in this process, so that each call is seen with what it is about; the verdicts are an evaluator's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from awsdeploy.architecture.ci import SCALED, WILDCARDS
from awsdeploy.aws.session import AwsSession
from awsdeploy.cli.app import awsdeploy
from awsdeploy.release.deploy import ARCHIVES_KEPT
from tests.iam import allowed, like, listed
from tests.release.repository import commit, git
from tests.release.site import founded
from tests.simulated import World, tags

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.backend]
paths = ["/*"]

[services.backend.scaling]
min = 2
max = 3
health = "elb" # its health checks are suspended during a release

[uploads]
replicate = true # a second region to look at

[ci]
github = "acme/site"
"""
ACCOUNT = "123456789012"
STACK = "awsdeploy:stack"


class Made(NamedTuple):
    """A call as it was made."""

    service: str
    region: str
    operation: str
    told: dict[str, Any]


class Authorization(NamedTuple):
    """Request to IAM for a call."""

    action: str
    resource: str
    context: dict[str, str]


@pytest.fixture(scope="module")
def site(module_world: World) -> World:
    """A stack with nothing released, its repository beside it, and more old releases than are kept."""
    founded(module_world, CONFIG)
    s3 = module_world.client("s3")
    for number in range(ARCHIVES_KEPT):
        s3.put_object(Bucket=artifacts(module_world), Key=f"releases/backend/2020{number:02}.json", Body=b"{}")
    return module_world


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repository of the second release."""
    return tmp_path_factory.mktemp("elsewhere") / "clone"


@pytest.fixture(scope="module")
def made(site: World, clone: Path) -> list[Made]:
    """Every call of a first release, a second out of a clone, a rollback, a restart and a look at the releases."""
    calls: list[Made] = []
    make = AwsSession._make

    def recording(session: AwsSession, service: str, region: str) -> Any:
        client = make(session, service, region)
        events = client.meta.events
        events.register("provide-client-params.*.*", lambda params, context, **_: context.update(told=dict(params)))
        # What is only signed for a browser is no call.
        events.register(
            "before-call.*.*",
            lambda model, context, **_: calls.append(Made(service, region, model.name, context["told"])),
        )
        return client

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AwsSession, "_make", recording)
        patch.chdir(site.folder)
        awsdeploy.main(["deploy"], standalone_mode=False)
        commit(site.folder, {"config.toml": CONFIG, "README": "from elsewhere"})
        git(clone.parent, "clone", "-q", "--depth", "1", f"file://{site.folder}", str(clone))
        assert not (clone / ".awsdeploy").exists()
        patch.chdir(clone)
        second = ["deploy", "backend", "--ref", git(clone, "rev-parse", "HEAD").strip()]
        for words in (second, ["rollback", "backend"], ["restart", "backend"], ["releases"]):
            awsdeploy.main(words, standalone_mode=False)
    return calls


@pytest.fixture(scope="module")
def policies(site: World) -> list[dict[str, Any]]:
    iam = site.client("iam")
    (role,) = iam.list_roles(PathPrefix="/awsdeploy/site/dev/ci/")["Roles"]
    name = role["RoleName"]
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["awsdeploy"]
    return [iam.get_role_policy(RoleName=name, PolicyName="awsdeploy")["PolicyDocument"]]


def artifacts(world: World) -> str:
    names = [str(one["Name"]) for one in world.client("s3").list_buckets()["Buckets"]]
    return next(name for name in names if "-artifacts-" in name)


def asked(world: World, call: Made) -> Iterator[Authorization]:
    """Authorizations of a call, after the Service Authorization Reference. An unknown call fails."""
    told, place = call.told, f"{call.region}:{ACCOUNT}"
    match call.service, call.operation:
        case "sts", "GetCallerIdentity":
            return  # AWS: nobody needs a permission to be told who he is
        case "ssm", "GetParameter" | "PutParameter" | "DeleteParameter":
            name = told["Name"].partition(":")[0]
            yield Authorization(f"ssm:{call.operation}", f"arn:aws:ssm:{place}:parameter{name}", {})
            if "Tags" in told:
                yield Authorization("ssm:AddTagsToResource", f"arn:aws:ssm:{place}:parameter{name}", {})
        case "ssm", "SendCommand":
            yield Authorization("ssm:SendCommand", f"arn:aws:ssm:{call.region}::document/{told['DocumentName']}", {})
            for id in told["InstanceIds"]:
                found = world.client("ec2").describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]
                context = {f"ssm:resourceTag/{key}": value for key, value in tags(found["Tags"]).items()}
                yield Authorization("ssm:SendCommand", f"arn:aws:ec2:{place}:instance/{id}", context)
        case "ssm", "DescribeInstanceInformation" | "GetCommandInvocation":
            yield Authorization(f"ssm:{call.operation}", "*", {})
        case "ec2", "DescribeInstances":
            yield Authorization("ec2:DescribeInstances", "*", {})
        case "elbv2", "RegisterTargets" | "DeregisterTargets":
            arn = told["TargetGroupArn"]
            described = world.client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
            context = {f"aws:ResourceTag/{key}": value for key, value in tags(described).items()}
            yield Authorization(f"elasticloadbalancing:{call.operation}", arn, context)
            if call.operation == "RegisterTargets":
                # AWS: Elastic Load Balancing API permissions.
                for what in ("Instances", "InternetGateways", "Subnets", "Vpcs"):
                    yield Authorization(f"ec2:Describe{what}", "*", {})
        case "elbv2", operation if operation.startswith("Describe"):
            yield Authorization(f"elasticloadbalancing:{operation}", "*", {})
        case "autoscaling", "DescribeAutoScalingGroups":
            yield Authorization("autoscaling:DescribeAutoScalingGroups", "*", {})
        case "autoscaling", "SuspendProcesses" | "ResumeProcesses":
            assert told["ScalingProcesses"] == ["HealthCheck"]
            (group,) = world.client("autoscaling").describe_auto_scaling_groups(
                AutoScalingGroupNames=[told["AutoScalingGroupName"]]
            )["AutoScalingGroups"]
            context = {f"aws:ResourceTag/{key}": value for key, value in tags(group["Tags"]).items()}
            yield Authorization(f"autoscaling:{call.operation}", group["AutoScalingGroupARN"], context)
        case "s3", "ListBuckets":
            yield Authorization("s3:ListAllMyBuckets", "*", {})
        case "s3", "ListObjectsV2":
            yield Authorization("s3:ListBucket", f"arn:aws:s3:::{told['Bucket']}", {"s3:prefix": told["Prefix"]})
        case "s3", "GetObject" | "PutObject" | "DeleteObject":
            yield Authorization(f"s3:{call.operation}", f"arn:aws:s3:::{told['Bucket']}/{told['Key']}", {})
            # AWS: what is not there is 404 to who may list the bucket, asked without a prefix, and 403 to others.
            yield Authorization("s3:ListBucket", f"arn:aws:s3:::{told['Bucket']}", {})
        case "logs", "GetLogEvents":
            group = f"arn:aws:logs:{place}:log-group:{told['logGroupName']}"
            yield Authorization("logs:GetLogEvents", f"{group}:log-stream:{told['logStreamName']}", {})
        case "cloudwatch", "DescribeAlarms":
            yield Authorization("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{place}:alarm:*", {})
        case "cloudwatch", "EnableAlarmActions":
            for name in told["AlarmNames"]:
                arn = f"arn:aws:cloudwatch:{place}:alarm:{name}"
                described = world.client("cloudwatch", call.region).list_tags_for_resource(ResourceARN=arn)["Tags"]
                context = {f"aws:ResourceTag/{key}": value for key, value in tags(described).items()}
                yield Authorization("cloudwatch:EnableAlarmActions", arn, context)
        case _:
            raise AssertionError(f"nobody has said what IAM is asked for {call}")


def test_the_role_may_make_every_call_of_a_release(
    site: World, made: list[Made], policies: list[dict[str, Any]]
) -> None:
    wanted = [one for call in made for one in asked(site, call)]
    refused = {(one.action, one.resource) for one in wanted if not allowed(policies, *one)}
    assert refused == set()


def test_a_group_that_the_load_balancer_judges_replaces_no_machine_of_a_release(site: World, made: list[Made]) -> None:
    (group,) = site.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert group["SuspendedProcesses"] == []
    done = [call.operation for call in made if call.service == "autoscaling" and "Processes" in call.operation]
    assert done == ["SuspendProcesses", "ResumeProcesses"] * 4  # two deploys, a rollback, a restart
    sent = {id for call in made if call.operation == "SendCommand" for id in call.told["InstanceIds"]}
    assert {one["InstanceId"] for one in group["Instances"]} == sent
    assert len(group["Instances"]) == 2


def test_the_role_may_do_nothing_that_no_release_does(
    site: World, made: list[Made], policies: list[dict[str, Any]]
) -> None:
    used = {one.action for call in made for one in asked(site, call)}
    assert {action for policy in policies for one in policy["Statement"] for action in listed(one["Action"])} == used


def test_what_is_another_stacks_is_out_of_reach(site: World, made: list[Made], policies: list[dict[str, Any]]) -> None:
    """Resources with tags are recognised by them, the rest by their names."""
    reads = ("ssm:SendCommand", "cloudwatch:DescribeAlarms")  # any machine may be sent the document; alarms are a list
    for one in {(one.action, one.resource): one for call in made for one in asked(site, call)}.values():
        if one.resource == "*":
            continue
        if one.context and one.action != "s3:ListBucket":
            other = {key: "site/dev2" if key.endswith(STACK) else value for key, value in one.context.items()}
            assert not allowed(policies, one.action, one.resource, other), one
            assert not allowed(policies, one.action, one.resource), one
        elif one.action not in reads:
            resource = one.resource.replace("/site/dev/", "/site/dev2/").replace("site-dev-", "site-dev2-")
            assert resource != one.resource
            assert not allowed(policies, one.action, resource), resource


@pytest.mark.parametrize("name", ["backend/JWT_SECRET", "database/DB_PASSWORD", "frontend/S3_BUCKET", "lock2"])
def test_no_value_of_a_service_is_read_or_written(policies: list[dict[str, Any]], name: str) -> None:
    arn = f"arn:aws:ssm:ap-northeast-2:{ACCOUNT}:parameter/deploy/site/dev/{name}"
    for action in ("GetParameter", "PutParameter", "DeleteParameter", "AddTagsToResource"):
        assert not allowed(policies, f"ssm:{action}", arn)


def test_what_commands_by_hand_say_is_not_read(policies: list[dict[str, Any]]) -> None:
    group = f"arn:aws:logs:ap-northeast-2:{ACCOUNT}:log-group:/deploy/site/dev"
    for action in ("logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery"):
        assert not allowed(policies, action, f"{group}/exec:log-stream:one")
    assert allowed(policies, "logs:GetLogEvents", f"{group}/backend:log-stream:one")


def test_the_record_is_never_deleted_and_no_other_object_written(site: World, policies: list[dict[str, Any]]) -> None:
    record = f"arn:aws:ssm:ap-northeast-2:{ACCOUNT}:parameter/deploy/site/dev/stack"
    assert not allowed(policies, "ssm:DeleteParameter", record)
    bucket = f"arn:aws:s3:::{artifacts(site)}"
    assert not allowed(policies, "s3:PutObject", f"{bucket}/bootstrap/bootstrap.sh")
    assert not allowed(policies, "s3:DeleteObject", f"{bucket}/bootstrap/release.sh")
    assert not allowed(policies, "s3:GetObject", f"{bucket.replace('artifacts', 'uploads')}/releases/x")


def test_on_everything_it_only_reads_and_every_wildcard_has_a_reason(policies: list[dict[str, Any]]) -> None:
    statements = [one for policy in policies for one in policy["Statement"]]
    wide = {action for one in statements if "*" in listed(one["Resource"]) for action in listed(one["Action"])}
    assert wide == {*WILDCARDS, *SCALED}
    assert all({**WILDCARDS, **SCALED}.values())
    assert all(like("*:Describe*", action) or like("*:Get*", action) or like("*:List*", action) for action in wide)
    assert not [action for one in statements for action in listed(one["Action"]) if "*" in action]
    assert len(json.dumps(policies, separators=(",", ":"))) < 10_240  # AWS: of inline policy in a role


@pytest.mark.usefixtures("made")
def test_a_folder_with_nothing_but_the_repository_is_enough(site: World, clone: Path) -> None:
    """A workflow checks out one commit and has no state."""
    listed = json.loads(site.awsdeploy("releases", "backend", "--json").stdout)["releases"]
    commits = {
        git(folder, "rev-parse", "--short=7", rev).strip() for folder, rev in ((clone, "HEAD"), (site.folder, "HEAD~1"))
    }
    assert {row["release"].rpartition("-")[2] for row in listed if "-" in row["release"]} >= commits
    assert git(clone, "status", "--porcelain") == ""
    assert [path.name for path in (clone / ".awsdeploy").iterdir()] == ["site-dev.lock"]
    assert (clone / ".awsdeploy" / "site-dev.lock").read_text() == ""
