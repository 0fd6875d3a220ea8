"""A rehearsal on simulated AWS, by the command: real processes, one of them killed; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.release.apps import application
from tests.release.repository import write
from tests.simulated import World

DOMAIN = "example.com"


@pytest.fixture
def app(world: World) -> Path:
    folder = world.folder / "app"
    write(folder, application())
    return folder


@pytest.mark.torture
@pytest.mark.npm
def test_a_stack_lives_is_killed_goes_on_and_is_gone(world: World, app: Path) -> None:
    words = ["rehearsal", "run", "--yes", "--name", "rehearsal-1", "--domain", DOMAIN, "--application", str(app)]
    done = world.awsdeploy(*words, timeout=400, TMPDIR=str(world.folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "About $0." in done.stderr
    text = (world.folder / "rehearsal-1.json").read_text()
    recorded = json.loads(text)
    acts = {act["act"]: act for act in recorded["acts"]}
    assert list(acts) == ["up", "deploy", "change", "kill", "again", "status", "destroy"]
    assert {name: act["exit"] for name, act in acts.items() if act["exit"]} == {"kill": -9}
    assert acts["kill"]["killed_after"] == "ec2:RunInstances"
    # The backend's second machine was made once, by the process that was killed.
    assert recorded["statuses"]["Instance"]["running"]["objects"] == 3
    created = recorded["calls"]["rds:CreateDBInstance"]
    assert created["count"] - sum(created["errors"].values()) == 1
    assert recorded["clock"] == pytest.approx(600)

    known = [DOMAIN, "rehearsal-1", "123456789012", "arn:", "i-0", "vpc-", "10.0.", "AKIA", "127.0.0.1", str(app)]
    assert [one for one in known if one in text] == []
    assert (
        world.client("ec2").describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["running", "pending", "stopped"]}]
        )["Reservations"]
        == []
    )
    assert list(world.folder.glob("awsdeploy-*")) == []


def test_without_a_terminal_it_asks_for_the_flag(world: World, app: Path) -> None:
    done = world.awsdeploy("rehearsal", "run", "--application", str(app), TMPDIR=str(world.folder))
    assert done.returncode == 64
    assert (
        done.stderr
        == "Error: Cannot ask for confirmation: there is no terminal.\n→ Add --yes to run without confirmation.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "shop"], "must begin with rehearsal-."),
        (["--application", "."], "front is not an application: it has no package.json."),
        (["--domain", "no domain"], "domain"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_made(world: World, app: Path, words: list[str], said: str) -> None:
    world.control("DELETE", "calls")
    done = world.awsdeploy("rehearsal", "run", "--yes", "--application", str(app), *words, TMPDIR=str(world.folder))
    assert done.returncode == 64
    assert said in done.stderr
    assert "→ " in done.stderr
    assert list(world.folder.glob("awsdeploy-*")) == []
