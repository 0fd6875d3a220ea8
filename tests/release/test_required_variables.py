"""Variables that the code requires and that nobody has set, before a release."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from awsdeploy.config import Settings, from_mapping
from awsdeploy.errors import next_command
from awsdeploy.release import required_variables
from awsdeploy.release.environment import Listing, Variable
from awsdeploy.release.source import Source, committed
from tests.release.repository import commit, repository

MAIN = "config.getOrThrow('STRIPE_KEY');\nconfig.getOrThrow('DB_HOST');\nconfig.getOrThrow('PORT');\n"
NOT_ASKED = cast(Listing, None)


@pytest.fixture
def settings() -> Settings:
    return from_mapping({"name": "shop", "environment": "dev", "platform": "supported"}, source="", environ={})


def source(tmp_path: Path, **files: str) -> Source:
    repository(tmp_path)
    commit(tmp_path, {f"back/{name}": text for name, text in files.items()})
    return committed(tmp_path, "HEAD")


def notes(settings: Settings, code: Source, *known: tuple[str, str]) -> list[str]:
    stored = [SimpleNamespace(folder=folder, name=name) for folder, name in known]
    return required_variables.notes(lambda: cast(list[Variable], stored), settings, code, settings.services.values())


def test_a_variable_that_nobody_has_set_is_named(tmp_path: Path, settings: Settings) -> None:
    code = source(tmp_path, **{"src/main.ts": MAIN, "src/main.spec.ts": "config.getOrThrow('OF_A_TEST')"})
    (said,) = notes(settings, code, ("frontend", "STRIPE_KEY"))
    assert said.splitlines() == [
        "backend: the code requires variables that are not set:",
        "  STRIPE_KEY (back/src/main.ts)",
        f"  To set one: {next_command('env', 'set', 'backend', 'STRIPE_KEY')}",
    ]


def test_a_variable_that_is_set_is_not_named(tmp_path: Path, settings: Settings) -> None:
    code = source(tmp_path, **{"src/main.ts": MAIN})
    assert notes(settings, code, ("backend", "STRIPE_KEY")) == []
    commit(tmp_path, {"back/.env.production": "STRIPE_KEY=x\n"})
    assert required_variables.notes(NOT_ASKED, settings, committed(tmp_path, "HEAD"), settings.services.values()) == []


def test_another_name_of_a_database_value_is_explained(tmp_path: Path, settings: Settings) -> None:
    (said,) = notes(settings, source(tmp_path, **{"src/main.ts": "c.getOrThrow('DB_USERNAME')"}))
    assert said.splitlines() == [
        "backend: the code requires variables that are not set:",
        "  DB_USERNAME (back/src/main.ts): awsdeploy provides this value as DB_USER",
        "  To give the program these names, write in config.toml: [services.backend.variables]",
        '    DB_USERNAME = "{DB_USER}"',
    ]


def test_a_variable_of_config_toml_is_not_named(tmp_path: Path) -> None:
    variables = {"STRIPE_KEY": "{JWT_SECRET}", "DB_USERNAME": "{DB_USER}"}
    services = {"frontend": {}, "backend": {"variables": variables}}
    base = {"name": "shop", "environment": "dev", "platform": "supported"}
    mapped = from_mapping({**base, "services": services}, source="", environ={})
    code = source(tmp_path, **{"src/main.ts": f"{MAIN}c.get('DB_USERNAME')"})
    assert notes(mapped, code) == []


def test_other_names_of_database_values_are_named_even_with_a_default(tmp_path: Path, settings: Settings) -> None:
    text = (
        "host: process.env.MYSQL_HOST ?? 'localhost', user: config.get<string>('DB_USER'), port: process.env.MYSQL_PORT"
    )
    (said,) = notes(settings, source(tmp_path, **{"src/data.ts": text}))
    assert said.splitlines()[1] == "  MYSQL_HOST (back/src/data.ts): awsdeploy provides this value as DB_HOST"
    assert "MYSQL_PORT" not in said
    commit(tmp_path, {"back/src/url.ts": "url: process.env.DATABASE_URL"})
    assert required_variables.notes(NOT_ASKED, settings, committed(tmp_path, "HEAD"), settings.services.values()) == []


def test_without_the_permission_to_list_parameters_nothing_is_said(tmp_path: Path, settings: Settings) -> None:
    code = source(tmp_path, **{"src/main.ts": MAIN})
    assert required_variables.notes(lambda: None, settings, code, settings.services.values()) == []
