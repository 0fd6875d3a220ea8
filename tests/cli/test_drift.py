"""`drift`: expected and actual values; what is missing; and what `[drift] ignore` leaves out, here and elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from awsdeploy.engine.resource import KINDS
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
IGNORING = f'{CONFIG}\n[drift]\nignore = ["web/alb:idle_timeout"]\n'
IDLE = "idle_timeout.timeout_seconds"
ATTRIBUTE = {"attribute": IDLE, "expected": "60", "actual": "120"}


def changed_by_hand(world: World) -> None:
    """The load balancer waits longer, and an alarm is gone."""
    balancer = world.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    world.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=[{"Key": IDLE, "Value": "120"}]
    )


def alarm_deleted(world: World) -> None:
    alarms = world.client("cloudwatch").describe_alarms()["MetricAlarms"]
    names = [
        one["AlarmName"] for one in alarms if "shop/dev monitoring/alarms/backend-1-cpu" in one["AlarmDescription"]
    ]
    world.client("cloudwatch").delete_alarms(AlarmNames=names)


def test_no_drift_is_0_and_one_line(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("drift")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert done.stdout.endswith("no drift, AWS matches config.toml\n")


def test_drift_is_7_with_expected_and_actual_values_and_what_is_missing(stack_copy: World) -> None:
    changed_by_hand(stack_copy)
    alarm_deleted(stack_copy)
    stack_copy.control("DELETE", "calls")
    done = stack_copy.awsdeploy("drift")
    assert done.returncode == 7
    assert "1 changed, 1 missing" in done.stdout.splitlines()[0]
    assert re.search(rf"^Changed\n  web/alb .*\n      {IDLE}: expected 60; actual 120$", done.stdout, re.MULTILINE)
    assert re.search(r"^Missing\n  monitoring/alarms/backend-1-cpu +alarm$", done.stdout, re.MULTILINE)
    undo, keep = done.stdout.splitlines()[-2:]
    assert re.search("^To make AWS match config.toml again: .*awsdeploy up$", undo)
    assert keep == f'To keep a value as it is in AWS, in config.toml: [drift] ignore = ["web/alb:{IDLE}"]'
    assert stack_copy.control("GET", "calls")["writes"] == 0


def test_drift_as_json(stack_copy: World) -> None:
    changed_by_hand(stack_copy)
    done = stack_copy.awsdeploy("drift", "--json")
    assert done.returncode == 7
    told = json.loads(done.stdout)
    assert (told["stack"], told["drift"], told["missing"], told["ignored"]) == ("shop-dev", True, [], [])
    (one,) = told["changed"]
    assert (one["key"], one["kind"], one["attributes"]) == ("web/alb", "LoadBalancer", [ATTRIBUTE])


def test_a_stack_that_does_not_exist_is_6(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / "config.toml").write_text(CONFIG)
    monkeypatch.chdir(world.folder)
    assert world.awsdeploy("drift").returncode == 6


def test_what_is_ignored_counts_nowhere_and_is_named_everywhere(stack_copy: World) -> None:
    changed_by_hand(stack_copy)
    status = stack_copy.awsdeploy("status")
    assert status.returncode == 7
    assert f"      {IDLE}: expected 60; actual 120" in status.stdout
    (stack_copy.folder / "config.toml").write_text(IGNORING)
    for words in (("drift",), ("status",), ("plan", "--detailed-exitcode")):
        done = stack_copy.awsdeploy(*words)
        assert done.returncode == 0, words
        assert "Not compared, by [drift] ignore: web/alb:idle_timeout" in done.stdout, words
        assert json.loads(stack_copy.awsdeploy(*words, "--json").stdout)["ignored"] == ["web/alb:idle_timeout"]
    assert stack_copy.awsdeploy("up", "--yes").returncode == 0
    (stack_copy.folder / "config.toml").write_text(CONFIG)
    assert json.loads(stack_copy.awsdeploy("drift", "--json").stdout)["changed"][0]["attributes"] == [ATTRIBUTE]


def test_an_entry_that_names_nothing_is_64(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").write_text(IGNORING.replace("idle_timeout", "idle"))
    done = stack_copy.awsdeploy("drift")
    assert done.returncode == 64
    assert "web/alb:idle: idle cannot be ignored. Possible for web/alb: client_keep_alive.seconds" in done.stderr


def test_the_page_lists_what_can_be_ignored() -> None:
    table = (Path(__file__).parents[2] / "docs" / "drift.md").read_text().partition("| resource |")[2]
    rows = {
        row.split(" |")[0]: set(re.findall("`([^`]+)`", row)) for row in re.findall(r"^\| (.+)$", table, re.MULTILINE)
    }
    for kind in KINDS.values():
        if kind.ignorable:
            name = {"listener": "HTTPS listener", "data bucket": "S3 bucket"}.get(kind.noun(), kind.noun())
            assert rows.get(name) == set(kind.ignorable), name
