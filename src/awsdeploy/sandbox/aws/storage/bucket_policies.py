"""Bucket policies: what is none, who does not exist, and what Block Public Access does not let through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from awsdeploy.sandbox.aws import before
from awsdeploy.sandbox.aws.identity.iam import role_assumable
from awsdeploy.sandbox.server.anonymous_access import SECURE, blocked, for_everyone, listed
from awsdeploy.sandbox.server.call import ApiCall, not_simulated
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

PARTS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ROOT = re.compile(r"(\d{12}|arn:aws:iam::\d{12}:root)")


@before("s3:PutBucketPolicy")
def acceptable(world: World, call: ApiCall) -> None:
    bucket = world.moto("s3").get_bucket(call.parameters["Bucket"])
    for statement in _statements(call.parameters["Policy"]):
        _well_formed(statement, bucket.name)
        _understood(call, statement)
        for principal in _principals(statement):
            _exists(world, principal)
        public = statement["Effect"] == "Allow" and for_everyone(statement) and "Condition" not in statement
        if public and blocked(world, bucket, "BlockPublicPolicy"):
            message = (
                "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
            )
            raise AwsRefuses("AccessDenied", f"User is not authorized to perform: s3:PutBucketPolicy {message}", 403)


def _statements(text: Any) -> list[dict[str, Any]]:
    try:
        policy = json.loads(text)
        found = listed(policy["Statement"])
    except (ValueError, KeyError, TypeError):
        raise AwsRefuses("MalformedPolicy", "Policies must be valid JSON and have a Statement", 400) from None
    if not all(isinstance(one, dict) for one in found):
        raise AwsRefuses("MalformedPolicy", "Missing required field Effect", 400)
    return found


def _well_formed(statement: Mapping[str, Any], bucket: str) -> None:
    if statement.get("Effect") not in ("Allow", "Deny") or set(statement) - PARTS:
        raise AwsRefuses("MalformedPolicy", "Policy has invalid syntax", 400)
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise AwsRefuses("MalformedPolicy", "Missing required field Principal", 400)
    actions = listed(statement.get("Action", []))
    if not actions or not all(str(one).startswith("s3:") or one == "*" for one in actions):
        raise AwsRefuses("MalformedPolicy", "Policy has invalid action", 400)
    own = f"arn:aws:s3:::{bucket}"
    resources = [str(one) for one in listed(statement.get("Resource", []))]
    if not resources or not all(one == own or one.startswith(f"{own}/") for one in resources):
        raise AwsRefuses("MalformedPolicy", "Policy has invalid resource", 400)


def _understood(call: ApiCall, statement: Mapping[str, Any]) -> None:
    """A condition that could not be judged must not seem to hold."""
    for operator, keys in statement.get("Condition", {}).items():
        if operator not in SECURE or set(keys) - SECURE[operator]:
            raise not_simulated(call)


def _principals(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    return [str(one) for one in listed(principal.get("AWS", []))] if isinstance(principal, dict) else []


def _exists(world: World, principal: str) -> None:
    if principal == "*" or ROOT.fullmatch(principal):
        return
    roles = {role.arn for role in world.moto("iam").roles.values()}
    if principal not in roles or not role_assumable(world, principal):
        raise AwsRefuses("MalformedPolicy", "Invalid principal in policy", 400)
