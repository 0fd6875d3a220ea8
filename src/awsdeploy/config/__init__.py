"""`config.toml` becomes validated, immutable settings; knows no AWS.

Flags win over `AWSDEPLOY_*`, those over the file, the file over the documented defaults.
"""

from __future__ import annotations

from awsdeploy.config.ci import Ci
from awsdeploy.config.dns import Dns
from awsdeploy.config.layers import ENVIRONMENT, from_mapping, load, loads
from awsdeploy.config.schema import json_schema
from awsdeploy.config.settings import Database, Network, Scaling, Service, Settings, Waits

__all__ = [
    "ENVIRONMENT",
    "Ci",
    "Database",
    "Dns",
    "Network",
    "Scaling",
    "Service",
    "Settings",
    "Waits",
    "from_mapping",
    "json_schema",
    "load",
    "loads",
]
