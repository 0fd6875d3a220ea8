"""Who keeps the domain's DNS, and what of it a new zone takes over."""

from __future__ import annotations

from typing import Literal

from awsdeploy.config.values import Frozen, ZoneId


class Dns(Frozen):
    """Who keeps the domain's DNS."""

    mode: Literal["route53", "external", "none"]
    """route53: a zone of this account. external: you enter what up prints. none: no names, no TLS. Default: route53."""
    zone: ZoneId = ""
    """The id of the hosted zone to use. Only needed where the account has several public zones of the domain's name."""
    copy_records: bool = False
    """With create_zone: what public DNS says of mail and other names becomes records of the new zone."""
