"""`history` and `list`: each run that writes is in the stack's record, from any computer, and goes with the stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.account import leftovers
from tests.simulated import REGION, World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
LONGER = f"{CONFIG}\n[logs]\ndays = 60\n"
RECORD = "/deploy/shop/dev/stack"


def runs(world: World) -> list[dict[str, Any]]:
    done = world.awsdeploy("history", "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["runs"]
    return found


def parameter_writes(world: World) -> int:
    return sum(one["call"] == "ssm:PutParameter" for one in world.control("GET", "calls")["calls"])


def test_each_run_that_writes_is_recorded_and_no_other(stack_copy: World) -> None:
    before = runs(stack_copy)
    assert [(one["run"], one["command"], one["outcome"]) for one in before] == [(1, "up", "done")]
    assert before[0]["counts"]["created"] > 50
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    assert len(runs(stack_copy)) == 1, "without changes"
    (stack_copy.folder / "config.toml").write_text(LONGER)
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    last, first = runs(stack_copy)
    assert (last["run"], first["run"]) == (2, 1)
    assert "monitoring/logs/backend" in last["changed"]
    assert last["created"] == last["deleted"] == []
    assert last["who"]
    assert last["identity"] == "user/sandbox"
    assert last["seconds"] > 0
    told = stack_copy.awsdeploy("history").stdout
    assert f"{last['counts']['changed']} changed" in told
    one = stack_copy.awsdeploy("history", "2").stdout
    assert "Changed\n  monitoring/logs/" in one
    assert "AWS identity" in one


def test_a_run_is_recorded_by_one_write(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").write_text(LONGER)
    stack_copy.control("DELETE", "calls")
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    # The record twice in vain, since it exists; the lock; the record of the run.
    assert parameter_writes(stack_copy) == 4


def test_a_run_that_is_not_recorded_does_not_exist(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("history", "9")
    assert done.returncode == 64
    assert "no record of run 9" in done.stderr


def test_a_failed_run_is_recorded_and_its_lock_is_gone(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").write_text(LONGER)
    refusal = {"operation": "logs:PutRetentionPolicy", "code": "LimitExceededException", "status": 400, "times": 99}
    stack_copy.control("POST", "refuse", refusal)
    assert stack_copy.awsdeploy("up", "--yes").returncode != 0
    assert [(one["run"], one["outcome"]) for one in runs(stack_copy)] == [(2, "failed"), (1, "done")]
    assert "is not locked" in stack_copy.awsdeploy("unlock").stdout
    listed = json.loads(stack_copy.awsdeploy("list", "--json").stdout)["stacks"]
    assert [one["health"] for one in listed] == ["`up` failed"]


def test_who_comes_after_a_killed_run_records_it(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").write_text(LONGER)
    ssm = stack_copy.client("ssm")
    left = {"id": "x", "who": "kim", "where": "laptop", "pid": 1, "since": "2026-11-28T01:00:00+00:00", "command": "up"}
    ssm.put_parameter(Name="/deploy/shop/dev/lock", Value=json.dumps(left | {"renewed": left["since"]}), Type="String")
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    (last, _) = runs(stack_copy)
    assert last["interrupted"] == "`up` by kim on laptop (process 1), since 2026-11-28 01:00+0000"
    assert "before this run, one never ended: `up` by kim on laptop" in stack_copy.awsdeploy("history").stdout


def test_the_history_goes_with_the_stack(stack_copy: World) -> None:
    assert stack_copy.awsdeploy("destroy", "--confirm", "shop-dev").returncode == 0
    assert leftovers(stack_copy) == []
    assert stack_copy.awsdeploy("history").returncode == 6
    done = stack_copy.awsdeploy("list")
    assert done.returncode == 0
    assert f"There is no stack in account 123456789012, {REGION}." in done.stdout


def test_a_run_that_lost_its_stack_does_not_record_itself(stack_copy: World) -> None:
    """Somebody broke the lock and deleted the stack: a record now would be a leftover."""
    made, _ = stack_copy.run(stack_copy.settings(CONFIG))
    ssm = stack_copy.client("ssm")
    with made.writing("up"):
        ssm.delete_parameters(Names=[RECORD, "/deploy/shop/dev/lock"])
    names = [one["Name"] for one in ssm.describe_parameters()["Parameters"]]
    assert RECORD not in names


def test_list_needs_no_config_and_shows_dev_and_prod(
    stack_copy: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stack_copy.folder / "config.toml").write_text(CONFIG.replace("dev", "prod"))
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    elsewhere: Path = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    stack_copy.folder = elsewhere
    done = stack_copy.awsdeploy("list")
    assert done.returncode == 0, done.stderr
    assert "shop-dev" in done.stdout
    assert "shop-prod" in done.stdout
    dev, prod = json.loads(stack_copy.awsdeploy("list", "--json").stdout)["stacks"]
    assert (dev["stack"], prod["stack"]) == ("shop-dev", "shop-prod")
    assert (dev["health"], prod["health"]) == ("no alarm", "no alarm")
    assert prod["monthly"] > 20
    assert prod["last_run"]["command"] == "up"
    assert f"${prod['monthly']:.2f}" in done.stdout
    assert list(elsewhere.iterdir()) == []


def test_list_names_the_alarms_that_are_on(stack_copy: World) -> None:
    cloudwatch = stack_copy.client("cloudwatch")
    name = next(
        one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"] if "backend-1-cpu" in one["AlarmName"]
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    (one,) = json.loads(stack_copy.awsdeploy("list", "--json").stdout)["stacks"]
    assert (one["health"], one["alarms"]) == ("alarm: backend-1-cpu", ["backend-1-cpu"])


def test_list_does_not_say_no_alarm_if_alarms_cannot_be_read(stack_copy: World) -> None:
    stack_copy.control("POST", "deny", {"actions": ["cloudwatch:DescribeAlarms"]})
    assert "unknown: no permission to read alarms" in stack_copy.awsdeploy("list").stdout
    (one,) = json.loads(stack_copy.awsdeploy("list", "--json").stdout)["stacks"]
    assert one["alarms"] is None


def test_the_next_command_of_an_empty_list_names_one_region(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("list", "--region", "eu-west-1")
    assert done.stdout.splitlines()[-1].count("--region") == 1
