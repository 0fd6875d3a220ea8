"""The documented architecture: a config becomes its steps, in the documented order.

Steps are what people see; what really waits for what is in the resources' own fields. Reads like the
architecture, touches no AWS.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from awsdeploy.config import Service, Settings
from awsdeploy.engine.plan import Step
from awsdeploy.resource import Resource
from awsdeploy.resources.certificate import Certificate
from awsdeploy.resources.database import Database
from awsdeploy.resources.database_groups import ParameterGroup, SubnetGroup
from awsdeploy.resources.dns import CertificateIssued, HostedZone, Record
from awsdeploy.resources.identity import InstanceProfile, Role
from awsdeploy.resources.instance import Instance
from awsdeploy.resources.listener import Listener, Redirect, Rule
from awsdeploy.resources.load_balancer import LoadBalancer, TargetGroup, TargetsHealthy
from awsdeploy.resources.network import (
    ANYWHERE,
    ElasticIp,
    InternetGateway,
    NatGateway,
    RouteTable,
    Subnet,
    Vpc,
)
from awsdeploy.resources.parameter import Password
from awsdeploy.resources.security_group import Ingress, SecurityGroup

STEPS = {
    "network": "VPC and subnets",
    "security": "Security groups",
    "database": "RDS database",
    "machines": "EC2 instances",
    "web": "Load balancer",
    "dns": "Route 53",
    "tls": "TLS certificate",
}
"""The documented steps in their order, by what the keys of their resources begin with."""

SYSTEMS = {"documented": "al2", "supported": "al2023"}
MYSQL = 3306
SSH = 22
PATHS_PER_RULE = 5  # AWS: five values in the conditions of one rule

MYSQL_SETTINGS = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "log_output": "FILE",  # tables, the default, never reach CloudWatch
    "long_query_time": "1",
    "slow_query_log": "1",
}

# What a machine may do: be reached by Session Manager, and read its own stack's parameters. The managed
# policies for this open every parameter of the account.
MACHINE_POLICY: tuple[Mapping[str, object], ...] = (
    {
        "Sid": "SessionManager",
        "Effect": "Allow",
        "Action": [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        ],
        "Resource": "*",
    },
    {
        "Sid": "OwnParameters",
        "Effect": "Allow",
        "Action": ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        "Resource": ["{parameters}", "{parameters}/*"],
    },
)


def steps(settings: Settings, take_over_records: bool = False) -> list[Step]:
    """The documented steps and their resources, in the documented order."""
    house = Blueprint(settings, take_over_records)
    documented = [
        Step(STEPS["network"], tuple(house.network())),
        Step(STEPS["security"], tuple(house.security_groups())),
        Step(STEPS["database"], tuple(house.database())),
        Step(STEPS["machines"], tuple(house.machines())),
        Step(STEPS["web"], tuple(house.front_door())),
        Step(STEPS["dns"], tuple(house.names())),
        Step(STEPS["tls"], tuple(house.tls())),
    ]
    return [step for step in documented if step.resources]


class Blueprint:
    """Builds the steps one after another; each takes what it needs from those before it."""

    def __init__(self, settings: Settings, take_over_records: bool) -> None:
        self.settings = settings
        self.take_over = take_over_records
        self.web = {name: one for name, one in settings.services.items() if one.port is not None}
        """The services that the load balancer serves; the others are workers."""
        self.public: list[Subnet] = []
        self.private: list[Subnet] = []
        self.groups: dict[str, SecurityGroup] = {}
        self.instances: dict[str, list[Instance]] = {}
        self.target_groups: dict[str, TargetGroup] = {}

    def network(self) -> Iterator[Resource]:
        network = self.settings.network
        self.vpc = Vpc(key="network/vpc", cidr=network.cidr)
        yield self.vpc
        for public, made, ranges in (
            (True, self.public, network.public),
            (False, self.private, network.private),
        ):
            for letter, zone, cidr in zip(network.zones, self.settings.zone_names, ranges, strict=True):
                key = f"network/{'public' if public else 'private'}-{letter}"
                made.append(Subnet(key=key, vpc=self.vpc, cidr=cidr, zone=zone, public=public))
        yield from (*self.public, *self.private)
        gateway = InternetGateway(key="network/internet-gateway", vpc=self.vpc)
        self.internet = RouteTable(
            key="network/public-routes", vpc=self.vpc, subnets=tuple(self.public), default=gateway
        )
        yield from (gateway, self.internet)
        nat = None
        if network.nat:
            address = ElasticIp(key="network/nat-address")
            nat = NatGateway(key="network/nat", subnet=self.public[0], address=address, after=(self.internet,))
            yield from (address, nat)
        yield RouteTable(key="network/private-routes", vpc=self.vpc, subnets=tuple(self.private), default=nat)

    def security_groups(self) -> Iterator[Resource]:
        """`alb` from anywhere, each service from `alb`, `rds` from the API and nothing out of it."""
        alb = SecurityGroup(
            key="security/alb",
            vpc=self.vpc,
            description="Web traffic from anywhere",
            ingress=(Ingress(80, ANYWHERE), Ingress(443, ANYWHERE)),
        )
        self.groups["alb"] = alb
        for name, service in self.settings.services.items():
            rules = [Ingress(service.port, alb)] if service.port is not None else []
            rules += [Ingress(SSH, block) for block in self.settings.network.ssh_from]
            self.groups[name] = SecurityGroup(
                key=f"security/{name}", vpc=self.vpc, description=f"Machines of {name}", ingress=tuple(rules)
            )
        self.groups["rds"] = SecurityGroup(
            key="security/rds",
            vpc=self.vpc,
            description="MySQL from the services that use it",
            ingress=tuple(Ingress(MYSQL, self.groups[name]) for name in self._database_users()),
            outbound=False,
        )
        yield from self.groups.values()

    def _database_users(self) -> list[str]:
        """The documented backend; every service but the front page's where there is none of that name."""
        if "backend" in self.settings.services:
            workers = [name for name, one in self.settings.services.items() if one.port is None]
            return ["backend", *workers]
        return [name for name, one in self.settings.services.items() if "/*" not in one.paths] or list(
            self.settings.services
        )

    def database(self) -> Iterator[Resource]:
        wanted = self.settings.database
        group = SubnetGroup(key="database/subnets", subnets=tuple(self.private))
        parameters = ParameterGroup(
            key="database/parameters", family=f"mysql{wanted.engine_version}", settings=MYSQL_SETTINGS
        )
        password = Password(key="database/password", path="database/password")
        yield from (group, parameters, password)
        yield Database(
            key="database/mysql",
            group=group,
            parameters=parameters,
            security=(self.groups["rds"],),
            password=password,
            version=wanted.engine_version,
            size=wanted.instance_class,
            storage=wanted.storage_gb,
            max_storage=wanted.max_storage_gb,
            multi_az=wanted.multi_az,
            zone=self.private[0].zone,
            backup_days=wanted.backup_days,
            protected=wanted.deletion_protection,
            name=wanted.name,
            username=wanted.username,
        )

    def machines(self) -> Iterator[Resource]:
        """The first service's machines begin in the first zone, the second's in the second."""
        role = Role(key="machines/role", service="ec2.amazonaws.com", statements=MACHINE_POLICY)
        profile = InstanceProfile(key="machines/profile", role=role)
        yield from (role, profile)
        for place, (name, service) in enumerate(self.settings.services.items()):
            self.instances[name] = [
                self._instance(name, service, number, self.public[(place + number) % len(self.public)], profile)
                for number in range(service.instances)
            ]
            yield from self.instances[name]

    def _instance(self, name: str, service: Service, number: int, subnet: Subnet, profile: InstanceProfile) -> Instance:
        return Instance(
            key=f"machines/{name}-{number + 1}",
            subnet=subnet,
            security=(self.groups[name],),
            profile=profile,
            system=SYSTEMS[self.settings.platform],
            size=service.instance_type,
            disk=service.volume_gb,
            port=service.port,
            health=service.health or "/",
            after=(self.internet,),
        )

    def front_door(self) -> Iterator[Resource]:
        self.balancer = LoadBalancer(
            key="web/alb",
            subnets=tuple(self.public),
            security=(self.groups["alb"],),
            protected=self.settings.preset == "prod",
            after=(self.internet,),
        )
        for name, service in self.web.items():
            self.target_groups[name] = TargetGroup(
                key=f"web/{name}",
                vpc=self.vpc,
                port=service.port or 0,
                health=service.health or "/",
                targets=tuple(self.instances[name]),
            )
        if not self.web:
            return
        yield from self.target_groups.values()
        yield self.balancer
        if self.settings.domain:
            yield Listener(key="web/http", balancer=self.balancer, port=80, default=Redirect())
        else:
            listener = Listener(
                key="web/http",
                balancer=self.balancer,
                port=80,
                default=self._front(),
                rules=tuple(self._path_rules()),
            )
            yield listener
            yield from self._healthy(listener)

    def _front(self) -> TargetGroup:
        """Who answers everything that no rule names."""
        return next(self.target_groups[name] for name, one in self.web.items() if "/*" in one.paths)

    def _path_rules(self) -> Iterator[Rule]:
        """Most specific first, at most five paths a rule."""
        paths = [(path, name) for name, one in self.web.items() for path in one.paths if path != "/*"]
        paths.sort(key=lambda one: len(one[0].rstrip("*")), reverse=True)
        for name, group in itertools.groupby(paths, key=lambda one: one[1]):
            together = [path for path, _ in group]
            for start in range(0, len(together), PATHS_PER_RULE):
                yield Rule(self.target_groups[name], paths=tuple(together[start : start + PATHS_PER_RULE]))

    def _healthy(self, listener: Listener) -> Iterator[Resource]:
        for name, group in self.target_groups.items():
            yield TargetsHealthy(key=f"web/{name}-healthy", group=group, after=(listener,))

    def names(self) -> Iterator[Resource]:
        """The zone and the names in it that lead to the load balancer."""
        domain = self.settings.domain
        if not domain or not self.web:
            return
        existing = "" if self.settings.create_zone else domain
        self.zone = HostedZone(key="dns/zone", domain=domain, existing=existing)
        yield self.zone
        for name in (domain, *self.settings.aliases):
            yield Record(key=f"dns/{name}", zone=self.zone, name=name, target=self.balancer, take_over=self.take_over)

    def tls(self) -> Iterator[Resource]:
        domain = self.settings.domain
        if not domain or not self.web:
            return
        certificate = Certificate(key="tls/certificate", domain=domain, aliases=self.settings.aliases)
        yield certificate
        proofs = tuple(
            Record(key=f"dns/proof/{name}", zone=self.zone, name=name, target=certificate)
            for name in (domain, *self.settings.aliases)
        )
        yield from proofs
        issued = CertificateIssued(key="tls/issued", certificate=certificate, records=proofs)
        yield issued
        to_domain = [
            Rule(Redirect(host=domain), hosts=self.settings.aliases[start : start + PATHS_PER_RULE])
            for start in range(0, len(self.settings.aliases), PATHS_PER_RULE)
        ]
        listener = Listener(
            key="web/https",
            balancer=self.balancer,
            port=443,
            default=self._front(),
            certificate=issued,
            rules=(*to_domain, *self._path_rules()),
        )
        yield listener
        yield from self._healthy(listener)
