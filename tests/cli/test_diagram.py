"""`diagram` as people meet it: what it shows is what AWS has, by the calls that `status` makes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.simulated import SUPPORTED, World, machines

pytestmark = pytest.mark.slow

CONFIG = SUPPORTED


def boxes(world: World) -> dict[str, Any]:
    document = json.loads(world.awsdeploy("diagram", "--json").stdout)
    return {one["key"]: one for one in document["boxes"]} | {
        f"{one['source']} → {one['target']}": one for one in document["arrows"]
    }


def test_what_is_healthy_is_drawn_so_with_ids_zones_and_costs(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("diagram")
    assert done.returncode == 0, done.stderr
    ids = machines(stack_copy)
    assert "shop-prod (ap-northeast-2, 123456789012): ✓ healthy  $240.47 a month" in done.stdout
    for said in (ids["frontend-1"], ids["backend-1"], "ap-northeast-2a", "vpc-", "t3.medium", "← Load balancer 9999"):
        assert said in done.stdout
    page = boxes(stack_copy)["machines/frontend@ap-northeast-2a"]["console"]
    assert page.startswith("https://ap-northeast-2.console.aws.amazon.com/ec2/home?region=ap-northeast-2#")
    assert page.endswith(ids["frontend-1"])


def test_it_makes_the_calls_of_status(stack_copy: World) -> None:
    made: dict[str, Counter[str]] = {}
    for command in ("status", "diagram"):
        stack_copy.control("DELETE", "calls")
        stack_copy.awsdeploy(command)
        calls = stack_copy.control("GET", "calls")["calls"]
        made[command] = Counter(one["call"] for one in calls)
    assert sum(made["status"].values()) > 20
    assert made["diagram"] - made["status"] == Counter()


def test_a_stopped_machine_is_unhealthy(stack_copy: World) -> None:
    stack_copy.client("ec2").stop_instances(InstanceIds=[machines(stack_copy)["backend-1"]])
    stack_copy.pass_time(120)
    found = boxes(stack_copy)
    assert found["machines/backend@ap-northeast-2c"]["state"] == "unhealthy"
    assert "stopped" in found["machines/backend@ap-northeast-2c"]["note"]
    assert found["machines/frontend@ap-northeast-2a"]["state"] == "healthy"


def test_a_machine_that_does_not_answer_is_unhealthy_and_says_why(stack_copy: World) -> None:
    stack_copy.client("ec2").modify_instance_attribute(
        InstanceId=machines(stack_copy)["backend-1"], Groups=[_other_group(stack_copy)]
    )
    stack_copy.pass_time(120)
    found = boxes(stack_copy)
    assert found["machines/backend@ap-northeast-2c"]["state"] == "unhealthy"
    assert "unhealthy: Target.Timeout" in found["machines/backend@ap-northeast-2c"]["note"]
    assert found["machines/frontend@ap-northeast-2a"]["state"] == "healthy"


def _other_group(world: World) -> str:
    """A security group that lets nothing in from the load balancer."""
    groups = world.client("ec2").describe_security_groups()["SecurityGroups"]
    return next(str(one["GroupId"]) for one in groups if "rds" in one["GroupName"])


def test_groups_and_several_machines_are_drawn_with_their_members(
    brought_up: Callable[[str], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONFIG + "[services.frontend.scaling]\nmin = 2\nmax = 4\n[services.backend]\ninstances = 5\n"
    world = brought_up(text)
    monkeypatch.chdir(world.folder)
    found = boxes(world)
    assert found["machines/frontend-group"]["lines"][0] == "t3.medium, 2 to 4 machines, 2 in service"
    assert [line[:2] for line in found["machines/frontend-group"]["lines"][2:]] == ["i-", "i-"]
    assert (found["machines/backend@ap-northeast-2a"]["name"], found["machines/backend@ap-northeast-2c"]["name"]) == (
        "backend × 2",
        "backend × 3",
    )
    assert {one["state"] for one in found.values()} == {"healthy"}


def test_a_removed_rule_closes_its_arrow(stack_copy: World) -> None:
    ec2 = stack_copy.client("ec2")
    groups = {one["GroupName"]: one for one in ec2.describe_security_groups()["SecurityGroups"]}
    rds = next(one for name, one in groups.items() if "rds" in name)
    ec2.revoke_security_group_ingress(GroupId=rds["GroupId"], IpPermissions=rds["IpPermissions"])
    found = boxes(stack_copy)
    arrow = found["machines/backend@ap-northeast-2c → database/mysql"]
    assert (arrow["state"], arrow["label"]) == ("not there", "3306 is closed")
    assert found["database/mysql"]["state"] == "differs"
    assert "security/rds differs: inbound" in found["database/mysql"]["note"]
    assert "✗ 3306 is closed → Database" in stack_copy.awsdeploy("diagram").stdout


def test_a_machine_is_drawn_in_the_zone_in_which_it_stands(stack_copy: World) -> None:
    settings = CONFIG + '[network]\nzones = ["b", "d"]\n'
    (stack_copy.folder / "config.toml").write_text(settings)
    found = boxes(stack_copy)
    assert "machines/backend@ap-northeast-2b" not in found
    assert found["machines/backend@ap-northeast-2c"]["lines"][1] == "ap-northeast-2c"
    assert found["machines/backend@ap-northeast-2c"]["state"] == "differs"
    assert "ap-northeast-2c" in stack_copy.awsdeploy("diagram").stdout


def test_the_zone_of_the_database_is_the_one_that_aws_shows(stack_copy: World) -> None:
    raw = stack_copy.client("rds").describe_db_instances()["DBInstances"][0]
    found = boxes(stack_copy)
    assert raw["AvailabilityZone"] in found["database/mysql"]["lines"]
    assert raw["SecondaryAvailabilityZone"] in found["database/standby"]["lines"]


@pytest.mark.parametrize("encoding", ["ascii", "euc_kr", "latin-1"])
def test_a_terminal_of_another_encoding_shows_straight_edges(stack_copy: World, encoding: str) -> None:
    done = stack_copy.awsdeploy("diagram", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "\\u" not in done.stdout
    framed = [line for line in done.stdout.splitlines() if line.startswith(("┌", "│", "└", "|", "+"))]
    assert len(framed) > 30
    assert {len(line) for line in framed} == {79}


def test_without_credentials_it_says_so_and_draws_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.settings(CONFIG)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
        world.environment.pop(name)
    done = world.awsdeploy("diagram", AWS_EC2_METADATA_DISABLED="true", HOME=str(world.folder))
    assert done.returncode != 0
    assert done.stdout == ""
    assert "credentials" in done.stderr


def test_a_deleted_machine_is_not_there(stack_copy: World) -> None:
    stack_copy.client("ec2").terminate_instances(InstanceIds=[machines(stack_copy)["frontend-1"]])
    stack_copy.pass_time(120)
    assert boxes(stack_copy)["machines/frontend@ap-northeast-2a"]["state"] == "not there"


def test_a_removed_route_is_drawn_at_the_load_balancer(stack_copy: World) -> None:
    elb = stack_copy.client("elbv2")
    balancer = elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    for listener in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if rule["Priority"] != "default":
                elb.delete_rule(RuleArn=rule["RuleArn"])
    found = boxes(stack_copy)["web/alb"]
    assert (found["state"], "rule 10" in found["note"]) == ("differs", True)


def test_before_the_first_up_it_draws_what_would_be_built(world: World) -> None:
    (world.folder / "config.toml").write_text('name = "shop"\nenvironment = "dev"\nplatform = "supported"\n')
    done = world.awsdeploy("diagram", "--lang", "ko")
    assert done.returncode == 0, done.stderr
    assert "+ 생성 예정" in done.stdout
    assert "MySQL 8.4" in done.stdout


@pytest.mark.parametrize("name", ["stack.svg", "stack.html"])
def test_it_is_written_into_a_file(stack_copy: World, name: str) -> None:
    done = stack_copy.awsdeploy("diagram", "--output", name)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"Wrote {name}." in done.stderr
    assert json.loads(stack_copy.awsdeploy("diagram", "--output", name, "--json").stdout)["state"] == "healthy"
    text = (stack_copy.folder / name).read_text()
    for said in (machines(stack_copy)["backend-1"], "✓ healthy", "Load balancer → backend: 9999 (security/backend)"):
        assert said in text


def test_another_kind_of_file_is_refused_before_aws_is_asked(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("diagram", "--output", "stack.png")
    assert done.returncode == 64
    assert "must end in .svg or .html" in done.stderr
    assert stack_copy.control("GET", "calls")["calls"] == []


def test_a_file_that_cannot_be_written_is_named(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("diagram", "--output", "missing/stack.svg")
    assert done.returncode == 64
    assert "missing/stack.svg cannot be written: No such file or directory." in done.stderr
