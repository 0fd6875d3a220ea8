"""Installation: no address that may bring another program, and none is ever suggested."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from awsdeploy import DISTRIBUTION
from awsdeploy.cli import installation
from awsdeploy.errors import UsageError
from awsdeploy.sandbox import extras

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INSTALLS = re.compile(
    r"(?:pip|pipx|uv tool|uv pip)[ \"',]+(?:install|run|upgrade|inject)|uvx |pipx run |uv tool run |python -m pip"
)


def test_no_text_installs_the_foreign_name() -> None:
    """`awsdeploy` on PyPI is another project; whoever follows a hint of ours must not get it."""
    folders = [ROOT / name for name in ("src", "docs", "examples", "benchmarks", ".ci")]
    files = [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "Makefile"]
    files += [path for folder in folders for path in folder.rglob("*") if "node_modules" not in path.parts]
    lines = [
        (path.name, line)
        for path in files
        if path.is_file() and path.suffix in {".md", ".py", ".toml", ".sh", ".yml", "", ".js"}
        for line in path.read_text(errors="replace").splitlines()
        if INSTALLS.search(line)
    ]
    assert len(lines) > 5
    assert [one for one in lines if re.search(r"""install[ '"]+awsdeploy(\[|['" ]|$)""", one[1])] == []


@pytest.mark.parametrize(
    "given",
    [
        f"git+https://github.com/acme/awsdeploy@{COMMIT}",
        f"git+ssh://git@github.com/acme/awsdeploy@{COMMIT}",
        "vendor/awsdeploy_stack-0.1.0-py3-none-any.whl",
        f"https://example.com/a.whl#sha256={'0' * 64}",
    ],
)
def test_an_address_that_cannot_change_is_taken(given: str) -> None:
    assert installation.address(given) == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "awsdeploy",
        "awsdeploy==0.1.0",
        DISTRIBUTION,
        "git+https://github.com/acme/awsdeploy",
        "git+https://github.com/acme/awsdeploy@main",
        "git+https://github.com/acme/awsdeploy@0123456",
        "git+http://example.com/acme/awsdeploy@" + COMMIT,
        "https://example.com/a.whl",
        "--index-url=x.whl",
        "a.whl b.whl",
    ],
)
def test_an_address_that_may_bring_another_program_is_refused(given: str) -> None:
    with pytest.raises(UsageError) as refused:
        installation.address(given)
    assert "--install git+https://" in refused.value.hint


@pytest.mark.parametrize(
    ("told", "origin"),
    [
        (None, ""),
        ({"url": "file:///somewhere", "dir_info": {"editable": True}}, ""),
        (
            {"url": "https://example.com/awsdeploy.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            f"git+https://example.com/awsdeploy.git@{COMMIT}",
        ),
    ],
)
def test_what_pip_recorded_is_the_default(monkeypatch: pytest.MonkeyPatch, told: object, origin: str) -> None:
    recorded = SimpleNamespace(read_text=lambda _name: told and json.dumps(told))
    monkeypatch.setattr(metadata, "distribution", lambda _name: recorded)
    assert installation.origin() == origin


def test_an_extra_is_installed_by_the_packages_it_stands_for() -> None:
    command = extras.command("sandbox")
    assert "'moto>=5.2.5" in command or "'moto<5.3" in command
    assert "awsdeploy" not in command.split(" -m pip install ")[1]
