"""Tables of `manual_changes`, filled in by every area."""

from __future__ import annotations

from tests.system.drift import (  # noqa: F401 - each fills in the tables
    backup,
    database,
    machines,
    monitoring,
    network,
    scaling,
    storage,
    web,
)
from tests.system.drift.manual_changes import COVERS, HANDS, SETTLED

__all__ = ["COVERS", "HANDS", "SETTLED"]
