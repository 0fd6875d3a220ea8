"""Health check of a service: what the load balancer asks now, what config.toml says, and what to set after a 4xx."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from awsdeploy.config import Service
from awsdeploy.engine.observed import Observed
from awsdeploy.errors import Refused, next_command

REFUSED = re.compile(r"(?:answers |codes: \[)(4\d\d)\b")
"""An answer between 400 and 499: the program works, but the path is not there or wants a login."""


def need_same_check(groups: Mapping[str, Observed], services: Iterable[Service]) -> None:
    """Compare target groups with the config. Raises `Refused` where the load balancer checks something else."""
    wrong = []
    for service in services:
        group = groups.get(service.name)
        if group is None or service.port is None:
            continue
        declared = _check(service.port, service.health_path, service.healthy_codes)
        present = _present(group.raw)
        if present != declared:
            wrong.append(f"{service.name}: The load balancer checks {present}, config.toml says {declared}")
    if wrong:
        raise Refused("\n".join(wrong) + f": run `{next_command('up')}` first.", "Nothing was sent.")


def offer(service: Service, remedy: str, diagnosis: str) -> str:
    """The remedy; after a 4xx (401, 404) also with the settings that accept this answer."""
    answered = REFUSED.search(diagnosis)
    if answered is None or service.is_healthy(int(answered[1])):
        return remedy
    return (
        f"{remedy}\nOr accept this answer: [services.{service.name}] "
        'health_status = "200-499", or health = "tcp" (any answer below 500, from any path). '
        f"Then: {next_command('up')}, and deploy again."
    )


def _present(group: Mapping[str, Any]) -> str:
    return _check(group["Port"], group.get("HealthCheckPath"), group.get("Matcher", {}).get("HttpCode"))


def _check(port: int, path: object, codes: object) -> str:
    return f"port {port}, {path}, {codes}"
