"""A run that was computed by hand: a network, a database behind it, a machine beside it, and an old disk to delete.

network    1 ──── 5
database           6 ─────────────────── 46      begins a second late
machine             5.5 ─── 20
address                                   47 ─ 50
old disk                                          51 ── 58
run        0 ─────────────────────────────────────────── 60
"""

from __future__ import annotations

from datetime import UTC, datetime

from awsdeploy.timeline.history import Moment, RecordedRun, RunRow

ROWS = (
    RunRow("network/vpc", "VPC", "VPC and subnets"),
    RunRow("database/gate", "gate", "RDS database", ("network/vpc",)),
    RunRow("database/mysql", "database", "RDS database", ("database/gate",)),
    RunRow("machines/backend-1", "EC2 instance", "EC2 instances", ("network/vpc",)),
    RunRow("dns/example.com", "DNS record", "Route 53", ("database/mysql", "machines/backend-1")),
    RunRow("machines/disk", "volume", "EC2 instances", (), True),
)
MOMENTS = [
    (1.0, "network/vpc", "creating", ""),
    (2.0, "network/vpc", "waiting", "pending"),
    (5.0, "network/vpc", "ready", "available"),
    (5.0, "database/gate", "ready", "ok"),
    (5.5, "machines/backend-1", "creating", ""),
    (6.0, "database/mysql", "creating", ""),
    (7.0, "database/mysql", "waiting", "creating"),
    (20.0, "machines/backend-1", "ready", "running"),
    (40.0, "database/mysql", "waiting", "backing-up"),
    (46.0, "database/mysql", "ready", "available"),
    (47.0, "dns/example.com", "creating", ""),
    (50.0, "dns/example.com", "ready", "INSYNC"),
    (51.0, "machines/disk", "deleting", "available"),
    (58.0, "machines/disk", "gone", ""),
]
LEGS = [
    ("start of the run", 1.0),
    ("network/vpc", 4.0),
    ("database/mysql", 41.0),
    ("dns/example.com", 4.0),
    ("machines/disk (old)", 8.0),
    ("end of the run", 2.0),
]
"""The critical path: names and seconds."""
BEGAN = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


def run(number: int = 1, command: str = "up", outcome: str = "done", seconds: float = 60.0) -> RecordedRun:
    moments = [Moment(*one) for one in MOMENTS if one[0] <= seconds]
    return RecordedRun(number, command, BEGAN, ROWS, moments, seconds, outcome)
