"""The rows of the document, A to L: which resources each is about, how they stand, and the command that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from awsdeploy.config import Settings
from awsdeploy.diagram.model import Health
from awsdeploy.diagram.reading import Reading
from awsdeploy.engine.plan import Item

ABSENT = Health.ABSENT
OFF = "off"
"""State of a row whose part the settings leave out."""


@dataclass(frozen=True)
class DocumentRow:
    """A row: `keys` are how the keys of its resources begin, and `ends` how they end.

    `facts` says what the settings ask for; an empty text means that they leave it out.
    """

    id: str
    what: str
    keys: tuple[str, ...]
    command: str
    facts: Callable[[Settings], str] = lambda _: " "
    ends: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class RowState:
    """A row as it stands. `state` is a value of `Health`, or `OFF`; `sign` goes with it."""

    id: str
    what: str
    state: str
    sign: str
    said: str
    command: str


def _service(name: str) -> Callable[[Settings], str]:
    def facts(settings: Settings) -> str:
        one = settings.services.get(name)
        return f"{one.instance_type}, {'Auto Scaling' if one.scaling else one.instances}" if one else ""

    return facts


def _subnets(kind: str) -> Callable[[Settings], str]:
    def facts(settings: Settings) -> str:
        network = settings.network
        return ", ".join(getattr(network, f"{kind}_subnets") or getattr(network, kind))

    return facts


def _port(name: str) -> Callable[[Settings], str]:
    def facts(settings: Settings) -> str:
        one = settings.services.get(name)
        return f"HTTP {one.port}, {one.health_path}" if one and one.port is not None else ""

    return facts


def _domain(settings: Settings) -> str:
    return ", ".join(settings.names)


def _backups(settings: Settings) -> str:
    kept = 0 if settings.database.instance else settings.database.backup_days
    return f"{kept} days" if kept else ""


def _database(settings: Settings) -> str:
    one = settings.database
    if one.instance:
        return one.instance
    return f"MySQL {one.engine_version}, {one.instance_class}, {one.storage_gb} to {one.max_storage_gb} GB"


def _rules_of_database(settings: Settings) -> str:
    return "" if settings.database.instance else "3306, nothing out"


def _slow_queries(settings: Settings) -> str:
    return "" if settings.database.instance else " "


def _standby_and_backups(settings: Settings) -> str:
    one = settings.database
    return "" if one.instance else f"{'Multi-AZ' if one.multi_az else 'one zone'}, {one.backup_days} days of backups"


def _standby(settings: Settings) -> str:
    return "standby" if settings.database.multi_az and not settings.database.instance else ""


def _replica(settings: Settings) -> str:
    return settings.uploads.replica_region if settings.uploads.replicate else ""


def _images(settings: Settings) -> str:
    return f"{settings.backup.keep_images} kept" if settings.backup.images else ""


def _health_check(settings: Settings) -> str:
    return _domain(settings) if settings.monitoring.health_check else ""


def _scaled(settings: Settings) -> str:
    return ", ".join(name for name, one in settings.services.items() if one.scaling)


STATUS, COST, BACKUPS, RELEASES, LOGS = "status", "cost", "backups", "releases", "logs"
ROWS = (
    DocumentRow("A", "Steps from the VPC to the TLS certificate", ("",), "plan"),
    DocumentRow("B1", "VPC in two zones", ("network/vpc",), STATUS, lambda one: one.network.vpc or one.network.cidr),
    DocumentRow(
        "B2",
        "Public subnets",
        ("network/public-",),
        STATUS,
        _subnets("public"),
    ),
    DocumentRow(
        "B3",
        "Private subnets",
        ("network/private-",),
        STATUS,
        _subnets("private"),
    ),
    DocumentRow(
        "B4",
        "Internet gateway, NAT gateway, route tables",
        ("network/internet-gateway", "network/nat", "network/public-routes", "network/private-routes"),
        STATUS,
        lambda one: "" if one.network.vpc else f"with{'' if one.network.nat else 'out'} a NAT gateway",
    ),
    DocumentRow("C1", "Security group of the load balancer", ("security/alb",), STATUS, lambda _: "80, 443"),
    DocumentRow("C2", "Security group of the frontend", ("security/frontend",), STATUS, _port("frontend")),
    DocumentRow("C3", "Security group of the backend", ("security/backend",), STATUS, _port("backend")),
    DocumentRow("C4", "Security group of the database", ("security/rds",), STATUS, _rules_of_database),
    DocumentRow("D1", "MySQL on RDS", ("database/mysql", "database/existing"), STATUS, _database),
    DocumentRow(
        "D2",
        "Standby and backups",
        ("database/mysql", "database/subnets"),
        STATUS,
        _standby_and_backups,
    ),
    DocumentRow("D3", "Slow query log", ("database/parameters", "monitoring/logs/database/"), LOGS, _slow_queries),
    DocumentRow("E1", "Machines of the frontend", ("machines/frontend",), STATUS, _service("frontend")),
    DocumentRow("E2", "Machines of the backend", ("machines/backend",), STATUS, _service("backend")),
    DocumentRow("E3", "CloudWatch agent on the machines", ("machines/",), LOGS, ends=("-bootstrapped",)),
    DocumentRow("E4", "Auto Scaling groups", ("machines/",), STATUS, _scaled, ends=("-group", "-scaling")),
    DocumentRow("F1", "Target group of the frontend", ("web/frontend",), STATUS, _port("frontend")),
    DocumentRow("F2", "Target group of the backend", ("web/backend",), STATUS, _port("backend")),
    DocumentRow("F3", "Port 80", ("web/http",), STATUS, ends=("http",)),
    DocumentRow("F4", "Port 443 and its rules", ("web/https",), STATUS, _domain),
    DocumentRow("F5", "Access logs of the load balancer", ("storage/logs", "web/alb"), LOGS),
    DocumentRow("F6", "Health checks of the targets", ("web/",), STATUS, ends=("-healthy",)),
    DocumentRow("G1", "Domain", ("dns/zone", "dns/"), STATUS, _domain),
    DocumentRow("G2", "Route 53 health check", ("monitoring/health-check",), STATUS, _health_check),
    DocumentRow("G3", "Certificate", ("tls/", "dns/proof/"), STATUS, _domain),
    DocumentRow("H1", "Bucket of the uploads", ("storage/uploads",), STATUS, lambda one: one.uploads.access),
    DocumentRow(
        "H2", "Folders of the bucket", ("storage/uploads",), STATUS, lambda one: f"temp: {one.uploads.temp_days} days"
    ),
    DocumentRow(
        "H3",
        "Versions of the uploads",
        ("storage/uploads",),
        BACKUPS,
        lambda one: f"{one.uploads.noncurrent_days} days",
    ),
    DocumentRow("H4", "Copy in another region", ("storage/replica", "storage/replication-role"), BACKUPS, _replica),
    DocumentRow(
        "I1", "Release of the frontend", ("machines/frontend",), RELEASES, _service("frontend"), ("-bootstrapped",)
    ),
    DocumentRow(
        "I2", "Release of the backend", ("machines/backend",), RELEASES, _service("backend"), ("-bootstrapped",)
    ),
    DocumentRow("I3", "Variables of the backend", ("database/DB_", "machines/backend/"), "env list"),
    DocumentRow("I4", "Variables of the frontend", ("machines/frontend/",), "env list"),
    DocumentRow("J1", "Metrics and alarms", ("monitoring/dashboard", "monitoring/alarms/"), STATUS),
    DocumentRow("J2", "Logs", ("monitoring/logs/",), LOGS, lambda one: f"{one.logs.days} days"),
    DocumentRow("K1", "Development sizes", ("",), COST, lambda one: "in use" if one.preset == "dev" else ""),
    DocumentRow("K2", "Production sizes", ("",), COST, lambda one: "in use" if one.preset == "prod" else ""),
    DocumentRow("L1", "Backups of the database", ("database/mysql",), BACKUPS, _backups),
    DocumentRow("L2", "Daily images of the machines", ("backup/",), BACKUPS, _images),
    DocumentRow("L3", "Versions and copies of the uploads", ("storage/uploads", "storage/replica"), BACKUPS),
    DocumentRow("L4", "Multi-AZ", ("database/mysql",), STATUS, _standby),
    DocumentRow(
        "L5", "Failed machines get no requests", ("web/", "monitoring/alarms/"), STATUS, ends=("-healthy", "-unhealthy")
    ),
    DocumentRow("L6", "Monitoring of the whole service", ("monitoring/health-check",), STATUS, _health_check),
)


RELEASED = {"I1": "frontend", "I2": "backend"}
"""Rows about the release of a service."""


def states(settings: Settings, reading: Reading, releases: Mapping[str, Sequence[str]]) -> Iterator[RowState]:
    """The rows as they stand now. `releases` are those on the machines of each service."""
    for row in ROWS:
        facts = row.facts(settings)
        if facts and row.id in RELEASED:
            facts = ", ".join(releases.get(RELEASED[row.id], ()))
            if not facts:
                yield RowState(row.id, row.what, ABSENT.value, ABSENT.sign, "nothing deployed yet", row.command)
                continue
        items = [item for item in reading.matching(*row.keys) if item.resource.key.endswith(row.ends)]
        if not facts or not items:
            yield RowState(row.id, row.what, OFF, "·", "", row.command)
            continue
        state = reading.state(items)
        said = "; ".join(part for part in (facts.strip(), _note(reading, items, state)) if part)
        yield RowState(row.id, row.what, state.value, state.sign, said, row.command)


def _note(reading: Reading, items: list[Item], state: Health) -> str:
    return "" if state is Health.HEALTHY else reading.note(items)
