"""Settings of one service: its machines, its port and paths, its health check, and what it may do in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from awsdeploy.config import health_check, node_versions, rules
from awsdeploy.config.values import (
    Action,
    Frozen,
    PolicyArn,
    Port,
    ResourceArn,
    ServicePath,
    Variables,
    between,
    pattern,
)

NGINX_OFFSET = 10_000
"""Distance from a service's port to the port of its program when nginx has the first."""


class Statement(Frozen):
    """Something of AWS that a service's own program calls. Resources and conditions may hold `{account}`, `{region}`,
    `{stack}`, `{parameters}` (the ARN of the stack's) and `{bucket:storage/uploads}`."""

    effect: Literal["Allow", "Deny"] = "Allow"
    """Allow or Deny. Deny overrides Allow."""
    actions: Annotated[tuple[Action, ...], AfterValidator(rules.some)]
    """IAM actions, such as ses:SendEmail."""
    resources: Annotated[tuple[ResourceArn, ...], AfterValidator(rules.some)]
    """ARNs of the resources."""
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {}
    """IAM conditions: operator, key, value."""


class ScalingSettings(Frozen):
    """Limits and target of an Auto Scaling group, which adds and removes machines with the load."""

    min: Annotated[int, AfterValidator(rules.whole(1, 20)), between(1, 20)] = 1
    """Minimum number of machines."""
    max: Annotated[int, AfterValidator(rules.whole(1, 20)), between(1, 20)] = 4
    """Maximum number of machines."""
    target_cpu: Annotated[int, AfterValidator(rules.whole(10, 90)), between(10, 90)] = 60
    """Target for the average CPU load, in percent. Auto Scaling adds and removes machines to reach it."""
    health: Literal["ec2", "elb"] = "ec2"
    """Checks that decide whether a machine is replaced. ec2: EC2 status checks. elb: also the load balancer's."""


class Service(Frozen):
    """One program, on its own machines. Without a port and paths it is a worker."""

    name: str
    port: Port | None = None
    """The port the service listens on. Default: 3000 for frontend, 9999 for backend, otherwise none."""
    paths: tuple[ServicePath, ...] = ()
    """Paths that the load balancer sends to the service. Default: /* for frontend, /api and /api/* for backend."""
    strip_prefix: bool = False
    """Remove the prefix of the paths from requests: the program gets /users for /api/users."""
    health: Annotated[str, AfterValidator(health_check.path), pattern("(/.*|tcp)")] | None = None
    """Health check path, or tcp: any answer below 500 means healthy. Default: /api/health for backend (/health
    with strip_prefix), otherwise /."""
    health_status: Annotated[str, AfterValidator(health_check.codes), pattern(health_check.CODES)] = "200-399"
    """Status codes that mean healthy: values and ranges from 200 to 499."""
    instances: Annotated[int, AfterValidator(rules.whole(1, 20)), between(1, 20)] = 1
    """Number of machines. With scaling, use min and max instead."""
    scaling: ScalingSettings | None = None
    """An Auto Scaling group instead of a fixed number of machines. Default: none."""
    instance_type: Annotated[str, AfterValidator(rules.instance_type), pattern(rules.INSTANCE_TYPE)]
    """The machines' EC2 type. Default: t3.micro in dev, t3.medium in prod."""
    volume_gb: Annotated[int, AfterValidator(rules.whole(8, 16384)), between(8, 16384)] = 20
    """Disk of each machine, in GB."""
    directory: Annotated[str, AfterValidator(rules.directory), pattern(rules.DIRECTORY)]
    """Its folder in the repository. Default: front for frontend, back for backend, otherwise its name."""
    processes: Annotated[int, AfterValidator(rules.whole(1, 32)), between(1, 32)] = 1
    """Processes on each machine. With more than one, each scheduled job runs once per process."""
    node: Annotated[Literal["", "18", "20", "22", "24"], BeforeValidator(node_versions.setting)] = ""
    """Node.js version. Default: what the repository asks for, otherwise that of the platform (18 or 24)."""
    migrate: Annotated[str, AfterValidator(rules.command_line)] = ""
    """Command that runs once in each release, before the switch, such as npm run migrate."""
    keep_dev: bool = False
    """Keep devDependencies in the release, for commands of `awsdeploy exec` that need their tools."""
    variables: Variables = {}
    """Environment variables made of others: NAME = "text with {OTHER}". `awsdeploy env set` wins. Never secrets."""
    nginx: bool = False
    """Put nginx in front: nginx listens on the port, the program on 127.0.0.1 at port + 10000."""
    policies: tuple[PolicyArn, ...] = ()
    """ARNs of managed IAM policies that the program needs."""
    statements: tuple[Statement, ...] = ()
    """IAM statements that the program needs: [[services.NAME.statements]]."""

    @property
    def fewest(self) -> int:
        """Number of machines that always run: `min` of an Auto Scaling group, else `instances`."""
        return self.scaling.min if self.scaling else self.instances

    @property
    def stripped_prefixes(self) -> tuple[str, ...]:
        """Prefixes that the load balancer removes from paths, the longest first; none without strip_prefix."""
        if not self.strip_prefix:
            return ()
        return tuple(sorted({path.removesuffix("/*") for path in self.paths}, key=lambda one: (-len(one), one)))

    def asked(self, path: str) -> str:
        """Return what a browser asks for so that the program gets `path`."""
        return f"{self.stripped_prefixes[-1]}{path}" if self.stripped_prefixes else path

    @property
    def health_path(self) -> str:
        """Path that the load balancer's health check requests. With "tcp" any path will do."""
        return "/" if self.health in (None, health_check.TCP) else str(self.health)

    @property
    def healthy_codes(self) -> str:
        """Status codes that mean healthy. AWS: an Application Load Balancer checks by HTTP alone, up to 499."""
        return "200-499" if self.health == health_check.TCP else self.health_status

    def is_healthy(self, code: int) -> bool:
        """Check whether the status code of an answer means healthy."""
        return any(low <= code <= high for low, high in health_check.ranges_of(self.healthy_codes))

    @property
    def behind(self) -> int | None:
        """Port of the program behind nginx; None without nginx."""
        return self.port + NGINX_OFFSET if self.nginx and self.port is not None else None
