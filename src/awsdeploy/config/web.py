"""Settings of the load balancer: what it refuses, drops and adds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from awsdeploy.config import rules
from awsdeploy.config.values import Frozen, between


class Web(Frozen):
    """Settings by which the load balancer guards the services behind it."""

    hsts_days: Annotated[int, AfterValidator(rules.whole(0, 730)), between(0, 730)] = 30
    """Strict-Transport-Security: for so many days a browser that came by HTTPS uses nothing else. 0: no such header."""
    desync: Literal["defensive", "strictest", "monitor"] = "defensive"
    """Requests that servers could read in two ways. defensive: AWS's default. strictest: only what RFC 7230 allows."""
    drop_invalid_headers: bool = True
    """Drop request headers whose names have other characters than letters, digits and hyphens."""
