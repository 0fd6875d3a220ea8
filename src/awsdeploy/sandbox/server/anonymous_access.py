"""Anonymous access to a bucket: its policy, and the blocks on public access of the bucket and of the account."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
OBJECTS = {"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject"}
SECURE = {"Bool": {"aws:SecureTransport"}}
"""The only condition that is understood. A request counts as sent over TLS unless it says otherwise (`over_tls`)."""
PLAIN = ("X-Forwarded-Proto", "http")
"""Header that marks a request as sent over plain HTTP. The sandbox itself has no TLS."""


@dataclass
class Account:
    """Settings of the account that forbid public access to all its buckets."""

    block: dict[str, bool] = field(default_factory=dict)


def blocked(world: World, bucket: Any, what: str) -> bool:
    """Does the bucket or the account have this block on?"""
    own = bucket.public_access_block.to_config_dict() if bucket.public_access_block else {}
    return bool(own.get(what[0].lower() + what[1:]) or world.of(Account).block.get(what))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(bucket: Any) -> list[dict[str, Any]]:
    return listed(json.loads(bucket.policy)["Statement"]) if bucket.policy else []


def for_everyone(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, dict) and "*" in listed(principal.get("AWS", [])))


def over_tls(call: ApiCall) -> bool:
    name, value = PLAIN
    return str(call.request.headers.get(name, "")).lower() != value


def decided(found: list[dict[str, Any]], action: str, resource: str, secure: bool = True) -> str:
    """Allow, Deny, or nothing: what these statements say together."""
    effects = {
        one["Effect"]
        for one in found
        if _matches(one.get("Action", []), action)
        and _matches(one.get("Resource", []), resource)
        and _applies(one, secure)
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else ""


def _matches(patterns: Any, value: str) -> bool:
    return any(fnmatch.fnmatchcase(value, str(pattern).replace("[", "[[]")) for pattern in listed(patterns))


def _applies(statement: Mapping[str, Any], secure: bool) -> bool:
    wanted = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return wanted is None or str(listed(wanted)[0]).lower() == str(secure).lower()


def refuse_plain(world: World, call: ApiCall) -> None:
    """Raises `AwsRefuses` for a request over plain HTTP that the bucket's policy denies to everyone."""
    bucket = world.moto("s3").buckets.get(call.parameters.get("Bucket")) if call.service == "s3" else None
    if bucket is None or over_tls(call):
        return
    everyone = [one for one in statements(bucket) if for_everyone(one)]
    key = f"/{call.parameters['Key']}" if "Key" in call.parameters else ""
    if decided(everyone, f"s3:{call.operation}", f"arn:aws:s3:::{bucket.name}{key}", secure=False) == "Deny":
        raise AwsRefuses("AccessDenied", "Access Denied", 403)


def admit(world: World, call: ApiCall) -> None:
    """Raises `AwsRefuses` unless the bucket's policy lets everyone do this, and nothing blocks that."""
    bucket = world.moto("s3").buckets.get(call.parameters.get("Bucket"))
    if call.service == "s3" and bucket is not None and call.operation in OBJECTS:
        key = call.parameters["Key"]
        public = [one for one in statements(bucket) if for_everyone(one)]
        allowed = decided(public, OBJECTS[call.operation], f"arn:aws:s3:::{bucket.name}/{key}") == "Allow"
        # AWS: who may not list learns nothing about what is not there.
        if allowed and key in bucket.keys and not blocked(world, bucket, "RestrictPublicBuckets"):
            return
    raise AwsRefuses("AccessDenied", "Access Denied", 403)
