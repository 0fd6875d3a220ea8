"""AWS list prices of the day `READ_ON`, in US dollars before tax.

A missing price means unknown, not zero.
"""

from __future__ import annotations

from collections.abc import Mapping

READ_ON = "2026-10-01"
HOURS_PER_MONTH = 730
"""Value of the AWS Pricing Calculator."""

# Seoul. Sources: the AWS price list and real bills. "derived": calculated from similar prices in the list.
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
    "load balancer": 0.0225,  # an hour, without its traffic
    "NAT gateway": 0.059,  # an hour; each GB of traffic costs the same amount again
    "public address": 0.005,  # an hour
    "hosted zone": 0.50,  # a month
    "health check": 1.50,  # a month: 0.50 for an AWS endpoint and 1.00 for HTTPS
    "metric": 0.30,  # a month, beyond an account's first ten
    "alarm": 0.10,  # a month, beyond an account's first ten; from AWS's web page, not from the price list
}

# Tokyo: only what the copy of the uploads costs there.
_AP_NORTHEAST_1: Mapping[str, float] = {"S3 storage": 0.025}

BY_REGION: Mapping[str, Mapping[str, float]] = {"ap-northeast-2": _AP_NORTHEAST_2, "ap-northeast-1": _AP_NORTHEAST_1}

HOSTED_ZONE = _AP_NORTHEAST_2["hosted zone"]
"""US dollars a month, the same in every region: a hosted zone is global."""

VCPUS: Mapping[str, int] = {"db.t3.micro": 2, "db.t3.small": 2, "db.t3.medium": 2, "db.t3.large": 2}
"""vCPUs of the database classes. Extended Support is billed per vCPU."""


def unit_price(region: str, item: str) -> float | None:
    """US dollars for one unit in a region; None if unknown."""
    return BY_REGION.get(region, {}).get(item)


def monthly_price(region: str, item: str, quantity: float) -> float | None:
    """US dollars a month for this quantity, rounded to cents; None if the price is unknown."""
    price = unit_price(region, item)
    return None if price is None else round(price * quantity, 2)
