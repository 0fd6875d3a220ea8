"""Variables that config.toml makes of others: what a template may be, and which texts look like secrets."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy.config import Settings, from_mapping, templates
from awsdeploy.config.templates import is_secret, used
from awsdeploy.errors import ConfigInvalid

BASE = {"name": "shop", "environment": "dev", "platform": "supported"}


def settings(**variables: Any) -> Settings:
    return from_mapping(
        {**BASE, "services": {"frontend": {}, "backend": {"variables": variables}}}, source="", environ={}
    )


def test_a_table_of_templates_belongs_to_the_service() -> None:
    written = {"DATABASE_HOST": "{DB_HOST}", "JSON": '{{"a": 1}}', "EMPTY": "", "LINES": "a\nb"}
    services = settings(**written).services
    assert dict(services["backend"].variables) == written
    assert services["frontend"].variables == {}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"A": "${DB_HOST}"}, "write {DB_HOST}, without $"),
        ({"A": '{"json": true}'}, "write {{ or }} for a brace"),
        ({"A": "x}"}, "write {{ or }} for a brace"),
        ({"A": "{}"}, "write {{ or }} for a brace"),
        ({"A": "x" * 4097}, "at most 4096 characters"),
        ({"A": "x\0"}, "without NUL"),
        ({"A": 3}, 'text in quotes, got 3; write "3"'),
        ({"A-B": "x"}, "the name of a variable"),
        ({"1A": "x"}, "the name of a variable"),
        ({f"A{number}": "x" for number in range(templates.MOST + 1)}, "at most 200 variables"),
        ({"PORT": "3000"}, "write port = … instead"),
        ({"S3_BUCKET": "mine"}, "awsdeploy env set backend S3_BUCKET --force"),
        ({"JWT_SECRET": "{OTHER}"}, "awsdeploy env set backend JWT_SECRET --force"),
    ],
)
def test_what_cannot_be_a_variable_is_refused(variables: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        settings(**variables)
    assert said in refused.value.message


def test_a_refused_template_is_not_repeated() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        settings(STRIPE_KEY="sk-live-4f9a{")
    assert "sk-live" not in refused.value.message


def test_the_inserted_names_are_known() -> None:
    assert list(used("{{A}} {B}{C} {B}")) == ["B", "C", "B"]


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("STRIPE_KEY", "sk-live-4f9a", True),
        ("DB_PASSWORD", "hunter2", True),
        ("stripe_api_key", "sk-live-4f9a", True),
        ("SMTP_PASS", "hunter2", True),
        ("ACCESS_TOKEN", "abc.def", True),
        ("ACCESS_TOKEN", "{JWT_SECRET}", False),
        ("TOKEN_TTL", "15m", False),
        ("TOKEN_REFRESH", "true", False),
        ("KEYCLOAK_URL", "https://id.example.com", False),
        ("MONKEY", "banana", False),
        ("SSL_KEY", "/etc/ssl/key.pem", False),
        ("NEXT_PUBLIC_STRIPE_KEY", "pk_live_4f9a", False),
        ("VAPID_PUBLIC_KEY", "BPk3", False),
        ("LOG_LEVEL", "debug", False),
        ("REDIS_URL", "redis://:hunter2@redis.example.com", True),
        ("DATABASE_URL", "mysql://{DB_USER}:hunter2@{DB_HOST}/shop", True),
        ("DATABASE_URL", "mysql://{DB_USER}:{DB_PASSWORD}@{DB_HOST}/shop", False),
        ("API_URL", "https://api.example.com:8443/v1", False),
    ],
)
def test_a_text_that_looks_like_a_secret_is_told_from_another(name: str, text: str, secret: bool) -> None:
    assert is_secret(name, text) is secret
