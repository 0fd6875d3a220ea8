"""`config show` prints what is in effect in a form that means the same; `config schema` is for editors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from awsdeploy.cli import awsdeploy
from awsdeploy.config import ENVIRONMENT, load, loads

TEXT = 'name = "shop"\nplatform = "documented"\ndomain = "example.com"\n[network]\nssh_from = ["203.0.113.7/32"]\n'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(awsdeploy, ["config", *words])


def test_what_is_shown_means_the_same_as_what_was_written(project: Path) -> None:
    shown = run("show")
    assert shown.exit_code == 0
    assert loads(shown.stdout).model_dump() == load(project).model_dump()
    with_origins = run("show", "--origin")
    assert loads(with_origins.stdout).model_dump() == load(project).model_dump()


def test_statements_are_shown_as_toml(project: Path) -> None:
    wish = '[[services.frontend.statements]]\nactions = ["ses:SendEmail"]\nresources = ["*"]\n'
    project.write_text(project.read_text() + wish + 'conditions = { StringEquals = { "ses:a" = ["b"] } }\n')
    assert loads(run("show").stdout).model_dump() == load(project).model_dump()


def test_the_origin_stands_beside_each_value() -> None:
    rows = [" ".join(line.split()) for line in run("show", "--origin", "--region", "us-east-1").stdout.splitlines()]
    assert 'domain = "example.com" # config.toml:3' in rows
    assert 'region = "us-east-1" # --region' in rows
    assert "multi_az = true # preset prod" in rows
    assert 'timezone = "UTC" # default' in rows
    assert all("# " in row for row in rows if "=" in row)


def test_another_environment_is_shown_as_it_would_be() -> None:
    assert 'instance_class = "db.t3.micro"' in run("show", "-e", "dev").stdout


def test_json_holds_settings_and_origins_in_one_versioned_document() -> None:
    document = json.loads(run("show", "--json").stdout)
    assert document["version"] == 1
    assert document["settings"]["network"]["zones"] == ["a", "c"]
    assert list(document["settings"]["services"]) == ["frontend", "backend"]
    assert document["origins"]["network.ssh_from"] == "config.toml:5"


def test_json_says_nothing_on_stdout_when_the_settings_are_wrong(project: Path) -> None:
    project.write_text("name = 3")
    result = run("show", "--json")
    assert (result.exit_code, result.stdout) == (64, "")


def test_the_schema_is_json_and_needs_no_config(project: Path) -> None:
    project.unlink()
    schema = json.loads(run("schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_the_sandbox_is_not_started_to_look_at_settings() -> None:
    result = CliRunner().invoke(awsdeploy, ["--sandbox", "config", "show"])
    assert (result.exit_code, result.stderr) == (0, "")
