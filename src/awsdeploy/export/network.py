"""The network and its security groups in Terraform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import Data, ExportScope, Managed, describes
from awsdeploy.export.hcl import Section
from awsdeploy.resources.network import operator_address
from awsdeploy.resources.network.nat_gateway import ElasticIp, NatGateway
from awsdeploy.resources.network.route_table import RouteTable
from awsdeploy.resources.network.security_group import Ingress, SecurityGroup
from awsdeploy.resources.network.vpc import ANYWHERE, InternetGateway, Subnet, Vpc


@describes(Vpc, "aws_vpc")
def vpc(scope: ExportScope, one: Vpc, observed: Observed) -> Iterator[Managed | Data]:
    if one.existing:
        yield scope.data("aws_vpc", one, id=one.existing)
        return
    yield scope.main(
        one,
        cidr_block=one.cidr,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=scope.tags(one, observed.tags),
    )


@describes(Subnet, "aws_subnet")
def subnet(scope: ExportScope, one: Subnet, observed: Observed) -> Iterator[Managed | Data]:
    if one.existing:
        yield scope.data("aws_subnet", one, id=one.existing)
        return
    yield scope.main(
        one,
        vpc_id=scope.ref(one.vpc).id,
        cidr_block=one.cidr,
        availability_zone=one.zone,
        map_public_ip_on_launch=one.public,
        tags=scope.tags(one, observed.tags),
    )


@describes(InternetGateway, "aws_internet_gateway")
def internet_gateway(scope: ExportScope, one: InternetGateway, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        vpc_id=scope.ref(one.vpc).id,
        tags=scope.tags(one, observed.tags),
    )


@describes(RouteTable, "aws_route_table")
def route_table(scope: ExportScope, one: RouteTable, observed: Observed) -> Iterator[Managed]:
    route = None
    if one.default is not None:
        target = "gateway_id" if isinstance(one.default, InternetGateway) else "nat_gateway_id"
        route = Section({"cidr_block": ANYWHERE, target: scope.ref(one.default).id})
    yield scope.main(
        one,
        vpc_id=scope.ref(one.vpc).id,
        tags=scope.tags(one, observed.tags),
        route=route,
    )
    for subnet in one.subnets:
        yield scope.managed(
            "aws_route_table_association",
            subnet,
            f"{scope.observed(subnet).id}/{observed.id}",
            more="routes",
            subnet_id=scope.ref(subnet).id,
            route_table_id=scope.ref(one).id,
        )


@describes(ElasticIp, "aws_eip")
def elastic_ip(scope: ExportScope, one: ElasticIp, observed: Observed) -> Iterator[Managed]:
    yield scope.main(one, domain="vpc", tags=scope.tags(one, observed.tags))


@describes(NatGateway, "aws_nat_gateway")
def nat_gateway(scope: ExportScope, one: NatGateway, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        subnet_id=scope.ref(one.subnet).id,
        allocation_id=scope.ref(one.address).id,
        tags=scope.tags(one, observed.tags),
        depends_on=[scope.ref(edge) for edge in one.after],
    )


@describes(SecurityGroup, "aws_security_group")
def security_group(scope: ExportScope, one: SecurityGroup, observed: Observed) -> Iterator[Managed]:
    egress = {"from_port": 0, "to_port": 0, "protocol": "-1", "cidr_blocks": [ANYWHERE]}
    yield scope.main(
        one,
        name=observed.raw["GroupName"],
        description=one.description,
        vpc_id=scope.ref(one.vpc).id,
        tags=scope.tags(one, observed.tags),
        ingress=_ingress(scope, one.ingress),
        egress=Section(egress) if one.outbound else [],
    )


def _ingress(scope: ExportScope, rules: Iterable[Ingress]) -> list[Section]:
    """One block for each port and description, as AWS groups the rules."""
    blocks: dict[tuple[int, str], Section] = {}
    for rule in rules:
        kept = operator_address.KEPT if rule.source == operator_address.AUTO else ""
        ports = {"from_port": rule.port, "to_port": rule.port, "protocol": "tcp", "description": kept or None}
        block = blocks.setdefault((rule.port, kept), Section(ports))
        if isinstance(rule.source, SecurityGroup):
            block.setdefault("security_groups", []).append(scope.ref(rule.source).id)
        else:
            block.setdefault("cidr_blocks", []).append(_address(scope) if kept else rule.source)
    return list(blocks.values())


def _address(scope: ExportScope) -> str:
    return operator_address.address(scope.any_view, SecurityGroup)
