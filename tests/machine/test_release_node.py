"""Releases with another Node.js than the machine's own, which really runs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.sandbox.machines.hosts import SHIMS
from tests.machine.release_host import ReleaseHost, application, until

pytestmark = pytest.mark.slow

PROGRAM = """\
const http = require('http');
const told = { version: process.version, built: require('fs').readFileSync('built', 'utf8'), path: process.env.PATH };
const server = http.createServer((request, response) => {
  response.setHeader('Connection', 'close');
  response.end(JSON.stringify(told));
});
server.listen(process.env.PORT);
process.on('SIGINT', () => server.close(() => process.exit()));
"""
BUILD = "node -e \"require('fs').writeFileSync('built', process.version)\""
FILES = application(PROGRAM, scripts={"build": BUILD})
THROUGH_NPM = application(PROGRAM, main="none.js", scripts={"build": BUILD, "start": "exec node main.js"})


@pytest.fixture
def node_host(host: ReleaseHost, tools: Path, tmp_path: Path) -> ReleaseHost:
    """A machine whose other versions come from npm; the download has its own time."""
    installer = host.tools / "install-node"
    host.tool(installer.name, f'#!/bin/sh\nexec "{sys.executable}" -I "{SHIMS / "node_installer.py"}" "$@"\n')
    host.environment |= {"NODE_INSTALLER": str(installer), "AWSDEPLOY_HOST_CACHE": str(tools.parent)}
    subprocess.run([installer, "22", tmp_path], env=host.environment, check=True, timeout=300)
    return host


@pytest.fixture
def failures(node_host: ReleaseHost) -> Iterator[list[str]]:
    """Failures of requests that are made all the time, from the first answer on."""
    end, failed, count = threading.Event(), list[str](), 0

    def ask() -> None:
        nonlocal count
        while not end.wait(0.01):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{node_host.port}/health", timeout=10) as answer:
                    answer.read()
                count += 1
            except OSError as error:
                if count and not end.is_set():  # before the first release nothing answers
                    failed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    yield failed
    end.set()
    thread.join()
    assert count > 50


def node(major: str, **more: Any) -> dict[str, Any]:
    return {"node": {"major": major, "is_default": False, "archive": "", "sha256": "", **more}}


def told(host: ReleaseHost) -> dict[str, str]:
    found: dict[str, str] = json.loads(host.ask())
    return found


def test_a_release_changes_the_version_and_back_and_no_request_is_lost(
    node_host: ReleaseHost, failures: list[str]
) -> None:
    assert node_host.deploy("one", FILES, node=None).code == 0
    own = told(node_host)["version"]
    done = node_host.deploy("two", FILES, **node("22"))
    assert done.code == 0, done.output
    assert "node" in done.steps
    found = told(node_host)
    assert (found["version"][:4], found["built"]) == ("v22.", found["version"])
    assert node_host.run("exec", "node --version").output.splitlines()[0] == found["version"]
    assert node_host.run("restart").code == 0
    assert told(node_host)["version"] == found["version"]
    again = node_host.deploy("three", FILES, **node("22"))
    assert (again.code, "node" in again.steps) == (0, False), "it is there already"
    assert node_host.run("rollback", "one").code == 0
    back = told(node_host)
    assert (back["version"], back["built"]) == (own, own)
    assert "awsdeploy/node" not in back["path"]
    assert failures == []


def test_a_machine_that_starts_again_has_the_same_version(node_host: ReleaseHost) -> None:
    assert node_host.deploy("one", FILES, **node("22")).code == 0
    node_host.pm2("kill")
    hook = node_host.root / "opt/awsdeploy/cluster_hook.js"
    node_host.environment["PM2_NODE_OPTIONS"] = f"--import={hook.as_uri()}"
    node_host.pm2("resurrect")
    until(lambda: node_host.serving is not None)
    assert told(node_host)["version"].startswith("v22.")
    assert [one["pm2_env"]["exec_mode"] for one in node_host.processes] == ["cluster_mode"]


def test_a_new_machine_takes_the_version_of_the_current_release(node_host: ReleaseHost) -> None:
    node_host.name_current(node_host.publish("one", FILES, **node("22")))
    assert node_host.run("catchup").code == 0
    assert told(node_host)["version"].startswith("v22.")


@pytest.mark.torture
def test_a_daemon_of_an_earlier_version_is_started_again_once(node_host: ReleaseHost) -> None:
    node_host.pm2("ping")
    assert node_host.deploy("one", FILES).code == 0
    done = node_host.deploy("two", FILES, **node("22"))
    assert done.code == 0, done.output
    assert "note: PM2 is restarted once, to run another Node.js. Until then nothing answers." in done.output
    assert told(node_host)["version"].startswith("v22.")
    assert "PM2 is restarted" not in node_host.deploy("three", FILES, **node("22")).output


def test_a_program_that_npm_starts_has_it_too(node_host: ReleaseHost) -> None:
    done = node_host.deploy("one", THROUGH_NPM, **node("22"))
    assert done.code == 0, done.output
    assert told(node_host)["version"].startswith("v22.")


def test_what_cannot_be_had_is_told_and_the_own_version_runs(node_host: ReleaseHost) -> None:
    done = node_host.deploy("one", FILES, **node("17"))
    assert done.code == 0, done.output
    assert "note: Node.js 17 was asked for; this sandbox has " in done.output
    assert told(node_host)["version"].startswith("v24.")
