"""Route tables of the subnets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Change,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.resources import tag_calls
from awsdeploy.resources.network.nat_gateway import NatGateway
from awsdeploy.resources.network.vpc import ANYWHERE, InternetGateway, Subnet, Vpc


@dataclass(frozen=True, eq=False, kw_only=True)
class RouteTable(Resource):
    """Routes of a group of subnets to destinations outside the VPC: `default` is a gateway, or none."""

    vpc: Vpc
    subnets: tuple[Subnet, ...]
    default: InternetGateway | NatGateway | None = None

    tagging = tag_calls.EC2
    immediate = True
    replaces = {"vpc"}
    idempotency = Idempotency.TOKEN
    transient = (
        TransientError("CreateRouteTable", "InvalidVpcID.NotFound", seconds=120),
        TransientError("CreateRoute", "InvalidRouteTableID.NotFound", seconds=300),
        TransientError("CreateRoute", "InvalidNatGatewayID.NotFound", seconds=120),
        TransientError("AssociateRouteTable", "InvalidRouteTableID.NotFound", seconds=300),
        TransientError("AssociateRouteTable", "InvalidSubnetID.NotFound", seconds=300),
    )
    deletion = Deletion(retry_on={"DependencyViolation"}, immediate=True)
    arns = (":route-table/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for table in aws.ec2.pages("describe_route_tables", "RouteTables", Filters=aws.filters):
            yield from aws.found(cls, table["RouteTableId"], table.get("Tags"), table)

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_route_table(
            VpcId=aws[self.vpc].id, ClientToken=aws.token, TagSpecifications=aws.tag_spec(self, "route-table")
        )
        return aws.made(self, made["RouteTable"]["RouteTableId"], made["RouteTable"])

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        yield from self._diff_default(aws, observed)
        associated = {one["SubnetId"]: one for one in observed.raw.get("Associations", ()) if one.get("SubnetId")}
        wanted = {aws[subnet].id: subnet for subnet in self.subnets}
        for id, subnet in wanted.items():
            if id not in associated:

                def associate(id: str = id) -> None:
                    aws.ec2.associate_route_table(RouteTableId=observed.id, SubnetId=id)

                yield Change("association", None, subnet.key, associate)
        for id in associated.keys() - wanted.keys():

            def dissociate(association: str = associated[id]["RouteTableAssociationId"]) -> None:
                with tolerate("InvalidAssociationID.NotFound"):
                    aws.ec2.disassociate_route_table(AssociationId=association)

            yield Change("association", id, None, dissociate)

    def _diff_default(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """A route whose gateway is gone stays as a black hole and is replaced."""
        route = next((r for r in observed.raw.get("Routes", ()) if r.get("DestinationCidrBlock") == ANYWHERE), None)
        old = None if route is None else route.get("GatewayId") or route.get("NatGatewayId") or "something else"
        if self.default is None:
            if route is not None:

                def remove() -> None:
                    with tolerate("InvalidRoute.NotFound"):
                        aws.ec2.delete_route(RouteTableId=observed.id, DestinationCidrBlock=ANYWHERE)

                yield Change("default route", old, None, remove)
            return
        new = aws[self.default].id
        broken = route is not None and route.get("State") == "blackhole"
        if old == new and not broken:
            return
        target = {"GatewayId" if isinstance(self.default, InternetGateway) else "NatGatewayId": new}

        def point() -> None:
            change = aws.ec2.create_route if route is None else aws.ec2.replace_route
            with tolerate("RouteAlreadyExists"):
                change(RouteTableId=observed.id, DestinationCidrBlock=ANYWHERE, **target)

        yield Change("default route", f"{old} (blackhole)" if broken else old, new, point)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidRouteTableID.NotFound"):
            for one in observed.raw.get("Associations", ()):
                with tolerate("InvalidAssociationID.NotFound"):
                    aws.ec2.disassociate_route_table(AssociationId=one["RouteTableAssociationId"])
            aws.ec2.delete_route_table(RouteTableId=observed.id)
