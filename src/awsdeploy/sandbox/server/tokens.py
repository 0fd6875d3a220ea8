"""Idempotency tokens: the same token and settings give the same answer, other settings a refusal."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

# Operation: the token's parameter. The tokens of other services are a correction of their own.
TOKENS = {
    "ec2:RunInstances": "ClientToken",
    "ec2:CreateNatGateway": "ClientToken",
    "ec2:CreateRouteTable": "ClientToken",
    "ec2:CreateLaunchTemplate": "ClientToken",
    "ec2:CreateLaunchTemplateVersion": "ClientToken",
    "ec2:CreateVpcEndpoint": "ClientToken",
    "ec2:CreateVolume": "ClientToken",
}
MISMATCH = (
    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s) with this token."
)


@dataclass
class Spent:
    """Request and answer of a used token."""

    parameters: dict[str, Any]
    answer: dict[str, Any]


@dataclass
class Tokens:
    """All tokens of this world, by operation, region and token."""

    spent: dict[tuple[str, str, str], Spent] = field(default_factory=dict)


def token_of(call: ApiCall) -> tuple[str, str, str] | None:
    parameter = TOKENS.get(call.name)
    token = call.parameters.get(parameter) if parameter else None
    return (call.name, call.region, str(token)) if token else None


def replay(world: World, call: ApiCall) -> dict[str, Any] | None:
    """The answer given before. Raises `AwsRefuses` if the token stood for something else."""
    token = token_of(call)
    spent = world.of(Tokens).spent.get(token) if token else None
    if spent is None:
        return None
    if spent.parameters != call.parameters:
        raise AwsRefuses("IdempotentParameterMismatch", MISMATCH)
    return copy.deepcopy(spent.answer)


def remember(world: World, call: ApiCall, answer: dict[str, Any]) -> None:
    token = token_of(call)
    if token:
        world.of(Tokens).spent[token] = Spent(call.parameters, copy.deepcopy(answer))
