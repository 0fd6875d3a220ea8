"""Both presets on both platforms stand, are as documented when AWS is asked, and change nothing when run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from awsdeploy.architecture import differences_from_document
from awsdeploy.sandbox import control
from tests.account import leftovers
from tests.conftest import Stacks, forked
from tests.sampling import sampled
from tests.simulated import World, writes
from tests.system.documented.asking import database, instance

pytestmark = pytest.mark.slow

EXTENDED = "open-source-rds-extended-support"
STACKS = [(preset, platform) for preset in ("dev", "prod") for platform in ("documented", "supported")]
IDS = ["-".join(stack) for stack in STACKS]
GOING = [(("dev", "documented"),), (("prod", "supported"),)]
"""Stacks that every `make test` destroys."""
AGED = {
    "Amazon Linux 2 ": ("2026-06-30", "No extra cost"),
    "Node.js 18 ": ("2025-04-30", "No extra cost"),
    "MySQL 8.0 ": ("2026-07-31", "$"),
}

Up = tuple[World, str, str]


def config(preset: str, platform: str) -> str:
    return f'name = "shop"\nenvironment = "{preset}"\nplatform = "{platform}"\n'


@pytest.fixture(scope="module", params=STACKS, ids=IDS)
def preset_stack(
    request: pytest.FixtureRequest, stacks: Stacks, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Up]:
    preset, platform = request.param
    with stacks.copy(config(preset, platform), tmp_path_factory.mktemp(f"{preset}-{platform}")) as world:
        yield world, preset, platform


def test_k1_k2_the_machines(preset_stack: Up) -> None:
    world, preset, platform = preset_stack
    for key in ("machines/frontend-1", "machines/backend-1"):
        found = instance(world.client("ec2"), key)
        assert found["InstanceType"] == {"dev": "t3.micro", "prod": "t3.medium"}[preset]
        (image,) = world.client("ec2").describe_images(ImageIds=[found["ImageId"]])["Images"]
        assert image["Name"].startswith({"documented": "amzn2-ami", "supported": "al2023-ami"}[platform])


def test_k1_k2_the_database(preset_stack: Up) -> None:
    world, preset, platform = preset_stack
    found = database(world)
    assert found["DBInstanceClass"] == {"dev": "db.t3.micro", "prod": "db.t3.small"}[preset]
    assert (found["MultiAZ"], found["DeletionProtection"]) == (preset == "prod", preset == "prod")
    assert found["BackupRetentionPeriod"] == 7
    assert found["EngineVersion"].startswith({"documented": "8.0.", "supported": "8.4."}[platform])


def test_k_extended_support_is_taken_only_where_it_is_needed(preset_stack: Up) -> None:
    world, _, platform = preset_stack
    wanted = {"documented": EXTENDED, "supported": f"{EXTENDED}-disabled"}[platform]
    assert database(world)["EngineLifecycleSupport"] == wanted


def test_k_mysql_has_parameters_of_its_own_version(preset_stack: Up) -> None:
    world, _, platform = preset_stack
    rds = world.client("rds")
    (named,) = [one["DBParameterGroupName"] for one in database(world)["DBParameterGroups"]]
    (group,) = rds.describe_db_parameter_groups(DBParameterGroupName=named)["DBParameterGroups"]
    assert group["DBParameterGroupFamily"] == {"documented": "mysql8.0", "supported": "mysql8.4"}[platform]
    listed = rds.describe_db_parameters(DBParameterGroupName=named, Source="user")["Parameters"]
    found = {one["ParameterName"]: one["ParameterValue"] for one in listed}
    assert found["require_secure_transport"] == "1", "nothing but TLS, on a new stack"
    assert (found["slow_query_log"], found["log_output"]) == ("1", "FILE")


def test_k_the_gateway_of_the_document_is_left_out_of_dev(preset_stack: Up) -> None:
    world, preset, _ = preset_stack
    assert len(world.client("ec2").describe_nat_gateways()["NatGateways"]) == (preset == "prod")


def test_each_aged_part_is_named_once_with_its_date_and_what_it_costs(preset_stack: Up) -> None:
    world, preset, platform = preset_stack
    said = [one.sentence for one in differences_from_document.differences(world.settings(config(preset, platform)))]
    for part, facts in AGED.items():
        about = [sentence for sentence in said if f"{part}is out of" in sentence]
        assert len(about) == (platform == "documented")
        for sentence in about:
            assert all(fact in sentence for fact in facts), sentence
    if platform == "documented":
        assert any({"dev": "$175", "prod": "$350"}[preset] in sentence for sentence in said)


def test_the_same_again_writes_nothing(preset_stack: Up) -> None:
    world, preset, platform = preset_stack
    assert writes(world.up(world.settings(config(preset, platform)))) == {}


@pytest.mark.parametrize("preset_stack", sampled([(one,) for one in STACKS], GOING), indirect=True, ids=IDS)
def test_it_goes_with_everything(preset_stack: Up, tmp_path: Path) -> None:
    world, preset, _ = preset_stack
    with forked(control.RunningSandbox(**world.control("GET", "status")), tmp_path) as made:
        (tmp_path / "config.toml").write_text((world.folder / "config.toml").read_text())
        gone = made.awsdeploy("destroy", "--confirm", f"shop-{preset}", "--everything")
        assert gone.returncode == 0, gone.stderr
        assert leftovers(made) == []
