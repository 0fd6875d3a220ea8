"""Settings of the load balancer: what it refuses, drops and adds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from awsdeploy.config import rules
from awsdeploy.config.values import Frozen, between


class WebSettings(Frozen):
    """Settings by which the load balancer guards the services behind it."""

    hsts_days: Annotated[int, AfterValidator(rules.whole(0, 730)), between(0, 730)] = 30
    """Days of the Strict-Transport-Security header: browsers then use only HTTPS. 0: no header."""
    desync: Literal["defensive", "strictest", "monitor"] = "defensive"
    """HTTP desync mitigation mode. defensive: the AWS default. strictest: only requests that comply with RFC 7230."""
    drop_invalid_headers: bool = True
    """Drop request headers whose names contain characters other than letters, digits and hyphens."""
