"""`pause` and `resume`: what stops, what that saves, and that everything serves again afterwards."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from awsdeploy.engine.resource import Observed
from awsdeploy.operations import pausing
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.database.instance import Database
from tests.simulated import World, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""


def paused(world: World, *words: str) -> dict[str, Any]:
    done = world.awsdeploy("pause", "--yes", "--json", *words)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def states(world: World) -> list[str]:
    """States of the machines and of the database."""
    machines = world.client("ec2").describe_instances()["Reservations"]
    found = [one["State"]["Name"] for some in machines for one in some["Instances"]]
    return [*found, *(one["DBInstanceStatus"] for one in world.client("rds").describe_db_instances()["DBInstances"])]


def speaking(world: World) -> set[str]:
    """Alarms that send messages."""
    alarms = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {one["AlarmName"] for one in alarms if one["ActionsEnabled"]}


def test_a_stack_is_paused_and_resumed(stack_copy: World) -> None:
    before = speaking(stack_copy)
    assert before
    told = paused(stack_copy)
    assert states(stack_copy) == ["stopped"] * 3
    assert speaking(stack_copy) == set()
    assert {"database/mysql", "machines/frontend-1", "machines/backend-1"} < set(told["paused"])
    # Two t3.micro, db.t3.micro and two public addresses, 730 hours: docs/costs.md.
    assert told["monthly"]["before"] - told["monthly"]["paused"] == pytest.approx(45.26, abs=0.01)

    shown = stack_copy.awsdeploy("status")
    assert ": paused" in shown.stdout
    assert "awsdeploy resume" in shown.stdout
    assert json.loads(stack_copy.awsdeploy("status", "--json").stdout)["paused"] is True
    for command in ("plan", "drift"):
        assert "awsdeploy resume" in stack_copy.awsdeploy(command).stdout, command
    (listed,) = json.loads(stack_copy.awsdeploy("list", "--json").stdout)["stacks"]
    assert listed["monthly"] == told["monthly"]["paused"]

    resumed = stack_copy.awsdeploy("resume", "--yes")
    assert resumed.returncode == 0, resumed.stderr
    assert speaking(stack_copy) == before
    assert stack_copy.awsdeploy("status").returncode == 0


def test_a_second_pause_stops_only_the_database_that_aws_has_started(stack_copy: World) -> None:
    first = paused(stack_copy)
    assert first["database_starts"]
    stack_copy.control("DELETE", "calls")
    again = paused(stack_copy)
    assert (again["paused"], again["database_starts"]) == ([], None)
    assert writes(Counter(stack_copy.control("GET", "calls")["counts"])) == {}
    (database,) = stack_copy.client("rds").describe_db_instances()["DBInstances"]
    stack_copy.client("rds").start_db_instance(DBInstanceIdentifier=database["DBInstanceIdentifier"])
    assert paused(stack_copy)["paused"] == ["database/mysql"]
    assert states(stack_copy) == ["stopped"] * 3


def test_a_pause_that_was_killed_is_completed_by_the_next(stack_copy: World) -> None:
    stack_copy.control("POST", "fault", {"kind": "kill-after", "write": 1, "operation": "ec2:StopInstances"})
    assert stack_copy.awsdeploy("pause", "--yes").returncode == -9
    paused(stack_copy)
    assert states(stack_copy) == ["stopped"] * 3


def test_the_database_before_a_restore_is_not_stopped_and_still_costs() -> None:
    kinds = {"database/mysql": Database, "database/mysql/replaced": Database, "machines/backend-1": Instance}
    there = [Observed(kind, key, key) for key, kind in kinds.items()]
    assert [one.status for one in pausing.after(there)] == ["stopped", "available", "stopped"]


def test_no_snapshot_of_a_paused_database_is_waited_for(stack_copy: World) -> None:
    paused(stack_copy)
    done = stack_copy.awsdeploy("backup", "now", timeout=120)
    assert done.returncode == 4
    assert "database/mysql: " in done.stderr
    assert "is stopped, and AWS takes no snapshot of it" in done.stderr
    assert "awsdeploy resume\n" in done.stderr
    refused = stack_copy.awsdeploy("restore", "database", "--to", "latest", "--yes")
    assert "awsdeploy resume\n" in refused.stderr


def test_a_stack_that_does_not_exist_is_neither_paused_nor_resumed(world: World) -> None:
    world.settings(CONFIG)
    for command in ("pause", "resume"):
        done = world.awsdeploy(command, "--yes")
        assert done.returncode == 6, done.stderr
        assert "Stack shop-dev does not exist in ap-northeast-2." in done.stderr
    assert writes(Counter(world.control("GET", "calls")["counts"])) == {}


def test_nothing_stops_without_consent(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("pause")
    assert done.returncode == 64
    assert "--yes" in done.stderr
    assert states(stack_copy) == ["running", "running", "available"]
