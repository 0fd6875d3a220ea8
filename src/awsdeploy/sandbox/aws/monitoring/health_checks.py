"""Route 53 health checks: a reference is good for one check, also after that is gone; one in use stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

LONGEST_REFERENCE = 64


@dataclass
class References:
    """Caller reference → the settings and the id of the check that was made with it, whether it is still there."""

    used: dict[str, tuple[str, str]] = field(default_factory=dict)


@before("route53:CreateHealthCheck")
def once(world: World, call: ApiCall) -> Answer | None:
    reference, config = str(call.parameters["CallerReference"]), call.parameters["HealthCheckConfig"]
    if len(reference) > LONGEST_REFERENCE:
        message = f"Value '{reference}' at 'callerReference' failed to satisfy constraint: length at most 64"
        raise AwsRefuses("InvalidInput", message)
    if config["Type"] != "CALCULATED" and int(config.get("RequestInterval", 30)) not in (10, 30):
        raise AwsRefuses("InvalidInput", "RequestInterval must be 10 or 30")
    settings, id = world.of(References).used.get(reference, ("", ""))
    if not id:
        return None
    if settings == _written(config) and id in world.moto("route53").health_checks:
        return {"HealthCheck": _shown(world, id), "Location": f"https://route53/2013-04-01/healthcheck/{id}"}
    message = f"A health check with the caller reference {reference} has already been created."
    raise AwsRefuses("HealthCheckAlreadyExists", message, 409)


@after("route53:CreateHealthCheck")
def made(world: World, call: ApiCall, answer: Answer) -> None:
    reference, id = str(call.parameters["CallerReference"]), answer["HealthCheck"]["Id"]
    world.of(References).used[reference] = _written(call.parameters["HealthCheckConfig"]), id


@before("route53:UpdateHealthCheck", "route53:DeleteHealthCheck", "route53:GetHealthCheck")
def there(world: World, call: ApiCall) -> None:
    id = call.parameters["HealthCheckId"]
    if id not in world.moto("route53").health_checks:
        raise AwsRefuses("NoSuchHealthCheck", f"A health check with id {id} does not exist.", 404)
    for zone in world.moto("route53").zones.values() if call.operation == "DeleteHealthCheck" else ():
        if any(record.health_check_id == id for record in zone.rrsets):
            raise AwsRefuses("HealthCheckInUse", f"The health check {id} is still referenced by a record.", 400)


def _shown(world: World, id: str) -> Mapping[str, Any]:
    check = world.moto("route53").health_checks[id]
    return {
        "Id": id,
        "CallerReference": check.caller_reference,
        "HealthCheckConfig": {name: value for name, value in check.health_check_config.items() if value is not None},
        "HealthCheckVersion": check.health_check_version,
    }


def _written(config: Mapping[str, Any]) -> str:
    return json.dumps(config, sort_keys=True, default=str)
