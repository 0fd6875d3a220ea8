"""Requests signed by hand, so that a test can alter them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.simulated import REGION, World


def signed(
    world: World,
    service: str,
    method: str = "GET",
    path: str = "/",
    body: bytes = b"",
    keys: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a request by the owner, or by who has these keys; `headers` are signed as well."""
    key, secret = keys or (world.environment["AWS_ACCESS_KEY_ID"], world.environment["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest(method, f"{world.url}{path}", dict(headers or {}), body)
    if service == "s3":
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    signer: Any = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(key, secret), service, REGION).add_auth(request)
    return {str(name): str(value) for name, value in request.headers.items()}
