"""Check of the variables in config.toml."""

from __future__ import annotations

from awsdeploy.aws.session import AwsSession
from awsdeploy.config import from_mapping
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.preflight.variables import secrets_in_config

BASE = {"name": "shop", "environment": "dev", "platform": "supported"}


def found(**variables: str) -> list[Finding]:
    services = {"frontend": {}, "backend": {"variables": variables}}
    settings = from_mapping({**BASE, "services": services}, source="", environ={})
    return list(secrets_in_config(Question(settings, AwsSession(), folder=None)))


def test_a_text_that_looks_like_a_secret_is_a_warning_without_the_text() -> None:
    (one,) = found(STRIPE_KEY="sk-live-4f9a", A="x", URL="mysql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}")
    assert (one.what, one.fatal) == ("services.backend.variables.STRIPE_KEY", False)
    assert "awsdeploy env set backend STRIPE_KEY" in one.remedy
    assert "sk-live" not in f"{one}"


def test_without_such_a_text_nothing_is_said() -> None:
    assert found(LOG_LEVEL="debug", DATABASE_HOST="{DB_HOST}") == []
