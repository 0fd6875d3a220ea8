"""`timeline` after real runs in the sandbox, on terminals and in pipes."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from awsdeploy.sandbox.control import RunningSandbox
from awsdeploy.timeline.critical_path import END, START
from awsdeploy.timeline.history import path_of
from tests.conftest import forked
from tests.simulated import World
from tests.terminal import talk

pytestmark = pytest.mark.slow

CONFIG = """\
name = "times"
environment = "dev"
platform = "supported"
"""
OUR_CLOCK = "1:0:0"
"""AWSDEPLOY_CLOCK: times are shown as this computer counts them."""


@pytest.fixture(scope="module")
def timed(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Any]]:
    """A world after a first `up`, and what that said."""
    folder = tmp_path_factory.mktemp("timed")
    with forked(sandbox, folder) as world:
        world.settings(CONFIG)
        done = world.awsdeploy("up", "--yes", "--json", AWSDEPLOY_CLOCK=OUR_CLOCK)
        assert done.returncode == 0, done.stderr
        yield world, json.loads(done.stdout)


@pytest.fixture
def copy(timed: tuple[World, Any], tmp_path: Path) -> Iterator[World]:
    """A fork of that world, for a test that makes further runs."""
    world, _ = timed
    with forked(RunningSandbox(**world.control("GET", "status")), tmp_path / "copy") as made:
        shutil.copytree(world.folder / ".awsdeploy", made.folder / ".awsdeploy")
        made.settings(CONFIG)
        yield made


def shown(world: World, *words: str) -> Any:
    done = world.awsdeploy("timeline", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_critical_path_is_as_long_as_the_run_was(timed: tuple[World, Any]) -> None:
    world, said = timed
    document = shown(world)
    path = document["critical_path"]
    assert abs(sum(leg["end"] - leg["begin"] for leg in path) - said["seconds"]) < 2
    assert abs(document["run"]["seconds"] - said["seconds"]) < 2
    assert all(abs(one["end"] - after["begin"]) < 0.2 for one, after in itertools.pairwise(path))
    assert document["run"]["outcome"] == "done"
    made = {bar["name"]: bar for bar in document["bars"]}
    # Several may end in the same moment, also what was ready as soon as it was looked at, which has no bar.
    (*_, last) = (leg for leg in path if leg["name"] not in (START, END))
    assert last["end"] >= max(bar["end"] for bar in made.values())
    assert made["database/mysql"]["begin"] >= made["network/vpc"]["end"]
    assert all(bar["result"] == "ready" for bar in made.values())
    assert len(made) > 40


def test_the_timeline_makes_no_call_and_holds_no_secret(timed: tuple[World, Any]) -> None:
    world, _ = timed
    world.control("DELETE", "calls")
    shown(world)
    assert world.control("GET", "calls")["calls"] == []
    text = path_of(world.folder / ".awsdeploy" / "times-dev.json").read_text()
    pages = world.client("ssm").get_paginator("describe_parameters").paginate()
    names = [one["Name"] for page in pages for one in page["Parameters"]]
    stored = [world.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"] for name in names]
    secrets = [one["Value"] for one in stored if one["Type"] == "SecureString"]
    assert secrets
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_a_timeline_fits_a_terminal(timed: tuple[World, Any], monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    world, _ = timed
    monkeypatch.chdir(world.folder)
    said, code = talk(["timeline"], [], columns=columns)
    lines = [click.unstyle(line) for line in said.splitlines()]
    assert code == 0
    assert max(map(len, lines)) <= columns
    assert len(lines) <= 40
    assert any(line.startswith("◆ ") and "█" in line for line in lines[:-3])
    full, _ = talk(["timeline", "--full"], [], columns=columns)
    assert len(full.splitlines()) > len(lines)


def test_a_pipe_gets_every_resource_without_colours(timed: tuple[World, Any]) -> None:
    world, _ = timed
    said = world.awsdeploy("timeline").stdout
    assert "\x1b" not in said
    assert all(bar["name"][-20:] in said for bar in shown(world)["bars"])
    assert "critical path" in said


def test_runs_are_numbered_and_shown_beside_the_run_before(copy: World, tmp_path: Path) -> None:
    world = copy
    world.settings(CONFIG + '[tags]\nteam = "web"\n')
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert world.awsdeploy("up", "--yes").returncode == 0  # changes nothing, so it is no run
    document = shown(world)
    assert [run["number"] for run in document["runs"]] == [1, 2]
    assert (document["run"]["number"], document["before"]["number"]) == (2, 1)
    assert "database/mysql" in document["seconds_before"]
    assert shown(world, "--run", "1")["before"] is None
    missing = world.awsdeploy("timeline", "--run", "7")
    assert (missing.returncode, "Recorded runs: 1, 2" in missing.stderr) == (64, True)
    path = tmp_path / "trace.json"
    assert shown(world, "--run", "1", "--output", str(path))["run"]["number"] == 1
    assert json.loads(path.read_text())["otherData"]["run"] == 1
    assert world.awsdeploy("timeline", "--output", "trace.svg").returncode == 64


def test_a_destroy_is_still_known_when_the_stack_is_gone(copy: World) -> None:
    world = copy
    done = world.awsdeploy("destroy", "--confirm", "times-dev", "--json", AWSDEPLOY_CLOCK=OUR_CLOCK)
    assert done.returncode == 0, done.stderr
    document = shown(world)
    assert (document["run"]["command"], document["run"]["outcome"]) == ("destroy", "done")
    assert abs(document["run"]["seconds"] - json.loads(done.stdout)["seconds"]) < 2
    made = {bar["name"]: bar for bar in document["bars"]}
    assert {bar["result"] for bar in made.values()} == {"gone"}
    path = document["critical_path"]
    assert abs(sum(leg["end"] - leg["begin"] for leg in path) - document["run"]["seconds"]) < 2
    assert path[-1]["name"] == "end of the run"  # the sweep
    assert made["network/vpc"]["begin"] >= made["network/public-a"]["end"]


def test_without_a_run_it_says_which_commands_record_one(world: World) -> None:
    world.settings(CONFIG)
    done = world.awsdeploy("timeline")
    assert done.returncode == 64
    assert "No run of times-dev is recorded on this computer." in done.stderr


def test_a_damaged_file_is_named_and_the_rest_is_shown(world: World) -> None:
    world.settings(CONFIG)
    path = path_of(world.folder / ".awsdeploy" / "times-dev.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text("rubbish\n")
    done = world.awsdeploy("timeline")
    assert done.returncode == 64
    assert "times-dev.runs.jsonl is damaged: 1 lines cannot be read" in done.stderr


def test_a_run_that_failed_and_was_repeated_are_both_shown(world: World) -> None:
    world.settings(CONFIG)
    refusal = {
        "operation": "rds:CreateDBInstance",
        "code": "InsufficientDBInstanceCapacity",
        "message": "None left.",
        "status": 400,
        "times": 1,
    }
    world.control("POST", "refuse", refusal)
    assert world.awsdeploy("up", "--yes").returncode == 4
    failed = shown(world)
    assert failed["run"]["outcome"] == "failed"
    assert {bar["name"]: bar["result"] for bar in failed["bars"]}["database/mysql"] == "failed"
    said = world.awsdeploy("timeline").stdout
    assert "failed after" in said
    assert "✗ database/mysql" in said
    assert world.awsdeploy("up", "--yes").returncode == 0
    repeated = shown(world)
    assert [run["outcome"] for run in repeated["runs"]] == ["failed", "done"]
    assert repeated["before"] is None  # a run that failed is no measure
    names = {bar["name"] for bar in repeated["bars"]}
    assert "database/mysql" in names
    assert "network/vpc" not in names  # it stood already


def test_a_run_that_was_killed_is_shown_to_its_last_event_and_the_picture_is_what_there_is(world: World) -> None:
    world.settings(CONFIG)
    world.control("POST", "fault", {"kind": "kill-after", "write": 1, "operation": "ec2:RunInstances"})
    assert world.awsdeploy("up", "--yes").returncode == -9
    killed = shown(world)
    assert killed["run"]["outcome"] == "never ended"
    assert "unfinished" in {bar["result"] for bar in killed["bars"]}
    path = killed["critical_path"]
    assert abs(sum(leg["end"] - leg["begin"] for leg in path) - killed["run"]["seconds"]) < 2
    said = world.awsdeploy("timeline").stdout
    assert "killed, last event after" in said
    drawn = json.loads(world.awsdeploy("diagram", "--json").stdout)
    states = {box["key"]: box["state"] for box in drawn["boxes"]}
    assert states["monitoring/alarms"] == "not there"
    assert {one["key"]: one["state"] for one in drawn["groups"]}["network/vpc"] == "healthy"
    for words in (["diagram"], ["diagram", "--output", "half.svg"], ["report", "--output", "half.html"]):
        assert world.awsdeploy(*words).returncode == 0
    assert "never ended" in (world.folder / "half.html").read_text()
    assert world.awsdeploy("up", "--yes").returncode == 0
    assert [run["outcome"] for run in shown(world)["runs"]] == ["never ended", "done"]


def test_two_stacks_of_a_folder_have_their_own_runs(copy: World) -> None:
    (copy.folder / "other.toml").write_text(CONFIG.replace("times", "other"))
    done = copy.awsdeploy("timeline", "--config", "other.toml")
    assert (done.returncode, "No run of other-dev" in done.stderr) == (64, True)
    assert [run["number"] for run in shown(copy)["runs"]] == [1]
