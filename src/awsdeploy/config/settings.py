"""The settings of one stack, validated and immutable: what the rest of the program reads.

Each field says which values it takes; `rules` judges one value, `consistency` several together, and
`defaults` knows what follows from what (these fields have no default here). Touches no file and no AWS.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, PlainSerializer, PrivateAttr

from awsdeploy.config import rules
from awsdeploy.config.ci import CiSettings
from awsdeploy.config.dns import DnsSettings
from awsdeploy.config.drift import DriftSettings
from awsdeploy.config.iam import IamSettings
from awsdeploy.config.services import Service
from awsdeploy.config.stack import Stack
from awsdeploy.config.values import (
    Cidr,
    DatabaseId,
    Domain,
    Email,
    Frozen,
    PublicCidr,
    Repository,
    ServiceName,
    SshSource,
    SubnetId,
    Tags,
    VpcId,
    Zone,
    between,
    pattern,
)
from awsdeploy.config.web import WebSettings

Platform = Literal["documented", "supported"]
Preset = Literal["dev", "prod"]
EngineVersion = Literal["8.0", "8.4"]

ENGINE_VERSIONS: Mapping[Platform, EngineVersion] = {"documented": "8.0", "supported": "8.4"}


def _plain(services: Mapping[str, Service]) -> dict[str, Any]:
    return {name: service.model_dump() for name, service in services.items()}


class NetworkSettings(Frozen):
    """Addresses and zones: one public and one private subnet in each zone. Or an existing VPC and its subnets."""

    vpc: VpcId = ""
    """ID of an existing VPC, which is used and never changed or deleted. Default: a new VPC."""
    public_subnets: tuple[SubnetId, ...] = ()
    """IDs of its public subnets, each in another zone: for the load balancer and the machines."""
    private_subnets: tuple[SubnetId, ...] = ()
    """IDs of its private subnets, in two zones or more: for the database."""
    cidr: Cidr = "10.0.0.0/16"
    """The VPC's IPv4 range (CIDR)."""
    zones: tuple[Zone, ...] = ("a", "c")
    """Availability zones, by letter; AWS requires at least two."""
    public: tuple[PublicCidr, ...]
    """One public subnet for each zone. Default: from cidr (10.0.1.0/24, 10.0.2.0/24)."""
    private: tuple[Cidr, ...]
    """One private subnet for each zone. Default: from cidr (10.0.3.0/24, 10.0.4.0/24)."""
    nat: bool
    """A NAT gateway, about $47 a month with its address. Default: on in prod, off in dev."""
    ssh_from: tuple[SshSource, ...] = ()
    """Addresses that may connect to port 22; "auto" is your own. Not needed for Session Manager."""
    key_pair: Annotated[str, AfterValidator(rules.key_pair), pattern(f"({rules.KEY_PAIR})?")] = ""
    """The name of an EC2 key pair for the machines. Not needed for Session Manager."""

    @property
    def public_count(self) -> int:
        """Number of public subnets."""
        return len(self.public_subnets or self.public)


class ReleaseSettings(Frozen):
    """Source of the code that the machines run."""

    source: Literal["local", "git"] = "local"
    """local: upload the commit from this computer. git: the machines fetch the commit from the repository."""
    repository: Repository = ""
    """The repository's https or ssh URL, without a secret: `awsdeploy repository connect` asks for the secret."""


