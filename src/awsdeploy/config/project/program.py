"""A program that was found in a repository, with the settings that it needs. Reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from awsdeploy.config.health_check import TCP
from awsdeploy.config.project.node_version import major_of


@dataclass(frozen=True)
class Program:
    """A folder with one of the services. `missing` names what its source does not say."""

    service: str
    folder: str
    framework: str
    port: int
    package_manager: str = ""
    paths: tuple[str, ...] = ()
    strip_prefix: bool = False
    health: str = ""
    """Path of the health check, or tcp."""
    migrate: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names of variables that it reads, with what gives them awsdeploy's values."""
    orm: str = ""
    orm_package: str = ""
    """Folder of the workspace's package that has the ORM; empty if that is the program's own folder."""
    uses_mysql: bool = True
    """False if it needs another database."""
    node: str = ""
    node_source: str = ""
    remarks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        return ", ".join(filter(None, (self.framework, f"port {self.port}", self.package_manager)))

    @property
    def node_major(self) -> str:
        """Node.js version that the repository names, if machines have it; nothing for a range of several."""
        return major_of(self.node, self.node_source)

    @property
    def details(self) -> str:
        """Text with what else was found."""
        parts = (
            f"Node.js {self.node} ({self.node_source})" if self.node else "",
            f"health route {self.health}" if self.health not in ("", TCP) else "",
            f"{self.orm} ({self.orm_package}/)" if self.orm_package else self.orm,
            f"migrations by {self.migrate}" if self.migrate else "",
        )
        return ", ".join(filter(None, parts))


@dataclass(frozen=True)
class Findings:
    """Programs for the documented services, and remarks about others."""

    programs: tuple[Program, ...]
    others: tuple[str, ...] = ()
