"""Settings: `config.toml`, validated and immutable. Makes no AWS calls.

Flags win over `AWSDEPLOY_*`, those over the file, the file over the documented defaults.
"""

from __future__ import annotations

from awsdeploy.config.ci import CiSettings
from awsdeploy.config.dns import DnsSettings
from awsdeploy.config.layers import ENVIRONMENT, from_mapping, load, loads
from awsdeploy.config.schema import json_schema
from awsdeploy.config.services import ScalingSettings, Service
from awsdeploy.config.settings import (
    DatabaseSettings,
    NetworkSettings,
    Settings,
    WaitsSettings,
)

__all__ = [
    "ENVIRONMENT",
    "CiSettings",
    "DatabaseSettings",
    "DnsSettings",
    "NetworkSettings",
    "ScalingSettings",
    "Service",
    "Settings",
    "WaitsSettings",
    "from_mapping",
    "json_schema",
    "load",
    "loads",
]