class DatabaseSettings(Frozen):
    """The MySQL database, or an existing one. Its password is kept in Parameter Store, never here."""

    instance: DatabaseId = ""
    """Identifier of an existing DB instance, which is used and never changed or deleted. Default: a new database."""
    engine_version: EngineVersion
    """MySQL's version. Default: from platform (documented 8.0, supported 8.4)."""
    instance_class: Annotated[str, AfterValidator(rules.instance_class), pattern(rules.INSTANCE_CLASS)]
    """The RDS class. Default: db.t3.micro in dev, db.t3.small in prod."""
    storage_gb: Annotated[int, AfterValidator(rules.whole(20, 65536)), between(20, 65536)] = 20
    """Initial disk size, in GB."""
    max_storage_gb: Annotated[int, AfterValidator(rules.whole(22, 65536)), between(22, 65536)] = 100
    """Maximum disk size for storage autoscaling, in GB."""
    multi_az: bool
    """A standby in another zone. Default: on in prod, off in dev."""
    backup_days: Annotated[int, AfterValidator(rules.whole(0, 35)), between(0, 35)] = 7
    """Retention of automatic backups, in days; 0 turns them off."""
    deletion_protection: bool
    """Deletion protection: AWS refuses to delete the database while it is on. Default: on in prod, off in dev."""
    name: Annotated[str, AfterValidator(rules.database_name), pattern(rules.DATABASE_NAME)]
    """Name of the database schema. Default: from the project's name."""
    username: Annotated[str, AfterValidator(rules.username), pattern(rules.USERNAME)] = "app"
    """Database user of the application."""
    tls: Literal["required", "optional"] = "required"
    """TLS for connections. A stack that is older than this setting does not change until it is written."""


class UploadsSettings(Frozen):
    """The bucket of what users upload, and of static assets."""

    access: Literal["public", "private"] = "public"
    """public: anyone can read the files, except under uploads/temp/. private: only the application can."""
    tls_only: bool = True
    """Refuse requests over plain http://."""
    replicate: bool
    """Copy everything to a second bucket in another region. Default: on in prod, off in dev."""
    replica_region: Annotated[str, AfterValidator(rules.region), pattern(rules.REGION)] = "ap-northeast-1"
    """Region of the copies."""
    temp_days: Annotated[int, AfterValidator(rules.whole(1, 365)), between(1, 365)] = 7
    """Days after which files under uploads/temp/ are deleted."""
    noncurrent_days: Annotated[int, AfterValidator(rules.whole(1, 3650)), between(1, 3650)] = 30
    """Days for which overwritten and deleted files can be restored."""


class LogsSettings(Frozen):
    """Retention of logs."""

    days: Annotated[int, AfterValidator(rules.retention)] = 30
    """Retention of CloudWatch logs, in days; one of the periods that AWS offers."""
    access_days: Annotated[int, AfterValidator(rules.whole(1, 3650)), between(1, 3650)] = 90
    """Access logs of the load balancer in S3."""


class MonitoringSettings(Frozen):
    """Alarms, and who hears of them."""

    emails: tuple[Email, ...] = ()
    """Recipients of alarms. Each must first confirm the e-mail that AWS sends."""
    health_check: bool = True
    """Route 53 health check of the domain from several regions."""
    request_metrics: bool = True
    """S3 request metrics of the uploads bucket."""
    budget: bool = True
    """AWS Budget: e-mail to `emails` at 80 % of the month's limit, and when costs are forecast to exceed it."""
    budget_dollars: Annotated[int, AfterValidator(rules.whole(0, 1_000_000)), between(0, 1_000_000)] = 0
    """Its limit in US dollars a month; 0 is 1.3 times the estimate."""


class BackupSettings(Frozen):
    """Images of the machines; the database's own backups are in [database]."""

    images: bool = True
    """Create an image of every machine each day."""
    keep_images: Annotated[int, AfterValidator(rules.whole(1, 1000)), between(1, 1000)] = 7
    """Number of images of each machine that are kept."""
    at: Annotated[str, AfterValidator(rules.time_of_day), pattern("([01][0-9]|2[0-3]):[0-5][0-9]")] = "18:00"
    """Time of day for images, in UTC; AWS starts within one hour after it."""


class WaitsSettings(Frozen):
    """Polling intervals and timeouts, in seconds."""

    settle: Annotated[float, AfterValidator(rules.seconds(0, 600)), between(0, 600)] = 60.0
    """Seconds after which a create whose response was lost, or a change that AWS does not show, is sent again."""
    poll_floor: Annotated[float, AfterValidator(rules.seconds(0.001, 60)), between(0.001, 60)] = 0.5
    """Shortest polling interval, in seconds."""
    poll_ceiling: Annotated[float, AfterValidator(rules.seconds(0.001, 300)), between(0.001, 300)] = 30.0
    """Longest polling interval, in seconds."""
    silence: Annotated[float, AfterValidator(rules.seconds(1, 3600)), between(1, 3600)] = 120.0
    """Seconds to wait for a machine's SSM agent that stops answering during a release."""


