"""Public address of the operator, from which `network.ssh_from = ["auto"]` allows SSH.

It is asked once and then kept in the security groups themselves, in a rule that says so, so that the next run from
a café does not lock anybody out. Knows nothing of who asks.
"""

from __future__ import annotations

import http.client
import ipaddress
import os

from awsdeploy.dns import addresses
from awsdeploy.engine.resource import Aws, Observed, Resource
from awsdeploy.errors import Refused

AUTO = "auto"
KEPT = "The operator's own address, asked for once"
"""Description of the rule that keeps it."""
ASKED = "https://checkip.amazonaws.com"
VARIABLE = "AWSDEPLOY_CHECKIP_URL"


class AddressUnknown(Refused):
    """Failure to find the public address of this computer."""


def address(aws: Aws, groups: type[Resource]) -> str:
    """The operator's address as a range (`203.0.113.7/32`): the one kept in any of these groups, or asked for now.

    Raises `AddressUnknown`.
    """
    return aws.once(_kept_or_asked, groups)


def _kept_or_asked(aws: Aws, groups: type[Resource]) -> str:
    kept = sorted(block for one in aws.all(groups) for block in _kept(one))
    return kept[0] if kept else f"{ask()}/32"


def _kept(group: Observed) -> list[str]:
    return [
        str(block["CidrIp"])
        for permission in group.raw.get("IpPermissions", ())
        for block in permission.get("IpRanges", ())
        if block.get("Description") == KEPT
    ]


def ask() -> ipaddress.IPv4Address:
    """The public IPv4 address of this machine, from whom `AWSDEPLOY_CHECKIP_URL` names or from AWS.

    Raises `AddressUnknown`.
    """
    place = os.environ.get(VARIABLE) or ASKED
    remedy = 'Write your own address instead: ssh_from = ["203.0.113.7/32"].'
    try:
        said = addresses.fetched(place, most=100)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise AddressUnknown(f'ssh_from = ["auto"]: {place} does not answer: {reason}', remedy) from None
    try:
        return ipaddress.IPv4Address(said)
    except ValueError:
        raise AddressUnknown(f'ssh_from = ["auto"]: {place} did not return an IPv4 address.', remedy) from None
