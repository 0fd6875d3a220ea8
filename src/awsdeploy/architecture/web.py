"""The load balancer with its rules, the names that lead to it, and the certificate it shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from awsdeploy.architecture.compute import Machines, Scaling
from awsdeploy.architecture.network import Network, SecurityGroups
from awsdeploy.architecture.storage import Storage
from awsdeploy.config import Settings
from awsdeploy.dns.public_records import PublicDns
from awsdeploy.engine.resource import Resource
from awsdeploy.resources.dns.certificate import Certificate
from awsdeploy.resources.dns.hosted_zone import HostedZone
from awsdeploy.resources.dns.manual_dns import ManualDns
from awsdeploy.resources.dns.records import CertificateIssued, Record
from awsdeploy.resources.web.listener import Listener, Redirect, Rule
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup
from awsdeploy.resources.web.target_health import TargetsHealthy

PLAIN = Redirect()  # what port 80 answers once there is HTTPS
PATHS_PER_RULE = 5  # AWS: five values in the conditions of one rule


class Web:
    """The load balancer and a target group for each service with a port. Without such a service there is none."""

    def __init__(
        self, settings: Settings, network: Network, groups: SecurityGroups, machines: Machines, storage: Storage
    ) -> None:
        self.settings = settings
        self.services = settings.web_services
        self.artifacts = storage.artifacts
        self.balancer = LoadBalancer(
            key="web/alb",
            subnets=network.public,
            security=(groups.alb,),
            protected=settings.preset == "prod",
            logs=storage.logs,
            desync=settings.web.desync,
            drop_invalid_headers=settings.web.drop_invalid_headers,
            after=network.internet,
        )
        self.target_groups = {
            name: TargetGroup(
                key=f"web/{name}",
                vpc=network.vpc,
                port=service.port or 0,
                health=service.health_path,
                codes=service.healthy_codes,
                targets=machines.instances[name],
            )
            for name, service in self.services.items()
        }
        self.resources: tuple[Resource, ...] = (*self.target_groups.values(), self.balancer) if self.services else ()

    def serving(
        self,
        port: int,
        scaling: Scaling,
        certificate: CertificateIssued | None = None,
        first: tuple[Rule, ...] = (),
    ) -> tuple[Listener, *tuple[TargetsHealthy, ...]]:
        """The listener that sends each path to its service, after the rules in `first`; and its targets' health."""
        listener = Listener(
            key="web/https" if certificate else "web/http",
            balancer=self.balancer,
            port=port,
            default=next(self.target_groups[name] for name, one in self.services.items() if "/*" in one.paths),
            certificate=certificate,
            rules=(*first, *self._path_rules()),
            hsts_days=self.settings.web.hsts_days if certificate else 0,
        )
        healthy = (
            TargetsHealthy(
                key=f"web/{name}-healthy",
                group=group,
                service=name,
                artifacts=self.artifacts,
                scaling=scaling.groups.get(name),
                after=(listener,),
            )
            for name, group in self.target_groups.items()
        )
        return listener, *healthy

    def port_80(self, scaling: Scaling, https: Listener | None) -> tuple[Resource, ...]:
        """Port 80 redirects to the HTTPS listener `https`; without one it serves the application."""
        if not self.services:
            return ()
        if https is None:
            return self.serving(80, scaling)
        return (Listener(key="web/http", balancer=self.balancer, port=80, default=PLAIN, after=(https,)),)

    def _path_rules(self) -> Iterator[Rule]:
        """Most specific first, at most five paths a rule."""
        paths = [(path, name) for name, one in self.services.items() for path in one.paths if path != "/*"]
        paths.sort(key=lambda one: len(one[0].rstrip("*")), reverse=True)
        for name, group in itertools.groupby(paths, key=lambda one: one[1]):
            for together in _fives(path for path, _ in group):
                prefixes = {one.removesuffix("/*") for one in together}
                stripped = tuple(one for one in self.services[name].stripped_prefixes if one in prefixes)
                yield Rule(self.target_groups[name], paths=together, stripped=stripped)


class Names:
    """The names' certificate and, where Route 53 keeps them, the zone and what in it leads to the load balancer."""

    def __init__(self, settings: Settings, web: Web, take_over: bool, public: PublicDns) -> None:
        self.zone: HostedZone | None = None
        self.certificate: Certificate | None = None
        self.records: tuple[Record, ...] = ()
        self.public = public
        if not settings.domain or not settings.names or not web.services:
            return
        self.certificate = Certificate(key="tls/certificate", domain=settings.domain, aliases=settings.aliases)
        if settings.dns.mode != "route53":
            return
        existing = "" if settings.create_zone else settings.domain
        self.zone = HostedZone(
            key="dns/zone",
            domain=settings.domain,
            existing=existing,
            others=settings.aliases if existing else (),
            zone_id=settings.dns.zone,
            copied=public.records if settings.dns.copy_records else (),
        )
        self.records = tuple(
            Record(
                key=f"dns/{name}",
                zone=self.zone,
                name=name,
                target=web.balancer,
                take_over=take_over,
                # Whoever looks for the stack's records knows from its certificate which names to look at.
                after=(self.certificate,),
            )
            for name in settings.names
        )

    @property
    def resources(self) -> tuple[Resource, ...]:
        return (self.zone, *self.records) if self.zone else ()


class Tls:
    """The certificate, its proof by DNS, and the HTTPS listener that waits for it; nothing without a domain.

    Without `https` DNS cannot prove it yet: nothing waits, and what to enter elsewhere is said instead.
    """

    def __init__(self, settings: Settings, web: Web, scaling: Scaling, names: Names, https: bool) -> None:
        self.certificate = names.certificate
        self.listener: Listener | None = None
        self.resources: tuple[Resource, ...] = ()
        if not settings.domain or self.certificate is None:
            return
        proofs = tuple(
            Record(key=f"dns/proof/{name}", zone=names.zone, name=name, target=self.certificate)
            for name in settings.names
            if names.zone is not None
        )
        self.resources = (self.certificate, *proofs)
        if names.zone is None or not https:
            manual = ManualDns(
                key="tls/elsewhere",
                certificate=self.certificate,
                balancer=web.balancer,
                names=settings.names,
                zone=names.zone,
                public=names.public,
                https=https,
            )
            self.resources += (manual,)
        if https:
            issued = CertificateIssued(key="tls/issued", certificate=self.certificate, records=proofs)
            to_domain = tuple(Rule(Redirect(host=settings.domain), hosts=hosts) for hosts in _fives(settings.aliases))
            self.listener, *healthy = web.serving(443, scaling, issued, first=to_domain)
            self.resources += (issued, self.listener, *healthy)


def _fives(values: Iterator[str] | tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Split values into groups of five, the maximum of one rule."""
    remaining = iter(values)
    while together := tuple(itertools.islice(remaining, PATHS_PER_RULE)):
        yield together
