"""shell, tunnel and open: what AWS is asked, and what the plugin, or the browser, is handed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from awsdeploy.cli import awsdeploy, options
from awsdeploy.errors import UsageError
from awsdeploy.sandbox.control import RunningSandbox
from tests.conftest import SPEED, forked
from tests.ports import free_port
from tests.sandbox.sample_application import STILL
from tests.simulated import REGION, World, machines
from tests.warm import SCRIPT

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.frontend]
[services.backend]
instances = 2
"""
PLUGIN = """\
#!/usr/bin/env python3
import json, os, signal, sys, time
if sys.argv[1:] == ["--version"]:
    print(os.environ.get("PLUGIN_VERSION", "1.2.707.0"))
    sys.exit()
signal.signal(signal.SIGINT, lambda *_: sys.exit(3))
told = {"argv": sys.argv[1:], "session": os.environ.get("AWS_SSM_START_SESSION_RESPONSE"), "stdin": ""}
waits = "PLUGIN_WAITS" in os.environ
if not waits:
    told["stdin"] = sys.stdin.read()
with open("told.tmp", "w") as file:
    json.dump(told, file)
os.rename("told.tmp", "told.json")
if waits:
    time.sleep(60)
sys.exit(7)
"""
BROWSER = '#!/bin/sh\necho "$@" >> opened\n'


@pytest.fixture(scope="module")
def stack_world(module_world: World) -> World:
    module_world.up(module_world.settings(CONFIG))
    module_world.control("POST", "speed", {"speed": STILL})
    return module_world


@pytest.fixture
def stack_copy(stack_world: World, tmp_path: Path) -> Iterator[World]:
    """The stack is up, and on this machine the plugin is installed and a browser."""
    with forked(RunningSandbox(**stack_world.control("GET", "status") | {"speed": SPEED}), tmp_path) as made:
        (tmp_path / "config.toml").write_text(CONFIG)
        (tmp_path / "bin").mkdir()
        for name, text in {"session-manager-plugin": PLUGIN, "xdg-open": BROWSER}.items():
            (tmp_path / "bin" / name).write_text(text)
            (tmp_path / "bin" / name).chmod(0o755)
        made.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        made.control("DELETE", "calls")
        yield made


def told(world: World) -> dict[str, Any]:
    """Arguments of the plugin."""
    found: dict[str, Any] = json.loads((world.folder / "told.json").read_text())
    return found


