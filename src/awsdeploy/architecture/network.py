"""The VPC with its subnets and routes, and the firewalls in it."""

from __future__ import annotations

from awsdeploy.config import Settings
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.network.nat_gateway import ElasticIp, NatGateway
from awsdeploy.resources.network.route_table import RouteTable
from awsdeploy.resources.network.security_group import Ingress, SecurityGroup
from awsdeploy.resources.network.vpc import ANYWHERE, InternetGateway, Subnet, Vpc

WEB = (80, 443)
MYSQL = 3306
SSH = 22


class Network:
    """One public and one private subnet in each zone, or an existing VPC and its subnets.

    `internet` is what must be there before anything is reached from outside: the route of the public subnets.
    """

    vpc: Vpc
    public: tuple[Subnet, ...]
    private: tuple[Subnet, ...]
    internet: tuple[Resource, ...]
    resources: tuple[Resource, ...]

    def __init__(self, settings: Settings) -> None:
        if settings.network.vpc:
            self._use(settings)
        else:
            self._make(settings)

    def _use(self, settings: Settings) -> None:
        """Refer to the existing VPC. Its routes are its owner's."""
        network = settings.network
        self.vpc = Vpc(key="network/vpc", existing=network.vpc)
        self.public = self._existing(network.public_subnets, public=True)
        self.private = self._existing(network.private_subnets, public=False)
        self.internet = ()
        self.resources = (self.vpc, *self.public, *self.private)

    def _existing(self, ids: tuple[str, ...], public: bool) -> tuple[Subnet, ...]:
        kind = "public" if public else "private"
        return tuple(
            Subnet(key=f"network/{kind}-{number}", vpc=self.vpc, existing=id, public=public, among=ids)
            for number, id in enumerate(ids, 1)
        )

    def _make(self, settings: Settings) -> None:
        network = settings.network
        self.vpc = Vpc(key="network/vpc", cidr=network.cidr)
        self.public = self._subnets(settings, network.public, public=True)
        self.private = self._subnets(settings, network.private, public=False)
        gateway = InternetGateway(key="network/internet-gateway", vpc=self.vpc)
        public = RouteTable(key="network/public-routes", vpc=self.vpc, subnets=self.public, default=gateway)
        self.internet = (public,)
        nat = None
        translation: tuple[Resource, ...] = ()
        if network.nat:
            address = ElasticIp(key="network/nat-address")
            nat = NatGateway(key="network/nat", subnet=self.public[0], address=address, after=(public,))
            translation = (address, nat)
        inside = RouteTable(key="network/private-routes", vpc=self.vpc, subnets=self.private, default=nat)
        routes = (gateway, public, *translation, inside)
        self.resources = (self.vpc, *self.public, *self.private, *routes)

    def _subnets(self, settings: Settings, ranges: tuple[str, ...], public: bool) -> tuple[Subnet, ...]:
        kind = "public" if public else "private"
        places = zip(settings.network.zones, settings.zone_names, ranges, strict=True)
        return tuple(
            Subnet(key=f"network/{kind}-{letter}", vpc=self.vpc, cidr=cidr, zone=zone, public=public)
            for letter, zone, cidr in places
        )


class SecurityGroups:
    """`alb` from anywhere, each service from `alb`, `rds` from the services that use it and nothing out of it.

    An existing database has its owner's instead of `rds`.
    """

    def __init__(self, settings: Settings, network: Network) -> None:
        self.alb = SecurityGroup(
            key="security/alb",
            vpc=network.vpc,
            description="Web traffic from anywhere",
            ingress=tuple(Ingress(port, ANYWHERE) for port in WEB),
        )
        self.services: dict[str, SecurityGroup] = {}
        for name, service in settings.services.items():
            rules = [Ingress(service.port, self.alb)] if service.port is not None else []
            rules += [Ingress(SSH, block) for block in settings.network.ssh_from]
            self.services[name] = SecurityGroup(
                key=f"security/{name}", vpc=network.vpc, description=f"Machines of {name}", ingress=tuple(rules)
            )
        self.rds = SecurityGroup(
            key="security/rds",
            vpc=network.vpc,
            description="MySQL from the services that use it",
            ingress=tuple(Ingress(MYSQL, self.services[name]) for name in settings.database_users),
            outbound=False,
        )
        own = () if settings.database.instance else (self.rds,)
        self.resources: tuple[Resource, ...] = (self.alb, *self.services.values(), *own)
