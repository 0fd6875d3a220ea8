"""`--sandbox` before or after the command's name, by flag or by variable, and the sandbox's own commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from awsdeploy.cli import awsdeploy
from awsdeploy.cli.options import Given, shared_options
from awsdeploy.errors import UsageError
from awsdeploy.sandbox import control

WHO = 'import boto3; print(boto3.client("sts").get_caller_identity()["Account"])'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder whose sandbox is stopped afterwards, and an environment that is put back."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('name = "shop"\n')
    before = dict(os.environ)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)
    with suppress(UsageError):  # it may be gone before it has answered
        control.stop(tmp_path / ".awsdeploy" / "sandbox")


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """`awsdeploy status` says where it stands."""

    @click.command()
    @shared_options()
    def status(given: Given) -> None:
        click.echo(f"{os.environ.get('AWS_ENDPOINT_URL', 'AWS itself')} {given.state_folder}")

    monkeypatch.setattr(type(awsdeploy), "get_command", lambda *_: status)


def run(*words: str, **variables: str) -> Result:
    return CliRunner().invoke(awsdeploy, list(words), env=variables)


@pytest.mark.usefixtures("probe")
def test_the_option_works_on_either_side_of_the_command_and_from_the_environment() -> None:
    first = run("--sandbox", "status")
    assert first.exit_code == 0, first.stderr
    assert first.stderr == "Starting the sandbox (simulated AWS) …\n"
    assert first.stdout.startswith("http://127.0.0.1:")
    assert first.stdout.endswith(" .awsdeploy/sandbox\n")
    again = run("status", "--sandbox")
    assert again.stdout == first.stdout
    assert again.stderr == "Using the sandbox (simulated AWS) …\n"
    assert run("status", AWSDEPLOY_SANDBOX="1").stdout == first.stdout


@pytest.mark.usefixtures("probe")
def test_without_it_nothing_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for variables in ({}, {"AWSDEPLOY_SANDBOX": "0"}, {"AWSDEPLOY_SANDBOX": ""}):
        result = run("status", **variables)
        assert (result.stdout, result.stderr) == ("AWS itself .awsdeploy\n", "")
    refused = run("status", "--speed", "10")
    assert refused.exit_code == 64
    assert "--sandbox" in refused.stderr


@pytest.mark.usefixtures("probe")
def test_a_running_sandbox_keeps_its_speed_unless_another_is_named(project: Path) -> None:
    home = project / ".awsdeploy" / "sandbox"
    for words, speed in (
        (["--sandbox", "--speed", "120", "status"], 120),
        (["--sandbox", "status"], 120),
        (["status", "--sandbox", "--speed", "30"], 30),
    ):
        assert run(*words).exit_code == 0
        server = control.status(home)
        assert server is not None
        assert server.speed == speed


def test_without_a_config_no_sandbox_is_started(project: Path) -> None:
    (project / "config.toml").unlink()
    refused = run("up", "--sandbox", "--yes")
    assert refused.exit_code != 0
    assert "config.toml" in refused.stderr
    assert "Starting" not in refused.stderr
    assert not (project / ".awsdeploy").exists()


@pytest.mark.usefixtures("probe")
def test_that_its_stacks_are_gone_with_it_is_said(project: Path) -> None:
    home = project / ".awsdeploy" / "sandbox"
    assert run("status", "--sandbox").exit_code == 0
    server = control.status(home)
    assert server is not None
    os.kill(server.pid, 9)
    os.waitpid(server.pid, 0)
    again = run("status", "--sandbox")
    assert again.stderr == (
        "The sandbox that ran here has ended, and its stacks no longer exist.\nStarting the sandbox (simulated AWS) …\n"
    )


def test_its_own_commands_start_show_empty_and_stop_it() -> None:
    assert run("sandbox", "status").stdout == "The sandbox is not running.\n"
    assert run("sandbox", "reset").exit_code == 64
    assert run("sandbox", "env").exit_code == 64
    started = run("sandbox", "start", "--speed", "90")
    assert started.exit_code == 0, started.stderr
    assert "90 times as fast as AWS" in started.stdout
    assert run("sandbox", "status").stdout == started.stdout
    assert run("sandbox", "reset").stdout == "The sandbox is empty.\n"
    nowhere = "http://127.0.0.1:9"
    for others in (
        {},
        {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_ENDPOINT_URL_STS": nowhere, "HTTP_PROXY": nowhere},
    ):
        exported = subprocess.run(
            ["sh", "-c", f"{run('sandbox', 'env', **others).stdout}\nexec {sys.executable} -c '{WHO}'"],
            env={**os.environ, **others},
            capture_output=True,
            text=True,
        )
        assert exported.stdout == "123456789012\n", exported.stderr
    assert run("sandbox", "stop").stdout == "The sandbox is stopped.\n"
    assert run("sandbox", "stop").stdout == "The sandbox was not running.\n"
