"""Manifest of a release for the machines: the folder, the port, the environment.

Nothing in it is secret; secrets are read on the machine from Parameter Store. Knows no AWS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from awsdeploy.config import Service, Settings
from awsdeploy.config.health_check import TCP
from awsdeploy.release import build_order, node_version, packages
from awsdeploy.release.build_order import BuildStep
from awsdeploy.release.node_version import NodeVersion
from awsdeploy.release.source import Source

VERSION = 1
KEPT = 5
"""Releases that stay on a machine for a rollback."""

PUBLIC = ("NEXT_PUBLIC_BASE_URL", "NEXT_PUBLIC_S3_URL")
"""Variables that only the frontend gets, at build time and at run time."""


EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # the load balancer must reach it; its security group lets in nobody else


@dataclass(frozen=True)
class Manifest:
    """One release of one service, as the release agent reads it.

    `behind` is where the program listens if nginx has `port`. `health` is the path to ask and `health_status` the codes
    that mean healthy; with the `health_protocol` "tcp" a port that accepts connections is enough.
    """

    id: str
    commit: str
    ref: str
    directory: str
    port: int | None
    behind: int | None
    health: str
    processes: int
    migrate: str
    environment: dict[str, str]
    database: bool
    health_status: str = "200-399"
    health_protocol: str = "http"
    keep_dev: bool = False
    """Packages of devDependencies stay in the release."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Templates of further variables; the machine inserts the values."""
    lock: str = ""
    """Path of the lock file that counts; its name tells the package manager."""
    node: NodeVersion | None = None
    build: tuple[BuildStep, ...] = ()
    """Steps of the build in a workspace; none where the service's own script `build` is all."""
    repository: str = ""
    """Address from which the machines fetch the commit; "" if its archive is in the bucket."""
    keep: int = KEPT
    version: int = VERSION

    def document(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def release_id(source: Source) -> str:
    """Id of a release from its time and commit; sorts by time: `20261124T160501Z-1a2b3c4`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{source.short}"


def environment(settings: Settings, service: Service, id: str, site: str, uploads: str) -> dict[str, str]:
    """Variables of a service that are not secret, besides the parameters in its folder."""
    variables = {
        "AWS_REGION": settings.region,
        "HOSTNAME": "127.0.0.1" if service.behind else EVERY_ADDRESS,
        "NODE_ENV": "production",
        "RELEASE_ID": id,
        "TZ": settings.timezone,
    }
    if service.port is not None:
        variables["PORT"] = str(service.behind or service.port)
    if service.name not in settings.database_users and service.port is not None:
        variables |= dict(zip(PUBLIC, (site, uploads), strict=True))
    return dict(sorted(variables.items()))


def manifest(settings: Settings, service: Service, source: Source, id: str, site: str, uploads: str) -> Manifest:
    """`site` and `uploads` are the addresses of the application and of its bucket, without a slash at the end."""
    return Manifest(
        id=id,
        commit=source.commit,
        ref=source.ref,
        directory=service.directory,
        port=service.port,
        behind=service.behind,
        health=service.health_path,
        processes=service.processes,
        migrate=service.migrate,
        keep_dev=service.keep_dev or bool(packages.compiled_config(source, service.directory)),
        environment=environment(settings, service, id, site, uploads),
        database=service.name in settings.database_users,
        health_status=service.healthy_codes,
        health_protocol=TCP if service.health == TCP else "http",
        variables=dict(service.variables),
        lock=packages.manager_of(source, service.directory).lock,
        node=node_version.chosen(settings, service, source).version,
        build=build_order.steps(source, service.directory),
        repository=settings.release.repository if settings.release.source == "git" else "",
    )
