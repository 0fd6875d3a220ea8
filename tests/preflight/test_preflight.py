"""Times and costs of the preflight: doctor, a first up, a later one, how deep its calls are."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from awsdeploy.preflight.checks import CHECKS, results
from tests.preflight.asking import CONFIG, Measured, question
from tests.simulated import World

pytestmark = pytest.mark.slow

ONLY_HERE = ("freetier:GetAccountPlanState", "service-quotas:GetServiceQuota", "ec2:DescribeInstanceTypeOfferings")
IN_FLIGHT = 16
ROUNDS = 6
"""AWS: a call takes some 150 ms, and the preflight may take a second."""


@pytest.fixture
def empty_world(world: World) -> World:
    (world.folder / "config.toml").write_text(CONFIG)
    return world


def made(world: World) -> Counter[str]:
    return Counter(world.control("GET", "calls")["counts"])


def test_a_first_up_ends_with_5_and_nothing_written_and_everything_found_is_printed(empty_world: World) -> None:
    limits = {"plan": "FREE", "quotas": {"L-1216C47A": 1}, "root": True, "not_orderable": ["db.t3.small"]}
    empty_world.control("POST", "limits", limits)
    done = empty_world.awsdeploy("up", "--yes")
    assert done.returncode == 5, done.stderr
    for said in ("L-1216C47A", "backup_days", "db.t3.small with MySQL 8.0", ":root", "Nothing was created."):
        assert said in done.stderr
    assert empty_world.control("GET", "calls")["writes"] == 0
    assert not (empty_world.folder / ".awsdeploy" / "shop-prod.json").exists()


def test_what_only_should_be_known_stops_nothing_and_a_no_op_up_asks_nothing_of_it(empty_world: World) -> None:
    empty_world.control("POST", "limits", {"root": True})
    done = empty_world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stderr
    assert ":root" in done.stderr
    assert all(made(empty_world)[name] for name in ONLY_HERE)
    empty_world.control("DELETE", "calls")
    empty_world.control("POST", "limits", {"plan": "FREE", "quotas": {"L-1216C47A": 1}})
    done = empty_world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stderr
    assert "No changes" in done.stdout
    assert [name for name in ONLY_HERE if made(empty_world)[name]] == []
    assert made(empty_world)["ec2:DescribeRegions"] == made(empty_world)["rds:DescribeOrderableDBInstanceOptions"] == 0


def test_the_same_up_goes_on_when_the_account_may_have_more(empty_world: World) -> None:
    config = CONFIG.replace("prod", "dev")
    (empty_world.folder / "config.toml").write_text(config)
    empty_world.control("POST", "limits", {"quotas": {"L-1216C47A": 1}})
    assert empty_world.awsdeploy("up", "--yes").returncode == 5
    empty_world.control("POST", "limits", {"quotas": {"L-1216C47A": 6}})
    done = empty_world.awsdeploy("up", "--yes")
    assert done.returncode == 0, done.stderr


def test_doctor_lists_what_is_well_beside_what_is_not_and_ends_with_5(empty_world: World) -> None:
    empty_world.control("POST", "limits", {"quotas": {"L-F678F1CE": 1}})
    done = empty_world.awsdeploy("doctor")
    assert done.returncode == 5, done.stderr
    assert "✗ VPC quota (L-F678F1CE) in ap-northeast-2: 1, 1 in use; this stack needs 1" in done.stdout
    assert "✓ database class" in done.stdout
    assert "✓ networks" not in done.stdout
    assert empty_world.control("GET", "calls")["writes"] == 0


def test_doctor_as_json_where_only_a_warning_is_found_ends_well(empty_world: World) -> None:
    empty_world.control("POST", "limits", {"root": True})
    done = empty_world.awsdeploy("doctor", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["version"], told["stack"], told["fatal"], told["not_checked"]) == (1, "shop-prod", False, [])
    (one,) = told["findings"]
    assert (one["check"], one["fatal"]) == ("credentials", False)
    assert len(told["well"]) == len(CHECKS) - 1


def test_doctor_without_credentials_says_so_once_and_what_was_not_checked(empty_world: World) -> None:
    done = empty_world.awsdeploy("doctor", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert done.returncode == 5, done.stderr
    assert done.stdout.count("✗") == 1
    assert "✗ AWS credentials: none found" in done.stdout
    assert "· vcpu quota: not checked" in done.stdout


def test_up_in_a_region_that_is_not_turned_on_says_so_and_not_only_that_aws_does_not_know_us(
    empty_world: World,
) -> None:
    empty_world.control("POST", "limits", {"closed_regions": ["ap-northeast-2"]})
    done = empty_world.awsdeploy("up", "--yes")
    assert done.returncode == 3, done.stderr
    assert "aws account enable-region --region-name ap-northeast-2" in done.stderr
    assert empty_world.control("GET", "calls")["writes"] == 0


def test_the_preflight_takes_a_second_on_aws(world: World) -> None:
    session = Measured()
    asked = question(world, CONFIG + '\n[monitoring]\nemails = ["ops@example.com"]\n', session=session)
    assert all(one.asked for one in results(asked))
    assert session.total > len(CHECKS) / 2
    # All in flight at once, as many as the door lets through, and then what waits for an answer.
    assert session.total / IN_FLIGHT + session.deep <= ROUNDS, (session.total, session.deep)


def test_a_stack_that_stands_does_not_stand_in_its_own_way(module_world: World) -> None:
    config = CONFIG + "\n[database]\nmulti_az = false\n"
    module_world.up(module_world.settings(config))
    module_world.control("POST", "limits", {"quotas": {"L-1216C47A": 6, "L-0263D0A3": 1, "L-F678F1CE": 2}})
    assert [one for result in results(question(module_world, config)) for one in result.found] == []