def test_the_plugin_is_handed_the_session_as_the_aws_cli_does_and_the_token_out_of_sight(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("shell", "backend", stdin="ls\n")
    assert done.returncode == 7, done.stderr
    handed = told(stack_copy)
    session = json.loads(handed["session"])
    assert set(session) == {"SessionId", "TokenValue", "StreamUrl"}
    target = json.dumps({"Target": machines(stack_copy)["backend-1"]})
    words = ["AWS_SSM_START_SESSION_RESPONSE", REGION, "StartSession", "", target, stack_copy.url]
    assert handed["argv"] == words
    assert handed["stdin"] == "ls\n"
    assert session["TokenValue"] not in done.stdout + done.stderr
    assert "backend-1" in done.stderr


@pytest.mark.parametrize("by_name", [True, False])
def test_another_machine_is_chosen_by_name_or_id(stack_copy: World, by_name: bool) -> None:
    id = machines(stack_copy)["backend-2"]
    assert stack_copy.awsdeploy("shell", "backend", "--instance", "backend-2" if by_name else id).returncode == 7
    assert json.loads(told(stack_copy)["argv"][4]) == {"Target": id}


def test_a_machine_that_is_not_the_services_is_refused_and_the_others_are_named(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("shell", "backend", "--instance", machines(stack_copy)["frontend-1"])
    assert done.returncode == 5
    assert "backend-1" in done.stderr
    assert stack_copy.awsdeploy("shell", "back").returncode == 64


def test_a_machine_that_does_not_run_has_no_shell(stack_copy: World) -> None:
    ids = machines(stack_copy)
    stack_copy.client("ec2").stop_instances(InstanceIds=[ids["backend-1"], ids["frontend-1"]])
    stack_copy.pass_time(120)
    assert stack_copy.awsdeploy("shell", "backend").returncode == 7
    assert json.loads(told(stack_copy)["argv"][4]) == {"Target": ids["backend-2"]}
    none = stack_copy.awsdeploy("shell", "frontend")
    assert none.returncode == 5
    assert "frontend-1" in none.stderr
    away = stack_copy.awsdeploy("shell", "backend", "--instance", "backend-1")
    assert away.returncode == 5
    assert "agent of backend-1" in away.stderr


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        (("shell", "backend"), "exec backend COMMAND --sandbox"),
        (("tunnel", "database"), "exec backend 'MYSQL_PWD=$DB_PASSWORD mariadb -h $DB_HOST "),
    ],
)
def test_in_the_sandbox_exec_is_suggested_and_never_real_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], instead: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "enter_sandbox", lambda _: None)
    (tmp_path / "config.toml").write_text(CONFIG)
    done = CliRunner().invoke(awsdeploy, [*words, "--sandbox"], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "does not simulate Session Manager" in done.exception.message
    assert instead in done.exception.hint
    assert "without --sandbox" not in done.exception.hint


@pytest.mark.parametrize("words", [("shell", "backend"), ("tunnel", "database")])
def test_without_the_plugin_its_installation_is_named_and_aws_is_not_asked(
    stack_copy: World, words: tuple[str, ...]
) -> None:
    (stack_copy.folder / "bin" / "session-manager-plugin").unlink()
    done = stack_copy.awsdeploy(*words)
    assert done.returncode == 64
    assert "session-manager-plugin" in done.stderr
    assert any(way in done.stderr for way in ("brew install", ".deb", ".rpm", "https://docs.aws"))
    assert stack_copy.control("GET", "calls")["calls"] == []


def test_a_plugin_that_would_show_the_token_is_too_old(stack_copy: World) -> None:
    done = stack_copy.awsdeploy("shell", "backend", PLUGIN_VERSION="1.2.497.0")
    assert done.returncode == 64
    assert "too old" in done.stderr
    assert not (stack_copy.folder / "told.json").exists()


def test_the_tunnel_leads_to_the_database_through_a_machine_that_may_reach_it(stack_copy: World) -> None:
    (database,) = stack_copy.client("rds").describe_db_instances()["DBInstances"]
    port = str(free_port())
    done = stack_copy.awsdeploy("tunnel", "database", "--port", port)
    assert done.returncode == 7, done.stderr
    assert json.loads(told(stack_copy)["argv"][4]) == {
        "Target": machines(stack_copy)["backend-1"],
        "DocumentName": "AWS-StartPortForwardingSessionToRemoteHost",
        "Parameters": {
            "host": [database["Endpoint"]["Address"]],
            "portNumber": ["3306"],
            "localPortNumber": [port],
        },
    }
    name = "/deploy/shop/dev/database/DB_PASSWORD"
    secret = stack_copy.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert f"mysql -h 127.0.0.1 -P {port} -u app -p shop" in done.stderr
    assert f"--name {name}" in done.stderr
    assert secret not in done.stderr + done.stdout + (stack_copy.folder / "told.json").read_text()
    shown = stack_copy.awsdeploy("tunnel", "database", "--port", port, "--show")
    assert secret in shown.stderr
    assert secret not in (stack_copy.folder / "told.json").read_text()


def test_a_port_in_use_is_told_before_anything_is_asked(stack_copy: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = stack_copy.awsdeploy("tunnel", "database", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 64
    assert "--port" in done.stderr
    assert stack_copy.control("GET", "calls")["calls"] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 3), (signal.SIGTERM, 143)])
def test_the_plugin_answers_ctrl_c_itself_and_ends_with_us(
    stack_copy: World, number: signal.Signals, code: int
) -> None:
    child = subprocess.Popen(
        [str(SCRIPT), "tunnel", "database", "--port", str(free_port())],
        cwd=stack_copy.folder,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **stack_copy.environment, "PLUGIN_WAITS": "1"},
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.monotonic() + 60
        while not (stack_copy.folder / "told.json").exists():
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(child.pid, number)  # as a terminal does
        else:
            os.kill(child.pid, number)
        assert child.wait(30) == code
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def test_the_address_is_printed_and_opened_where_there_is_a_screen(stack_copy: World) -> None:
    (address,) = stack_copy.control("GET", "balancers").values()
    plain = stack_copy.awsdeploy("open", DISPLAY="", WAYLAND_DISPLAY="", BROWSER="", WSL_DISTRO_NAME="")
    assert (plain.returncode, plain.stdout) == (0, f"{address}\n"), plain.stderr
    assert not (stack_copy.folder / "opened").exists()
    assert stack_copy.awsdeploy("open", DISPLAY=":1").stdout == f"{address}\n"
    deadline = time.monotonic() + 20
    while not (stack_copy.folder / "opened").exists():  # the browser is not waited for
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (stack_copy.folder / "opened").read_text() == f"{address}\n"


@pytest.mark.parametrize("words", [("shell", "backend"), ("tunnel", "database"), ("open",)])
def test_of_nothing_nothing_is_opened(stack_copy: World, words: tuple[str, ...]) -> None:
    (stack_copy.folder / "config.toml").write_text(CONFIG.replace('"shop"', '"other"'))
    assert stack_copy.awsdeploy(*words).returncode == 6
