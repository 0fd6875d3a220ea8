"""Rules for IDs of what exists in AWS: a VPC, its subnets, a database."""

from __future__ import annotations

import re
from collections.abc import Callable

from awsdeploy.config.wrong import Wrong

VPC_ID, SUBNET_ID = "vpc-([0-9a-f]{8}|[0-9a-f]{17})", "subnet-([0-9a-f]{8}|[0-9a-f]{17})"
"""AWS: 17 hexadecimal digits; 8 in IDs from before 2018."""


def aws_id(pattern: str, what: str, example: str) -> Callable[[str], str]:
    """A rule for one kind of ID."""

    def rule(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise Wrong(f'the ID of {what}, such as "{example}"')
        return value

    return rule


DATABASE_ID = "[A-Za-z](-?[A-Za-z0-9]){0,62}"
"""AWS: an identifier of a DB instance, which is in lower case."""

subnet_id = aws_id(SUBNET_ID, "a subnet", "subnet-0123456789abcdef0")
_vpc_id = aws_id(VPC_ID, "a VPC", "vpc-0123456789abcdef0")


def database_id(value: str) -> str:
    """The identifier of a DB instance; "" is none."""
    if value and not re.fullmatch(DATABASE_ID, value):
        raise Wrong('the identifier of a DB instance, such as "shop-database"')
    return value.lower()


def vpc_id(value: str) -> str:
    """The ID of a VPC; "" is none."""
    return _vpc_id(value) if value else value
