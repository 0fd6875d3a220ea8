"""plan, up, status, destroy and unlock as people and scripts meet them: questions, flags, exit codes, streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from subprocess import CompletedProcess

import pytest

from tests.simulated import World
from tests.terminal import talk
from tests.warm import SCRIPT

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "prod"
platform = "documented"
"""


@pytest.fixture
def empty_world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with a config and nothing deployed; the test works in its folder."""
    (world.folder / "config.toml").write_text(CONFIG)
    monkeypatch.chdir(world.folder)
    return world


def test_a_plan_names_every_step_what_it_costs_to_follow_the_document_and_writes_nothing(empty_world: World) -> None:
    done = empty_world.awsdeploy("plan")
    assert done.returncode == 0
    for said in ("VPC and subnets", "+   network/vpc", "RDS database", "usually 10 min", "port 22", "2026-07-31"):
        assert said in done.stdout
    assert empty_world.control("GET", "calls")["writes"] == 0
    assert not (empty_world.folder / ".awsdeploy" / "shop-prod.json").exists()


def test_a_plan_of_what_stands_is_two_lines(stack_world: World) -> None:
    (stack_world.folder / "config.toml").write_text(CONFIG)
    done = stack_world.awsdeploy("plan")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1:] == ["", "No changes: AWS matches config.toml."]


def test_a_plan_as_json_and_its_exit_code(empty_world: World) -> None:
    done = empty_world.awsdeploy("plan", "--json", "--detailed-exitcode")
    assert done.returncode == 2
    plan = json.loads(done.stdout)
    assert (plan["version"], plan["stack"], plan["quiet"]) == (1, "shop-prod", False)
    assert {one["action"] for step in plan["steps"] for one in step["resources"]} == {"create", "wait"}


@pytest.mark.parametrize(("words", "flag"), [(("up",), "--yes"), (("destroy",), "--confirm shop-prod")])
def test_without_a_terminal_the_flag_is_named_and_nothing_is_done(
    empty_world: World, words: tuple[str, ...], flag: str
) -> None:
    done = empty_world.awsdeploy(*words)
    assert done.returncode == 64
    assert flag in done.stderr
    assert empty_world.control("GET", "calls")["calls"] == []


def test_no_is_an_answer(empty_world: World) -> None:
    said, code = talk(["up"], [("Go ahead?", "n")])
    assert code == 8, said
    assert "Nothing was changed." in said
    assert empty_world.control("GET", "calls")["writes"] == 0


@pytest.mark.usefixtures("empty_world")
def test_yes_is_an_answer_and_the_board_shows_the_steps() -> None:
    said, code = talk(["up"], [("Go ahead?", "y")])
    assert code == 0, said
    assert "so far" in said
    assert "✓ VPC and subnets" in said
    assert "http://127.0.0.1:" in said
    assert "Next: " in said


@pytest.fixture(scope="module")
def first_up(module_world: World) -> tuple[World, CompletedProcess[str]]:
    """A first `up`, and all that it has said."""
    (module_world.folder / "config.toml").write_text(CONFIG)
    return module_world, module_world.awsdeploy("up", "--yes", "--json", "--debug")


def test_up_as_json_is_one_document_on_stdout_and_lines_on_stderr(
    first_up: tuple[World, CompletedProcess[str]],
) -> None:
    _, done = first_up
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["changed"]
    assert document["facts"]["web/alb url"].startswith("http://shop-prod-alb")
    with urllib.request.urlopen(document["facts"]["url"], timeout=10) as answer:
        assert "nothing deployed yet" in answer.read().decode()
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"creating", "ready"} <= {line["phase"] for line in lines if "phase" in line}


def test_status_of_nothing_is_6_and_names_the_next_command(empty_world: World) -> None:
    done = empty_world.awsdeploy("status")
    assert done.returncode == 6
    assert "awsdeploy up" in done.stderr


def test_status_as_json(stack_world: World) -> None:
    (stack_world.folder / "config.toml").write_text(CONFIG)
    done = stack_world.awsdeploy("status", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["healthy"], told["drift"], told["removals"]) == (True, False, [])
    assert told["facts"]["url"].startswith("http://127.0.0.1:")
    assert told["releases"] == {"frontend": [], "backend": []}
    assert {one["key"]: one["status"] for one in told["resources"]}["database/mysql"] == "available"


def test_status_watched_looks_again_until_ctrl_c(stack_world: World) -> None:
    (stack_world.folder / "config.toml").write_text(CONFIG)
    child = subprocess.Popen(
        [str(SCRIPT), "status", "--watch", "--json"],
        cwd=stack_world.folder,
        env={**os.environ, **stack_world.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert child.stdout is not None
    looks = [json.loads(child.stdout.readline()) for _ in range(2)]
    os.kill(child.pid, signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 130
    assert [look["healthy"] for look in looks] == [True, True]


def test_drift_is_7_and_names_the_field(stack_copy: World) -> None:
    (group,) = stack_copy.client("ec2").describe_security_groups(
        Filters=[{"Name": "tag:Name", "Values": ["*security/rds"]}]
    )["SecurityGroups"]
    stack_copy.client("ec2").revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
    )
    done = stack_copy.awsdeploy("status")
    assert done.returncode == 7, done.stdout
    lines = done.stdout.splitlines()
    (changed,) = (number for number, line in enumerate(lines) if "inbound" in line)
    assert "security/rds" in lines[changed - 1]
    assert "tcp 3306" in lines[changed]


def test_a_machine_that_does_not_answer_is_unhealthy(stack_copy: World) -> None:
    elbv2 = stack_copy.client("elbv2")
    found = stack_copy.client("ec2").describe_instances(Filters=[{"Name": "tag:Name", "Values": ["*backend-1"]}])
    (id,) = [one["InstanceId"] for reservation in found["Reservations"] for one in reservation["Instances"]]
    stack_copy.client("ec2").stop_instances(InstanceIds=[id])
    stack_copy.pass_time(120)
    done = stack_copy.awsdeploy("status")
    assert done.returncode == 1, done.stdout
    assert "unhealthy" in done.stdout.splitlines()[0]
    assert "Target.InvalidState" in done.stdout
    assert elbv2.describe_target_groups()["TargetGroups"]


def test_the_wrong_name_destroys_nothing(stack_copy: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack_copy.folder)
    assert stack_copy.awsdeploy("destroy", "--confirm", "shop").returncode == 64
    said, code = talk(["destroy"], [("Type shop-prod", "shop")])
    assert code == 8, said
    assert "database/mysql" in said
    assert stack_copy.control("GET", "calls")["writes"] == 0


def test_destroy_without_a_config_or_a_state(stack_copy: World) -> None:
    (stack_copy.folder / "config.toml").unlink()
    where = ("--name", "shop", "-e", "prod", "--region", "ap-northeast-2")
    done = stack_copy.awsdeploy("destroy", *where, "--confirm", "shop-prod", "--delete-data")
    assert done.returncode == 0, done.stderr
    assert "nothing else is left" in done.stdout
    assert stack_copy.awsdeploy("destroy", *where, "--confirm", "shop-prod").returncode == 6


def test_another_services_records_are_not_ours_to_take(empty_world: World) -> None:
    (empty_world.folder / "config.toml").write_text(CONFIG + 'domain = "example.com"\n')
    route53 = empty_world.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    record = {"Name": "example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.7"}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=change)
    empty_world.control("DELETE", "calls")
    refused = empty_world.awsdeploy("up", "--yes")
    assert refused.returncode == 5, refused.stderr
    assert "192.0.2.7" in refused.stderr
    assert "--take-over-record" in refused.stderr
    assert empty_world.control("GET", "calls")["writes"] == 0
    assert empty_world.awsdeploy("up", "--yes", "--take-over-record").returncode == 0
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    assert next(one for one in records if one["Name"] == "example.com." and one["Type"] == "A").get("AliasTarget")


def test_replacing_the_database_takes_its_name(stack_copy: World) -> None:
    refused = stack_copy.awsdeploy("up", "--yes", "--replace", "database/mysql")
    assert refused.returncode == 64, refused.stderr
    assert "--delete-data database/mysql" in refused.stderr
    assert stack_copy.control("GET", "calls")["writes"] == 0


def test_ctrl_c_saves_and_the_same_command_goes_on(empty_world: World) -> None:
    child = subprocess.Popen(
        [str(SCRIPT), "up", "--yes"],
        cwd=empty_world.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert child.stderr is not None
    said = ""
    while "database/mysql" not in said.partition("creating")[2]:
        line = child.stderr.readline()
        assert line, said
        said += line
    os.kill(child.pid, signal.SIGINT)
    said += child.stderr.read()
    assert child.wait(30) == 130, said
    assert "continues from here" in said
    assert empty_world.awsdeploy("up", "--yes").returncode == 0
    assert empty_world.awsdeploy("status").returncode == 0


def test_unlock_says_who_and_takes_the_lock_only_by_force(stack_copy: World) -> None:
    assert "is not locked" in stack_copy.awsdeploy("unlock").stdout
    held = json.dumps({"who": "ann", "where": "laptop", "pid": 7, "since": "today", "command": "up"})
    stack_copy.client("ssm").put_parameter(Name="/deploy/shop/prod/lock", Value=held, Type="String")
    asked = stack_copy.awsdeploy("unlock")
    assert asked.returncode == 75
    assert "ann on laptop" in asked.stderr
    assert stack_copy.awsdeploy("unlock", "--force").returncode == 0
    assert "is not locked" in stack_copy.awsdeploy("unlock").stdout


def test_the_password_is_in_parameter_store_and_nowhere_else(first_up: tuple[World, CompletedProcess[str]]) -> None:
    world, done = first_up
    name = "/deploy/shop/prod/database/DB_PASSWORD"
    secret = world.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert secret.isalnum()
    assert len(secret) >= 24
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert any(path.name == "shop-prod.json" for path in files)
    texts = [done.stdout, done.stderr, *(path.read_text(errors="replace") for path in files)]
    assert not any(secret in text for text in texts)
