"""A simulated machine reports on its bootstrap only if it could have fetched and run it, and the gate believes it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.errors import AwsFailure
from awsdeploy.resources.compute import bootstrap
from awsdeploy.sandbox import control
from tests.conftest import forked
from tests.simulated import World, tags

pytestmark = pytest.mark.slow

CONFIG = 'name = "boot"\nenvironment = "dev"\nplatform = "supported"\n\n[services.worker]\n'
KEY = "machines/worker-1"
WELL = re.sub(r"(?s).*^readonly VERSION=(\d+)$.*", r"ok \1", bootstrap.script().decode(), flags=re.M)
GATE = "machines/worker-bootstrapped"
FETCHES = """#!/bin/bash
aws s3 cp --region ap-northeast-2 s3://{bucket}/bootstrap/bootstrap.sh /opt/awsdeploy/bootstrap.sh
bash /opt/awsdeploy/bootstrap.sh
"""


@pytest.fixture(scope="module")
def stack(sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with forked(sandbox, tmp_path_factory.mktemp("boot")) as world:
        world.up(world.settings(CONFIG))
        yield world


def artifacts(world: World) -> str:
    names: list[str] = [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]]
    return next(name for name in names if "-artifacts-" in name)


def started(world: World, script: str, **more: object) -> dict[str, str]:
    """The tags of a machine some minutes after it was started with this user data."""
    ec2 = world.client("ec2")
    profile = world.client("iam").list_instance_profiles()["InstanceProfiles"][0]["InstanceProfileName"]
    image = world.client("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    wanted = {"IamInstanceProfile": {"Name": profile}, **more}
    wanted = {name: value for name, value in wanted.items() if value}
    made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, UserData=script, **wanted)
    id = made["Instances"][0]["InstanceId"]
    world.pass_time(300)
    (found,) = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"]
    ec2.terminate_instances(InstanceIds=[id])
    return tags(found.get("Tags"))


def test_a_machine_that_may_fetch_its_script_reports(stack: World) -> None:
    assert started(stack, FETCHES.format(bucket=artifacts(stack)))["awsdeploy:bootstrap"] == WELL


def test_a_machine_without_the_script_or_without_a_role_reports_nothing(stack: World) -> None:
    script = FETCHES.format(bucket=artifacts(stack))
    for text, more in (
        ("#!/bin/bash\n", {}),
        (script.replace("bootstrap/", "elsewhere/", 1), {}),
        (script.replace("bash /opt", "cat /opt"), {}),
        (script, {"IamInstanceProfile": None}),
    ):
        assert "awsdeploy:bootstrap" not in started(stack, text, **more), text


def test_a_machine_whose_role_may_not_read_the_script_reports_nothing(
    sandbox: control.RunningSandbox, tmp_path: Path
) -> None:
    with forked(sandbox, tmp_path) as world:
        world.up(world.settings(CONFIG))
        iam = world.client("iam")
        (role,) = iam.list_roles(PathPrefix="/awsdeploy/boot/dev/machines/")["Roles"]
        tag = {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*"}
        iam.put_role_policy(
            RoleName=role["RoleName"],
            PolicyName="awsdeploy",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [tag]}),
        )
        assert "awsdeploy:bootstrap" not in started(world, FETCHES.format(bucket=artifacts(world)))


def test_status_and_up_tell_the_step_that_failed_and_what_to_do(
    sandbox: control.RunningSandbox, tmp_path: Path
) -> None:
    with forked(sandbox, tmp_path) as world:
        settings = world.settings(CONFIG)
        world.up(settings)
        (observed,) = [one for one in world.everything(settings) if one.key == KEY]
        ec2 = world.client("ec2")
        ec2.create_tags(Resources=[observed.id], Tags=[{"Key": "awsdeploy:bootstrap", "Value": "failed 1 node"}])
        (gate,) = [one for one in world.plan(settings).items.values() if one.resource.key == GATE]
        assert gate.observed is not None
        assert (gate.action, gate.observed.status) == ("wait", "failed")
        assert f"{observed.id} at step node of version 1" in gate.observed.reason
        said = world.awsdeploy("status")
        assert said.returncode == 1
        assert "at step node" in said.stdout
        with pytest.raises(AwsFailure, match="at step node") as failure:
            world.up(settings)
        assert "--replace" in failure.value.hint
        assert "/var/log/awsdeploy/bootstrap.log" in failure.value.hint
        ec2.create_tags(Resources=[observed.id], Tags=[{"Key": "awsdeploy:bootstrap", "Value": WELL}])
        world.up(settings)


def test_up_waits_for_a_machine_that_has_not_reported_yet(sandbox: control.RunningSandbox, tmp_path: Path) -> None:
    with forked(sandbox, tmp_path) as world:
        settings = world.settings(CONFIG)
        world.up(settings)
        (observed,) = [one for one in world.everything(settings) if one.key == KEY]
        ec2, waits = world.client("ec2"), threading.Event()
        tag = {"Key": "awsdeploy:bootstrap", "Value": WELL}
        ec2.delete_tags(Resources=[observed.id], Tags=[{"Key": tag["Key"]}])

        def report_when_waited_for(event: object) -> None:
            if getattr(event, "key", "") == GATE and getattr(event, "status", "") == "bootstrapping":
                waits.set()
                ec2.create_tags(Resources=[observed.id], Tags=[tag])

        world.on_event = report_when_waited_for
        world.up(settings)
        assert waits.is_set()
