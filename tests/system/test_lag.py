"""Reads that lag behind writes, as AWS's do: every change comes in one run, and no write is sent twice."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.aws.session import Client
from awsdeploy.aws.waiting import Cancellation
from awsdeploy.errors import AwsFailure
from tests.permissions.stages import copied
from tests.sandbox.sample_application import STILL
from tests.simulated import READS, World, tags, writes

pytestmark = pytest.mark.slow

SPEED = 100.0
LAG = 15.0
CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
CHANGED = (
    CONFIG
    + """\
[services.frontend]
volume_gb = 40
[services.backend]
instance_type = "t3.small"
[database]
instance_class = "db.t3.small"
[logs]
access_days = 30
[uploads]
temp_days = 3
"""
)

Sent = Counter[tuple[str, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Every write that AWS took, with what it said."""
    seen: Sent = Counter()
    original = Client._once

    def once(self: Client, raw: Any, method: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        said = json.dumps(parameters, sort_keys=True, default=str)
        answer = original(self, raw, method, operation, parameters)
        if not operation.startswith(READS):
            seen[f"{self._service}:{operation}", said] += 1
        return answer

    monkeypatch.setattr(Client, "_once", once)
    return seen


@pytest.fixture
def lagging_world(world: World) -> World:
    """A world in which AWS's seconds are long enough to see what lags."""
    world.control("POST", "speed", {"speed": SPEED})
    world.control("POST", "lag", {"seconds": LAG})
    return dataclasses.replace(world, settle=60 / SPEED)


@pytest.fixture(scope="module")
def stack_copy(module_world: World) -> World:
    module_world.up(module_world.settings(CONFIG))
    return module_world


@pytest.fixture
def stack_world(stack_copy: World, tmp_path: Path) -> Iterator[World]:
    """A copy of a world in which the stack is up; time stands still."""
    with copied(stack_copy, tmp_path) as made:
        made.control("POST", "speed", {"speed": STILL})
        yield made


def twice(sent: Sent) -> list[tuple[str, str]]:
    return [write for write, times in sent.items() if times > 1]


def counted(sent: Sent) -> dict[str, int]:
    """Number of calls of each operation, without those of the stack's own lock."""
    counts: Counter[str] = Counter()
    for (operation, _), times in sent.items():
        counts[operation] += times
    return {operation: times for operation, times in counts.items() if not operation.startswith("ssm:")}


def disk_of(world: World, machine: str) -> str:
    volumes = world.client("ec2").describe_volumes()["Volumes"]
    (one,) = [one for one in volumes if tags(one["Tags"])["awsdeploy:resource"] == f"machines/{machine}/disk"]
    return str(one["VolumeId"])


def database_of(world: World) -> str:
    (one,) = world.client("rds").describe_db_instances()["DBInstances"]
    return str(one["DBInstanceIdentifier"])


def test_up_changes_and_destroy_converge_in_one_run_with_each_write_sent_once(lagging_world: World, sent: Sent) -> None:
    lagging_world.up(settings := lagging_world.settings(CONFIG))
    assert twice(sent) == []
    assert lagging_world.plan(settings).quiet

    sent.clear()
    lagging_world.up(settings := lagging_world.settings(CHANGED))
    assert counted(sent) == {
        "ec2:ModifyVolume": 1,
        "rds:ModifyDBInstance": 1,
        "s3:PutBucketLifecycleConfiguration": 2,
        "ec2:StopInstances": 1,
        "ec2:ModifyInstanceAttribute": 1,
        "ec2:StartInstances": 1,
        "cloudwatch:PutMetricAlarm": 1,
    }
    assert lagging_world.plan(settings).quiet

    sent.clear()
    assert lagging_world.destroy(settings) == []
    assert twice(sent) == []
    assert lagging_world.everything(settings) == []


def test_what_aws_was_told_by_another_run_is_waited_for_and_not_sent_again(stack_world: World) -> None:
    wanted = stack_world.settings(CHANGED)
    stack_world.client("rds").modify_db_instance(
        DBInstanceIdentifier=database_of(stack_world), DBInstanceClass="db.t3.small", ApplyImmediately=True
    )
    stack_world.client("ec2").modify_volume(VolumeId=disk_of(stack_world, "frontend-1"), Size=40)
    items = {item.resource.key: item for item in stack_world.plan(wanted).items.values()}
    for key, field in (("database/mysql", "DBInstanceClass"), ("machines/frontend-1", "disk GB")):
        assert items[key].action == "wait"
        assert [(one.field, one.impact) for one in items[key].changes] == [(field, "AWS is still changing it")]
    shown = stack_world.awsdeploy("status")
    assert shown.returncode == 1
    assert "available; in progress" in shown.stdout
    assert "DBInstanceClass: expected db.t3.small; actual db.t3.micro" in shown.stdout
    stack_world.control("POST", "speed", {"speed": 600})
    done = writes(stack_world.up(wanted))
    assert not done.keys() & {"rds:ModifyDBInstance", "ec2:ModifyVolume"}
    assert stack_world.plan(wanted).quiet


def test_a_password_counts_as_changed_when_aws_has_made_it_valid(stack_world: World) -> None:
    settings, password = stack_world.settings(CONFIG), "/deploy/shop/dev/database/DB_PASSWORD"
    stack_world.client("ssm").put_parameter(
        Name=password, Value="ByHand1234567890", Type="SecureString", Overwrite=True
    )
    stack_world.control("POST", "fault", {"kind": "kill-after", "write": 1, "operation": "rds:AddTagsToResource"})
    assert stack_world.awsdeploy("up", "--yes").returncode == -9
    (database,) = stack_world.client("rds").describe_db_instances()["DBInstances"]
    assert database["DBInstanceStatus"] == "available", "AWS has not begun"
    (item,) = [item for item in stack_world.plan(settings).items.values() if item.changes]
    assert (item.action, [(one.field, one.begun) for one in item.changes]) == ("wait", [("MasterUserPassword", True)])
    stack_world.control("POST", "speed", {"speed": 600})
    assert "rds:ModifyDBInstance" not in stack_world.up(settings)
    (database,) = stack_world.client("rds").describe_db_instances()["DBInstances"]
    assert (database["DBInstanceStatus"], database["PendingModifiedValues"]) == ("available", {})
    assert stack_world.plan(settings).quiet


def test_a_change_of_the_database_that_waits_for_its_window_is_sent_after_all(stack_world: World) -> None:
    stack_world.client("rds").modify_db_instance(
        DBInstanceIdentifier=database_of(stack_world), DBInstanceClass="db.t3.small"
    )
    stack_world.control("POST", "speed", {"speed": 600})
    assert writes(stack_world.up(wanted := stack_world.settings(CHANGED)))["rds:ModifyDBInstance"] == 1
    assert stack_world.plan(wanted).quiet


def test_a_change_of_the_database_that_waits_for_its_window_and_is_not_declared_is_taken_back(
    stack_world: World,
) -> None:
    settings = stack_world.settings(CONFIG)
    stack_world.client("rds").modify_db_instance(
        DBInstanceIdentifier=database_of(stack_world), DBInstanceClass="db.t3.small"
    )
    (item,) = [item for item in stack_world.plan(settings).items.values() if item.changes]
    assert [(one.old, one.new) for one in item.changes] == [("db.t3.small (pending)", "db.t3.micro")]
    stack_world.control("POST", "speed", {"speed": 600})
    assert writes(stack_world.up(settings))["rds:ModifyDBInstance"] == 1
    assert stack_world.plan(settings).quiet


def test_a_disk_that_aws_does_not_change_now_says_when_it_will(stack_world: World) -> None:
    wanted = stack_world.settings(CHANGED)
    stack_world.client("ec2").modify_volume(VolumeId=disk_of(stack_world, "frontend-1"), Size=36)
    items = {item.resource.key: item for item in stack_world.plan(wanted).items.values()}
    assert items["machines/frontend-1"].changes[0].impact == "AWS refuses it until the previous change is done"
    for hours, code in ((0, "IncorrectModificationState"), (2, "VolumeModificationRateExceeded")):
        stack_world.pass_time(hours * 3600)
        stack_world.control("POST", "speed", {"speed": 600})
        with pytest.raises(AwsFailure, match=code) as failed:
            stack_world.up(wanted)
        assert "six hours" in failed.value.hint
    stack_world.pass_time(6 * 3600)
    stack_world.up(wanted)
    assert stack_world.plan(wanted).quiet


def test_storage_that_has_grown_by_itself_is_no_drift(stack_world: World) -> None:
    stack_world.client("rds").modify_db_instance(
        DBInstanceIdentifier=database_of(stack_world), AllocatedStorage=31, ApplyImmediately=True
    )
    stack_world.pass_time(301)
    assert stack_world.plan(stack_world.settings(CONFIG)).quiet


def test_what_must_be_created_first_is_not_looked_for(stack_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that were sent a moment ago differ until the next `up` has created the target group."""
    stack_world.settle = 3600
    monkeypatch.setattr(Cancellation, "sleep", lambda *_: pytest.fail("the plan waits"))
    planned = stack_world.plan(stack_world.settings(CONFIG + "[services.frontend]\n[services.backend]\nport = 8080\n"))
    actions = {item.resource.key: item.action for item in planned.items.values()}
    assert (actions["web/backend"], actions["web/http"]) == ("replace", "change")


def test_rules_that_s3_shows_in_turn_with_those_before_are_no_drift_right_after_up(stack_world: World) -> None:
    (stack_world.folder / "config.toml").write_text(CONFIG + "[uploads]\ntemp_days = 3\n")
    done = stack_world.awsdeploy("up", "--yes", AWSDEPLOY_SETTLE="30")
    assert done.returncode == 0, done.stdout + done.stderr
    for _ in range(3):
        shown = stack_world.awsdeploy("status", AWSDEPLOY_SETTLE="30")
        assert shown.returncode == 0, shown.stdout
