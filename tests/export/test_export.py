"""`export terraform` without Terraform: which files it writes, what is in them, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import awsdeploy.export.terraform  # noqa: F401 - descriptions enter by being defined
from awsdeploy import architecture
from awsdeploy.config import from_mapping
from awsdeploy.engine.resource import KINDS, Gate, Resource
from awsdeploy.export.describing import DESCRIPTIONS, LEFT_OUT, is_described, name_of
from awsdeploy.resources.database.existing_database import ExistingDatabase
from tests.simulated import World

CONFIG = 'name = "shop"\nplatform = "supported"\nenvironment = "dev"\n'


def test_every_kind_that_is_created_has_a_description_or_is_left_out() -> None:
    made = {kind for kind in KINDS.values() if kind.create is not Resource.create and not issubclass(kind, Gate)}
    assert made | {ExistingDatabase} == {*DESCRIPTIONS, *LEFT_OUT}, "and one that is never created"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_two_resources_never_have_one_name(environment: str) -> None:
    given = {"name": "shop", "environment": environment, "platform": "supported", "domain": "example.com"}
    settings = from_mapping({**given, "aliases": ["a-b.example.com", "a.b.example.com"]})
    declared = [one for step in architecture.steps(settings) for one in step.resources if is_described(one)]
    names = [(type(one), name_of(one)) for one in declared]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_an_export_holds_every_resource_and_no_secret_and_writes_nothing(
    brought_up: Callable[[str], World],
) -> None:
    world = brought_up(CONFIG)
    ssm = world.client("ssm")
    secret = "a-value-of-the-owner"
    assert world.awsdeploy("env", "set", "backend", "API_KEY", stdin=secret).returncode == 0
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/deploy/shop/dev", Recursive=True, WithDecryption=True
    )
    found = [one for page in pages for one in page["Parameters"]]
    secrets = {one["Value"] for one in found if one["Type"] == "SecureString"}
    assert len(secrets) > 2
    assert secret in secrets
    world.control("DELETE", "calls")
    done = world.awsdeploy("export", "terraform", "--output", "tf/new")
    assert done.returncode == 0, done.stderr
    assert [one["call"] for one in world.control("GET", "calls")["calls"] if one["write"]] == []
    folder = world.folder / "tf/new"
    assert {path.name for path in folder.glob("*")} == {
        *(f"{step}.tf" for step in ("network", "security", "storage", "database", "machines", "web")),
        *("monitoring.tf", "backup.tf", "main.tf", "imports.tf", "README.md", "files", "later"),
    }
    everything = "\n".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert [value for value in secrets if value in everything] == []
    addresses = set(re.findall(r'^resource "(\w+)" "([\w-]+)"', everything, re.MULTILINE))
    read = {name for _, name in re.findall(r'^data "(\w+)" "([\w-]+)"', everything, re.MULTILINE)}
    imported = set(re.findall(r"^  to = (\w+)\.([\w-]+)$", everything, re.MULTILINE))
    assert {kind for kind, _ in addresses - imported} == {"aws_lb_target_group_attachment"}
    assert imported < addresses
    made, _ = world.run(world.settings(CONFIG))
    for observed in made.look_everywhere():
        if observed.kind in DESCRIPTIONS:
            assert name_of(observed) in {name for _, name in addresses} | read


@pytest.mark.slow
def test_what_is_missing_is_named_and_drift_is_said(brought_up: Callable[[str], World]) -> None:
    world = brought_up(CONFIG)
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "61"}]
    world.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=idle)
    done = world.awsdeploy("export", "terraform", "-o", "tf")
    assert done.returncode == 0
    assert "1 resource differs from config.toml" in done.stderr
    assert "web/alb" in done.stderr
    (world.folder / "config.toml").write_text(f'{CONFIG}\n[drift]\nignore = ["web/alb:idle_timeout"]\n')
    done = world.awsdeploy("export", "terraform", "-o", "ignoring")
    assert "differs from config.toml" not in done.stderr
    assert "what [drift] ignore names: web/alb:idle_timeout." in done.stderr
    assert "`web/alb:idle_timeout`" in (world.folder / "ignoring/README.md").read_text()
    (listener,) = world.client("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    world.client("elbv2").delete_listener(ListenerArn=listener["ListenerArn"])
    done = world.awsdeploy("export", "terraform", "-o", "other")
    assert done.returncode != 0
    assert "do not exist yet, or have to be replaced: web/http" in done.stderr
    assert not (world.folder / "other").exists()


def test_a_folder_with_files_and_a_stack_that_does_not_exist_are_refused(world: World, tmp_path: Path) -> None:
    world.settings(CONFIG)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    done = world.awsdeploy("export", "terraform", "--output", "full")
    assert done.returncode == 64
    assert "is not empty" in done.stderr
    done = world.awsdeploy("export", "terraform", "--output", "new")
    assert "Stack shop-dev does not exist" in done.stderr
    assert not (tmp_path / "new").exists()
    assert {path.name for path in (tmp_path / "full").iterdir()} == {"notes.txt"}
