"""The placeholder really runs and says what it should."""

from __future__ import annotations

import ast
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from awsdeploy.resources.compute import placeholder


@pytest.mark.parametrize("path", ["/", "/api/health", "/anything"])
def test_it_answers_200_and_is_neither_kept_nor_indexed(tmp_path: Path, path: str) -> None:
    program = tmp_path / "placeholder.py"
    # Port 0 is a free one; the program is told to say which.
    serving = (
        "server = Server(('', PORT), Handler)\nprint(server.server_port)\nsys.stdout.flush()\nserver.serve_forever()"
    )
    program.write_text(placeholder.PROGRAM.replace('Server(("", PORT), Handler).serve_forever()', serving))
    process = subprocess.Popen([sys.executable, program, "0", path], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert b"nothing deployed yet" in answer.read()
    finally:
        process.kill()
        process.wait()


def test_it_uses_nothing_that_python_2_7_has_not() -> None:
    """Python 2.7 is not at hand: its grammar is approximated by what a tree may not contain."""
    newer = (ast.JoinedStr, ast.AnnAssign, ast.AsyncFunctionDef, ast.NamedExpr, ast.Nonlocal, ast.Starred, ast.Match)
    for node in ast.walk(ast.parse(placeholder.PROGRAM)):
        assert not isinstance(node, newer)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in {"print", "super"})


@pytest.mark.parametrize(("system", "python"), [("al2", "/usr/bin/python2.7"), ("al2023", "/usr/bin/python3")])
def test_user_data_is_small_and_starts_it(system: str, python: str) -> None:
    text = placeholder.user_data(system, 3000, "/", "ap-northeast-2", "s3://b/releases/web/current.json")
    assert len(text.encode()) < 16 * 1024
    assert f"ExecStart={python} /opt/awsdeploy/placeholder.py 3000 /" in text
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


@pytest.mark.parametrize(("there", "started"), [(0, ""), (1, "enable --now awsdeploy-placeholder.service\n")])
def test_it_is_started_only_where_no_release_comes(tmp_path: Path, there: int, started: str) -> None:
    text = placeholder.user_data("al2023", 3000, "/", "ap-northeast-2", "s3://b/releases/web/current.json")
    calls = {"aws": f'echo "$@" >> {tmp_path}/asked; exit {there}', "systemctl": f'echo "$@" >> {tmp_path}/told'}
    for name, line in calls.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    script = text[text.index("systemctl daemon-reload") :]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=environment, check=False)
    assert done.returncode == 0
    assert (tmp_path / "told").read_text() == f"daemon-reload\n{started}"
    assert "s3://b/releases/web/current.json -" in (tmp_path / "asked").read_text()
