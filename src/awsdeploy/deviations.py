"""Where the stack differs from the document, and what the document says that has aged: told by every plan.

Pure: settings in, sentences out.
"""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config import Settings

NAT_MONTHLY = 46.72  # US dollars: the gateway and its address, Seoul, 730 hours
EXTENDED_MONTHLY = {False: 175, True: 350}
"""US dollars of RDS Extended Support, years 1 and 2, without and with a standby (db.t3.micro, db.t3.small)."""


def sentences(settings: Settings) -> Iterator[str]:
    """One sentence for each deviation and each aged part, with what to do about it."""
    network = settings.network
    if network.nat:
        yield (
            f"The NAT gateway costs ${NAT_MONTHLY} a month with its address, and nothing in the document uses it: "
            "network.nat = false leaves it out."
        )
    else:
        yield f"The document's NAT gateway is left out (${NAT_MONTHLY} a month): network.nat = true adds it."
    if not network.ssh_from:
        yield "The document's port 22 is closed: Session Manager needs no port; network.ssh_from opens it."
    if settings.domain:
        yield "The A record is an alias of the load balancer, which has no address that lasts."
    else:
        yield "Without a domain there is no DNS record and no TLS: port 80 answers on the load balancer's own name."
    if settings.platform == "documented":
        yield "Amazon Linux 2 has had no support since 2026-06-30: nothing in it is fixed any more. It costs nothing."
        yield "Node.js 18 has had no support since 2025-04-30: nothing in it is fixed any more. It costs nothing."
    else:
        yield "Amazon Linux 2023, Node.js 24 and MySQL 8.4 stand in for the document's versions, which have aged."
    if settings.database.engine_version == "8.0":
        dollars = EXTENDED_MONTHLY[settings.database.multi_az]
        yield (
            "RDS MySQL 8.0 has had no standard support since 2026-07-31: AWS goes on in Extended Support, "
            f'about +${dollars} a month. platform = "supported" avoids all that has aged.'
        )
