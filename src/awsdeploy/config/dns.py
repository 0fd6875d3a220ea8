"""Settings of DNS: who manages the domain, and what a new zone takes over."""

from __future__ import annotations

from typing import Literal

from awsdeploy.config.values import Frozen, ZoneId


class DnsSettings(Frozen):
    """Place where the domain's DNS records are kept."""

    mode: Literal["route53", "external", "none"]
    """route53: a zone of this account. external: you enter what up prints. none: no DNS, no TLS. Default: route53."""
    zone: ZoneId = ""
    """The id of the hosted zone to use. Needed only if the account has several public zones with the domain's name."""
    copy_records: bool = False
    """Copy, with create_zone, the records that public DNS shows for mail and other names to the new zone."""
