"""The alarms as a table: the metric, its limit, the reason, and how missing data is treated.

Missing data: `missing` (unknown) if the metric is always measured; `notBreaching` if AWS counts only events;
`breaching` if missing data is itself the problem; `ignore` if the alarm keeps its last state.
"""

from __future__ import annotations

from dataclasses import dataclass

from awsdeploy.resources.monitoring.alarm import Bound

MINUTE, DAY = 60, 86_400  # seconds
GIB = 1024**3

BYTES_PER_CONNECTION = 12_582_880
"""AWS: RDS for MySQL sets max_connections to the memory of the class divided by this."""
MEMORY = {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128}
"""GiB of the general classes (db.t3, db.m5 …) by size; those for memory (db.r5 …) have twice as much."""


@dataclass(frozen=True)
class AlarmRow:
    """One alarm: `name` ends its key, `words` begin the mail that people get."""

    name: str
    metric: str
    bound: Bound
    words: str


def _over(limit: float, times: int, missing: str, statistic: str = "Average", period: int = 5 * MINUTE) -> Bound:
    return Bound(statistic, ">", limit, period, times, missing)


def _under(limit: float, times: int, missing: str, period: int = 5 * MINUTE) -> Bound:
    return Bound("Minimum", "<", limit, period, times, missing)


MACHINE = (
    AlarmRow("cpu", "CPUUtilization", _over(80, 3, "missing"), "CPU over 80 % for 15 minutes"),
    # A machine that is stopped reports nothing.
    AlarmRow(
        "status",
        "StatusCheckFailed",
        _over(0, 3, "breaching", "Maximum", MINUTE),
        "AWS's checks fail, or the machine is silent, for 3 minutes",
    ),
)
"""AWS/EC2, for each machine."""

AGENT_MEMORY = AlarmRow("memory", "mem_used_percent", _over(90, 3, "missing"), "memory over 90 % for 15 minutes")
AGENT_DISK = AlarmRow(
    "disk", "disk_used_percent", _over(85, 1, "missing"), "disk over 85 %: logs and releases need room"
)
"""CWAgent, for each machine: EC2 itself sees neither."""

GROUP_AGENT = (
    AlarmRow(
        "memory",
        "mem_used_percent",
        _over(90, 3, "missing", "Maximum"),
        "memory of a machine over 90 % for 15 minutes",
    ),
    AlarmRow(
        "disk",
        "disk_used_percent",
        _over(85, 1, "missing", "Maximum"),
        "disk of a machine over 85 %: logs and releases need room",
    ),
)
"""CWAgent, for each group: of the machine that is worst off, which an average would hide."""

SERVICE = (
    AlarmRow(
        "unhealthy",
        "UnHealthyHostCount",
        _over(0, 3, "missing", "Maximum", MINUTE),
        "a machine fails its health check and is out of service for 3 minutes",
    ),
    # No answer of a kind, no number.
    AlarmRow(
        "5xx", "HTTPCode_Target_5XX_Count", _over(5, 1, "notBreaching", "Sum"), "over 5 errors (5xx) in 5 minutes"
    ),
    AlarmRow(
        "p95",
        "TargetResponseTime",
        _over(1, 3, "notBreaching", "p95"),
        "one answer in twenty takes over a second, for 15 minutes",
    ),
)
"""AWS/ApplicationELB, for each service the load balancer serves."""

BALANCER = AlarmRow(
    "5xx", "HTTPCode_ELB_5XX_Count", _over(5, 1, "notBreaching", "Sum"), "over 5 errors (5xx) of its own in 5 minutes"
)
"""AWS/ApplicationELB: no machine to ask, or none that answers."""

CERTIFICATE = AlarmRow(
    # AWS: it renews 45 days before the end, and says nothing more once it has expired.
    "expiry",
    "DaysToExpiry",
    _under(30, 1, "ignore", DAY),
    "under 30 days left: AWS should have renewed it",
)
"""AWS/CertificateManager."""

HEALTH_CHECK = AlarmRow(
    "health",
    "HealthCheckStatus",
    _under(1, 3, "breaching", MINUTE),
    "the application does not answer from around the world for 3 minutes",
)
"""AWS/Route53, in us-east-1 only."""


def group_cpu(target: int) -> AlarmRow:
    """CPU alarm of an Auto Scaling group that is kept at `target` percent: more machines did not help, or it is at max.

    A high target alone is not a problem, so the limit is halfway between the target and 100, and at least 80. Failed
    status checks (StatusCheckFailed) have no alarm here, because the group replaces such a machine.
    """
    limit = max(80, (target + 100) // 2)
    words = f"average CPU of all machines over {limit} % for 15 minutes"
    return AlarmRow("cpu", "CPUUtilization", _over(limit, 3, "missing"), words)


def database(size: str, storage: int) -> tuple[AlarmRow, ...]:
    """AWS/RDS, for a class such as db.t3.small and its storage in GB.

    Freeable memory has none: MySQL takes three quarters of a machine's memory on purpose, so it is always low.
    """
    rows = [
        AlarmRow("cpu", "CPUUtilization", _over(80, 3, "missing"), "CPU over 80 % for 15 minutes"),
        AlarmRow(
            "storage", "FreeStorageSpace", _under(0.1 * storage * GIB, 1, "missing"), "under 10 % of storage free"
        ),
        AlarmRow("read-latency", "ReadLatency", _over(0.05, 3, "missing"), "reads take over 50 ms for 15 minutes"),
        AlarmRow("write-latency", "WriteLatency", _over(0.05, 3, "missing"), "writes take over 50 ms for 15 minutes"),
    ]
    if most := max_connections(size):
        limit = most * 8 // 10
        words = f"over {limit} connections, 80 % of what {size} takes"
        rows.append(AlarmRow("connections", "DatabaseConnections", _over(limit, 2, "missing", "Maximum"), words))
    return tuple(rows)


def max_connections(size: str) -> int:
    """Maximum connections of a database class; 0 for a class whose memory is not in the table."""
    _, family, words = size.split(".", 2)
    memory = MEMORY.get(words, 0) if family[0] in "tmr" else 0
    return memory * (2 if family[0] == "r" else 1) * GIB // BYTES_PER_CONNECTION
