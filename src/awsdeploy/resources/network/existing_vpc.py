"""An existing VPC and its subnets, which a stack uses and never changes: what is there, and what is missing for us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from awsdeploy.aws.session import Client

Tables = list[dict[str, Any]]
Each = Callable[[Callable[[Callable[[], Any]], Any], list[Callable[[], Any]]], list[Any]]
"""Makes calls at once, and returns their answers in order."""

ANYWHERE = "0.0.0.0/0"
SWITCHES = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}
OPTIONS = {"EnableDnsSupport": "--enable-dns-support", "EnableDnsHostnames": "--enable-dns-hostnames"}
UNFIT = "not usable"
"""Status of an object that is missing, or lacks something that we need."""


@dataclass(frozen=True)
class ExistingVpc:
    """A VPC as AWS describes it; `raw` is empty if it does not exist in this region of the account."""

    id: str
    region: str
    raw: Mapping[str, Any]
    off: tuple[str, ...]
    """DNS attributes that are off."""
    subnets: Mapping[str, Mapping[str, Any]]
    tables: tuple[Mapping[str, Any], ...]
    """Route tables."""

    def faults(self) -> Iterator[str]:
        """Sentences about what is missing, with the command of its owner."""
        if not self.raw:
            yield (
                f"There is no VPC {self.id} in {self.region} in this account. To list them: "
                f"aws ec2 describe-vpcs --region {self.region}"
            )
        elif self.raw["State"] != "available":
            yield f"{self.id} is {self.raw['State']}. Run the same command again when it is available"
        for name in self.off:
            switch = f"aws ec2 modify-vpc-attribute --region {self.region} --vpc-id {self.id} {OPTIONS[name]}"
            yield f"{name} of {self.id} is off, so names of AWS do not resolve. To turn it on: {switch}"

    def subnet_faults(self, id: str, *, public: bool, all: Iterable[str]) -> Iterator[str]:
        """Sentences about what one subnet lacks. `all` are the subnets that the config names with it, in order."""
        if not self.raw:
            return
        one = self.subnets.get(id)
        if one is None:
            vpc = f"Name=vpc-id,Values={self.id}"
            yield (
                f"{self.id} has no subnet {id}. To list its subnets: aws ec2 describe-subnets --region {self.region} "
                f"--filters {vpc}"
            )
            return
        if one["State"] != "available":
            yield f"{id} is {one['State']}. Run the same command again when it is available"
        yield from self._zone_faults(id, public, list(all))
        if public:
            yield from self._internet_faults(one)

    def _zone_faults(self, id: str, public: bool, all: list[str]) -> Iterator[str]:
        zones = {other: str(self.subnets[other]["AvailabilityZone"]) for other in all if other in self.subnets}
        earlier = [other for other in all[: all.index(id)] if zones.get(other) == zones[id]]
        if public and earlier:
            yield (
                f"{id} is in {zones[id]}, as {earlier[0]} is: a load balancer takes one subnet in each zone. Name only "
                "one of them in network.public_subnets"
            )
        elif not public and earlier and len(set(zones.values())) == 1:
            yield (
                f"{id} is in {zones[id]}, as all of network.private_subnets are: the database needs subnets in two "
                "zones or more. Name one in another zone too"
            )

    def _internet_faults(self, one: Mapping[str, Any]) -> Iterator[str]:
        id, region = one["SubnetId"], self.region
        route = self._default_route(id)
        gateway = str(route.get("GatewayId", "")) if route else ""
        if not gateway.startswith("igw-") or (route or {}).get("State") == "blackhole":
            has = (
                f"its route for {ANYWHERE} goes to {_target(route)}, not"
                if route
                else f"it has no route for {ANYWHERE}"
            )
            yield (
                f"{id} is not public: {has} to an internet gateway. Name subnets with "
                f"one in network.public_subnets. To see routes: aws ec2 describe-route-tables --region {region} "
                f"--filters Name=vpc-id,Values={self.id}"
            )
        if not one.get("MapPublicIpOnLaunch"):
            switch = f"aws ec2 modify-subnet-attribute --region {region} --subnet-id {id} --map-public-ip-on-launch"
            yield f"{id} gives machines no public IPv4 address, so they cannot reach AWS. To turn it on: {switch}"

    def _default_route(self, subnet: str) -> Mapping[str, Any] | None:
        """The route to everywhere of a subnet: by its own table, else by the VPC's main table."""
        main: Mapping[str, Any] = {}
        for table in self.tables:
            for one in table.get("Associations", ()):
                if one.get("SubnetId") == subnet:
                    return _to_anywhere(table)
                main = table if one.get("Main") else main
        return _to_anywhere(main)

    def zones(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Full names of the zones of these subnets, in their order."""
        return tuple(str(self.subnets[id]["AvailabilityZone"]) for id in ids if id in self.subnets)


def read(ec2: Client, each: Each, id: str, region: str) -> ExistingVpc:
    """Everything about a VPC, asked at once."""
    inside = [{"Name": "vpc-id", "Values": [id]}]

    def attribute(name: str) -> bool:
        return bool(ec2.describe_vpc_attribute(VpcId=id, Attribute=SWITCHES[name])[name]["Value"])

    # A filter finds nothing where an id would be refused.
    vpcs, subnets, tables = each(
        lambda ask: ask(),
        [
            lambda: ec2.describe_vpcs(Filters=inside)["Vpcs"],
            lambda: list(ec2.pages("describe_subnets", "Subnets", Filters=inside)),
            lambda: list(ec2.pages("describe_route_tables", "RouteTables", Filters=inside)),
        ],
    )
    switches = each(lambda ask: ask(), [lambda name=name: attribute(name) for name in SWITCHES]) if vpcs else []  # type: ignore[misc]
    off = tuple(name for name, on in zip(SWITCHES, switches, strict=False) if not on)
    by_id = {str(one["SubnetId"]): one for one in subnets}
    return ExistingVpc(id, region, vpcs[0] if vpcs else {}, off, by_id, tuple(tables))


def _to_anywhere(table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((one for one in table.get("Routes", ()) if one.get("DestinationCidrBlock") == ANYWHERE), None)


def _target(route: Mapping[str, Any]) -> str:
    names = ("GatewayId", "NatGatewayId", "TransitGatewayId", "NetworkInterfaceId", "InstanceId")
    target = next((str(route[name]) for name in names if route.get(name)), "another target")
    return f"{target} (blackhole)" if route.get("State") == "blackhole" else target
