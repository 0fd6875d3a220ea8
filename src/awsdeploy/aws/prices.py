"""AWS list prices, read on the day named: US dollars before tax. Data only.

A price that is not here is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping

READ_ON = "2026-10-01"
HOURS = 730
"""Of a month, as AWS's own calculator has it."""

# Seoul. AWS's price list and real bills; marked ones are derived from their neighbours in the same list.
_AP_NORTHEAST_2: Mapping[str, float] = {
    "t3.micro": 0.013,
    "t3.small": 0.026,
    "t3.medium": 0.052,
    "db.t3.micro": 0.026,
    "db.t3.micro with standby": 0.052,  # derived
    "db.t3.small": 0.052,  # derived
    "db.t3.small with standby": 0.104,  # derived
    "RDS storage": 0.131,  # a GB and month, gp3
    "RDS storage with standby": 0.262,
    "RDS Extended Support": 0.12,  # a vCPU and hour, years 1 and 2
    "RDS snapshot": 0.095,  # a GB and month, beyond the size of the running databases
    "S3 storage": 0.025,  # a GB and month
    "disk": 0.0912,  # a GB and month, gp3
    "load balancer": 0.0225,  # an hour; its traffic comes on top
    "NAT gateway": 0.059,  # an hour; each GB through it costs the same once more
    "public address": 0.005,  # an hour
    "hosted zone": 0.50,  # a month
    "health check": 1.50,  # a month: of an AWS endpoint, 0.50, over HTTPS, 1.00
    "metric": 0.30,  # a month, beyond an account's first ten
    "alarm": 0.10,  # a month, beyond an account's first ten; from AWS's page, not from its list
}

# Tokyo, of what the copy of the uploads costs there.
_AP_NORTHEAST_1: Mapping[str, float] = {"S3 storage": 0.025}

BY_REGION: Mapping[str, Mapping[str, float]] = {"ap-northeast-2": _AP_NORTHEAST_2, "ap-northeast-1": _AP_NORTHEAST_1}

HOSTED_ZONE = _AP_NORTHEAST_2["hosted zone"]
"""US dollars a month, the same everywhere: a hosted zone is global."""

VCPUS: Mapping[str, int] = {"db.t3.micro": 2, "db.t3.small": 2, "db.t3.medium": 2, "db.t3.large": 2}
"""Of database classes: Extended Support is billed by them."""


def each(region: str, what: str) -> float | None:
    """US dollars of one unit in a region, None where unknown."""
    return BY_REGION.get(region, {}).get(what)


def monthly(region: str, what: str, quantity: float) -> float | None:
    """US dollars, in whole cents, of so many units; None where the price is unknown."""
    price = each(region, what)
    return None if price is None else round(price * quantity, 2)
