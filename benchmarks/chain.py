"""The longest chain of AWS's own waits, written by hand from the edges that AWS itself requires.

Never computed from the product's own graph: an edge the product adds without need shows as a worse
ratio. Every number is seconds of AWS time, as the sandbox plays them (docs/sandbox.md).
"""

from __future__ import annotations

NAT = 105
BALANCER = 160
BALANCER_GOES, ITS_INTERFACES_LINGER = 20, 120
DATABASE_MULTI_AZ = 600
DATABASE_MODIFIED = 300
DATABASE_GOES_WITH_SNAPSHOT = 300
PROFILE_KNOWN, RUNNING, BOOTSTRAP, TWO_CHECKS = 10, 15, 90, 20
RECORD_NAMED, IN_SYNC, ISSUED = 5, 45, 120
TERMINATED = 45


def up() -> float:
    """The documented stack, prod, with a domain in an existing zone."""
    certificate = RECORD_NAMED + IN_SYNC + ISSUED
    https = max(BALANCER, certificate)  # a listener needs its load balancer and an issued certificate
    machine = PROFILE_KNOWN + RUNNING + BOOTSTRAP
    return max(
        DATABASE_MULTI_AZ,  # needs subnets and groups only, which take no time of AWS's
        NAT,
        BALANCER + IN_SYNC,  # the alias record
        max(https, machine) + TWO_CHECKS,  # targets are checked once a listener uses their group
    )


def destroy() -> float:
    """The same stack with a final snapshot and deletion protection, which has to be taken off first."""
    return max(
        DATABASE_MODIFIED + DATABASE_GOES_WITH_SNAPSHOT,
        BALANCER_GOES + ITS_INTERFACES_LINGER,  # then its security group, subnets and the VPC can go
        TERMINATED,
    )