Services = Annotated[Mapping[ServiceName, Service], AfterValidator(MappingProxyType), PlainSerializer(_plain)]


class Settings(Frozen):
    """A whole web application on AWS."""

    name: Annotated[str, AfterValidator(rules.name(32)), pattern(rules.NAME, maxLength=32)]
    """The project's name. Part of every resource's name and tags."""
    environment: Annotated[
        str, AfterValidator(rules.name(16, hyphens=False)), pattern("[a-z][a-z0-9]*", maxLength=16)
    ] = "prod"
    """The environment. Each environment is a separate stack."""
    preset: Preset
    """Sizes: dev is small and cheap, prod survives the loss of a zone. Default: environment, if it is dev or prod."""
    region: Annotated[str, AfterValidator(rules.region), pattern(rules.REGION)] = "ap-northeast-2"
    """The AWS region."""
    domain: Domain | None = None
    """The application's domain. Without a domain there is no DNS record and no TLS."""
    aliases: tuple[Domain, ...]
    """More names that redirect to the domain; "www" means www.<domain>. Default: "www" if the domain is an apex."""
    create_zone: bool = False
    """Create the domain's hosted zone instead of using the account's."""
    platform: Platform
    """"supported": Amazon Linux 2023, Node.js 24, MySQL 8.4. "documented": Amazon Linux 2, Node.js 18, MySQL 8.0."""
    timezone: Annotated[str, AfterValidator(rules.timezone)] = "UTC"
    """The IANA zone in which times are shown."""
    network: NetworkSettings
    services: Services
    web: WebSettings
    release: ReleaseSettings
    dns: DnsSettings
    database: DatabaseSettings
    uploads: UploadsSettings
    logs: LogsSettings
    monitoring: MonitoringSettings
    backup: BackupSettings
    ci: CiSettings
    iam: IamSettings
    drift: DriftSettings
    tags: Tags
    """Your own tags for every resource that supports tags: KEY = "value". Default: none."""
    waits: WaitsSettings

    _origins: Mapping[str, str] = PrivateAttr(default_factory=lambda: MappingProxyType({}))

    @property
    def stack(self) -> Stack:
        """The stack's name, with the owner's tags."""
        return Stack(self.name, self.environment, tuple(self.tags.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Hostnames of the application, the domain first. None without DNS."""
        return (self.domain, *self.aliases) if self.domain and self.dns.mode != "none" else ()

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The zones' full names: `ap-northeast-2a`. None with an existing VPC: its subnets decide."""
        return tuple(self.region + letter for letter in self.network.zones)

    @property
    def web_services(self) -> dict[str, Service]:
        """The services that the load balancer serves; the others are workers."""
        return {name: one for name, one in self.services.items() if one.port is not None}

    @property
    def database_users(self) -> tuple[str, ...]:
        """Services that may connect to the database: the documented backend and the workers. Without a backend: every
        service except the one of the front page, or all if there is only that one."""
        workers = [name for name, one in self.services.items() if one.port is None]
        if "backend" in self.services:
            return ("backend", *workers)
        return tuple(name for name, one in self.services.items() if "/*" not in one.paths) or tuple(self.services)

    def stored_variables(self, service: Service) -> tuple[str, ...]:
        """Names of the values that the stack stores in a service's own folder of Parameter Store."""
        has_secret = service.name in self.database_users and service.port is not None
        return ("S3_BUCKET", "JWT_SECRET") if has_secret else ("S3_BUCKET",)

    @property
    def tz(self) -> datetime.tzinfo:
        """The zone to show times in; UTC needs no time zone database."""
        return datetime.UTC if self.timezone == "UTC" else zoneinfo.ZoneInfo(self.timezone)

    @property
    def origins(self) -> Mapping[str, str]:
        """Origin of each value: `services.backend.port` → `config.toml:12`, `default`, `preset prod` …"""
        return self._origins

    def origin(self, key: str) -> str:
        """Origin of the value of a dotted `key`. Raises `KeyError` for a key that does not exist."""
        return self._origins[key]
