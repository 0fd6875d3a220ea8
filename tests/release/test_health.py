"""Health check of a service: compared with the load balancer's before a release, and its settings after a 4xx."""

from __future__ import annotations

from typing import Any

import pytest

from awsdeploy.config import Service, from_mapping
from awsdeploy.engine.observed import Observed
from awsdeploy.errors import Refused
from awsdeploy.release.health import need_same_check, offer
from awsdeploy.resources.web.target_group import TargetGroup

GROUP = {"Port": 9999, "HealthCheckPath": "/api/health", "Matcher": {"HttpCode": "200-399"}}


def backend(**settings: object) -> Service:
    written = {"name": "shop", "platform": "supported", "services": {"frontend": {}, "backend": settings}}
    return from_mapping(written, source="", environ={}).services["backend"]


def group(**changed: Any) -> dict[str, Observed]:
    return {"backend": Observed(TargetGroup, "web/backend", "arn", raw={**GROUP, **changed})}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"port": 8000}, "config.toml says port 8000, /api/health, 200-399"),
        ({"health": "/ok"}, "config.toml says port 9999, /ok, 200-399"),
        ({"health_status": "200-499"}, "config.toml says port 9999, /api/health, 200-499"),
        ({"health": "tcp"}, "config.toml says port 9999, /, 200-499"),
    ],
)
def test_another_check_than_the_load_balancers_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(Refused) as raised:
        need_same_check(group(), [backend(**settings)])
    assert "The load balancer checks port 9999, /api/health, 200-399, " + said in raised.value.message
    assert raised.value.message.endswith("` first.")


def test_the_same_check_and_a_service_without_a_target_group_are_not_refused() -> None:
    need_same_check(group(), [backend()])
    need_same_check(group(Port=8000), [backend(port=8000)])
    need_same_check({}, [backend(port=8000)])


@pytest.mark.parametrize(
    "diagnosis",
    [
        "The health path /api/health answers 404.",
        "The health path /api/health answers 401.",
        "Health checks failed with these codes: [404]",
        "Health checks failed with these codes: [403]",
    ],
)
def test_after_a_4xx_the_settings_that_accept_it_are_offered(diagnosis: str) -> None:
    said = offer(backend(), "Answer it with 200.", diagnosis)
    assert said.startswith("Answer it with 200.\n")
    assert '[services.backend] health_status = "200-499"' in said
    assert 'health = "tcp"' in said


def test_other_answers_and_checks_that_accept_a_4xx_need_no_offer() -> None:
    assert offer(backend(), "See its output.", "The health path /api/health answers 500.") == "See its output."
    assert offer(backend(health="tcp"), "Answer it.", "The health path / answers 404.") == "Answer it."
    assert offer(backend(health_status="200,401"), "Do.", "The health path /a answers 401.") == "Do."
