"""Variables that config.toml makes of others, before a release and in its manifest."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.config import Settings, from_mapping
from awsdeploy.engine.run import Run
from awsdeploy.errors import Refused
from awsdeploy.release import deploy, environment, mapped_variables
from awsdeploy.release.environment import Variable, overrides, provided
from awsdeploy.release.manifest import Manifest, manifest
from awsdeploy.release.source import committed
from tests.release.repository import repository

BASE = {"name": "shop", "environment": "dev", "platform": "supported"}


def settings(**variables: str) -> Settings:
    return from_mapping(
        {**BASE, "services": {"frontend": {}, "backend": {"variables": variables}}}, source="", environ={}
    )


def need_known(wanted: Settings, *stored: tuple[str, str, bool]) -> None:
    found = [SimpleNamespace(folder=folder, name=name, build=build) for folder, name, build in stored]
    mapped_variables.need_known(lambda: cast(list[Variable], found), wanted, wanted.services.values())


def test_a_name_that_nobody_has_set_is_refused_with_the_names_that_can_be_used() -> None:
    with pytest.raises(Refused) as refused:
        need_known(settings(A="{DB_HOST}", B="x {REDIS}"), ("backend", "STRIPE", False))
    assert refused.value.message == "services.backend.variables.B: {REDIS} is not set."
    assert "awsdeploy env set backend REDIS" in str(refused.value.hint)
    for name in ("DB_HOST", "DATABASE_URL", "S3_BUCKET", "JWT_SECRET", "STRIPE", "PORT"):
        assert name in str(refused.value.hint)


@pytest.mark.parametrize("stored", [("backend", "REDIS", True), ("frontend", "REDIS", False)])
def test_a_variable_of_the_build_or_of_another_service_is_not_there(stored: tuple[str, str, bool]) -> None:
    with pytest.raises(Refused):
        need_known(settings(A="{REDIS}"), stored)


def test_a_name_of_the_same_table_is_not_inserted() -> None:
    with pytest.raises(Refused):
        need_known(settings(A="1", B="{A}"))


def test_what_is_set_or_provided_is_known() -> None:
    need_known(settings(A="{REDIS}{JWT_SECRET}"), ("backend", "REDIS", False))
    for one in (settings(A="{DB_PASSWORD}{RELEASE_ID}"), settings(A="{UNKNOWN}")):  # the machine knows the second
        mapped_variables.need_known(lambda: None, one, one.services.values())


@pytest.mark.parametrize("allowed", [True, False])
def test_the_checks_of_a_release_share_one_listing(monkeypatch: pytest.MonkeyPatch, allowed: bool) -> None:
    asked = []

    def stored(run: Run) -> list[Variable]:
        asked.append(run)
        if not allowed:
            raise AwsRefusal("ssm:DescribeParameters", "AccessDeniedException", "no")
        return []

    monkeypatch.setattr(environment, "stored", stored)
    listing = environment.listed_once(cast(Run, None))
    assert asked == []
    answer: list[Variable] | None = [] if allowed else None
    assert listing() == answer
    assert listing() == answer
    assert len(asked) == 1


def test_a_text_that_looks_like_a_secret_is_noted_without_its_value() -> None:
    (note,) = mapped_variables.secret_notes(settings(STRIPE_KEY="sk-live-4f9a", A="x").services.values())
    assert "services.backend.variables.STRIPE_KEY in config.toml looks like a secret" in note
    assert "awsdeploy env set backend STRIPE_KEY" in note
    assert "sk-live" not in note


def test_templates_travel_in_the_manifest_and_another_table_is_another_release(tmp_path: Path) -> None:
    code = committed(repository(tmp_path), "HEAD")

    def sent(**variables: str) -> Manifest:
        one = settings(**variables)
        return manifest(one, one.services["backend"], code, "id", "", "")

    first = sent(A="{DB_HOST}").document()
    assert first["variables"] == {"A": "{DB_HOST}"}
    assert deploy._same(first, sent(A="{DB_HOST}"))
    assert not deploy._same(first, sent(A="{DB_NAME}"))
    older = {name: value for name, value in sent().document().items() if name not in ("variables", "keep_dev")}
    assert deploy._same(older, sent())
    assert not deploy._same(older, sent(A="x"))
    assert not deploy._same(older, dataclasses.replace(sent(), keep_dev=True))
    backend = settings(A="x").services["backend"]
    assert [mapped_variables.changed(one, backend) for one in (None, older, sent(A="x").document())] == [
        False,
        True,
        False,
    ]


def test_the_origin_of_a_mapped_variable_is_config_toml() -> None:
    one = settings(DB_HOST="{DB_HOST}.", TEXT="a\nb", A_KEY="sk-live")
    origins = provided(one, one.services["backend"])
    assert origins["A_KEY"] == "config.toml: looks like a secret"
    assert (origins["DB_HOST"], origins["TEXT"]) == ("config.toml: {DB_HOST}.", 'config.toml: "a\\nb"')
    assert overrides(origins["DB_HOST"]) == "overrides config.toml: {DB_HOST}."
    assert overrides(origins["DB_PORT"]) == "overrides the value that awsdeploy provides (the database)"
