"""NAT gateways and the public addresses they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from awsdeploy.aws.session import tolerate
from awsdeploy.engine.resource import (
    Aws,
    Blocker,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.resources import blockers, tag_calls
from awsdeploy.resources.network.vpc import Subnet


@dataclass(frozen=True, eq=False, kw_only=True)
class ElasticIp(Resource):
    """A lasting public address, for the NAT gateway."""

    tagging = tag_calls.EC2
    title = "elastic IP"
    # AWS: after its NAT gateway is deleted an address stays in use for about a minute.
    deletion = Deletion(retry_on={"InvalidIPAddress.InUse", "AuthFailure", "DependencyViolation"}, immediate=True)
    arns = (":elastic-ip/",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for address in aws.ec2.describe_addresses(Filters=aws.filters)["Addresses"]:
            yield from aws.found(cls, address["AllocationId"], address.get("Tags"), address)

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.allocate_address(Domain="vpc", TagSpecifications=aws.tag_spec(self, "elastic-ip"))
        return aws.made(self, made["AllocationId"], made)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        return blockers.address(aws, observed.id)

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("InvalidAllocationID.NotFound"):
            aws.ec2.release_address(AllocationId=observed.id)


@dataclass(frozen=True, eq=False, kw_only=True)
class NatGateway(Resource):
    """NAT gateway of the private subnets. It is in a public subnet, whose route to the internet must exist first."""

    subnet: Subnet
    address: ElasticIp

    tagging = tag_calls.EC2
    title = "NAT gateway"
    replaces = {"subnet", "address"}
    idempotency = Idempotency.TOKEN
    # AWS: 84–121 s to create, 42–61 s to delete.
    wait = Wait(pending={"pending"}, failed={"failed"}, leaving={"deleting", "deleted"}, usual=105, deadline=900)
    deletion = Deletion(usual=60)
    transient = (
        TransientError("CreateNatGateway", "InvalidSubnetID.NotFound", seconds=120),
        TransientError("CreateNatGateway", "InvalidAllocationID.NotFound", seconds=120),
        TransientError("CreateNatGateway", "InvalidSubnet", seconds=120),
    )
    arns = (":natgateway/",)

    def brief(self) -> str:
        return self.noun()

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        for nat in aws.ec2.pages("describe_nat_gateways", "NatGateways", Filter=aws.filters):
            if nat["State"] != "deleted":
                reason = f"{nat.get('FailureCode', '')} {nat.get('FailureMessage', '')}".strip()
                yield from aws.found(cls, nat["NatGatewayId"], nat.get("Tags"), nat, nat["State"], reason)

    def create(self, aws: Aws) -> str | Observed:
        made = aws.ec2.create_nat_gateway(
            SubnetId=aws[self.subnet].id,
            AllocationId=aws[self.address].id,
            ConnectivityType="public",
            ClientToken=aws.token,
            TagSpecifications=aws.tag_spec(self, "natgateway"),
        )
        return aws.made(self, made["NatGateway"]["NatGatewayId"], made["NatGateway"], made["NatGateway"]["State"])

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        if not observed.state.leaving:
            with tolerate("NatGatewayNotFound"):
                aws.ec2.delete_nat_gateway(NatGatewayId=observed.id)
