"""NAT gateways and their addresses.

Creation and deletion take minutes. Without an internet gateway the creation fails.
"""

from __future__ import annotations

from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before, limits
from awsdeploy.sandbox.aws.network import interfaces
from awsdeploy.sandbox.server import durations
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World


@after("ec2:CreateNatGateway")
def create(world: World, call: ApiCall, answer: Answer) -> None:
    ec2 = world.moto("ec2", call.region)
    nat = ec2.nat_gateways[answer["NatGateway"]["NatGatewayId"]]
    nat.state = answer["NatGateway"]["State"] = "pending"
    eni = nat._eni
    eni.description = f"Interface for NAT Gateway {nat.id}"
    eni.interface_type, eni.requester_managed, eni.status = "nat_gateway", True, "in-use"
    eni._group_set = []
    attached = any(gateway.vpc and gateway.vpc.id == nat.vpc_id for gateway in ec2.internet_gateways.values())
    if attached:
        world.agenda.after(durations.NAT_CREATED, lambda: _become_available(nat))
    else:
        world.agenda.after(durations.NAT_FAILED, lambda: _fail(world, call.region, nat))


def _become_available(nat: Any) -> None:
    if nat.state == "pending":
        nat.state = "available"


def _fail(world: World, region: str, nat: Any) -> None:
    if nat.state != "pending":
        return
    nat.failure_code = "Gateway.NotAttached"
    nat.failure_message = f"Network {nat.vpc_id} has no Internet gateway attached"
    _release_address(world, region, nat, "failed")


@before("ec2:DeleteNatGateway")
def delete(world: World, call: ApiCall) -> Answer:
    nat_id = call.parameters["NatGatewayId"]
    nat = world.moto("ec2", call.region).nat_gateways.get(nat_id)
    if nat is None:
        raise AwsRefuses("NatGatewayNotFound", f"NatGateway {nat_id} was not found")
    if nat.state in {"pending", "available"}:
        nat.state = "deleting"
        world.agenda.after(durations.NAT_DELETED, lambda: _release_address(world, call.region, nat, "deleted"))
    return {"NatGatewayId": nat_id}


def _release_address(world: World, region: str, nat: Any, state: str) -> None:
    ec2 = world.moto("ec2", region)
    nat.state = state
    for address in ec2.addresses:
        if address.eni is nat._eni:
            address.eni.public_ip = None
            address.eni = address.association_id = None
    interfaces.remove(world, region, [nat._eni.id])
    world.agenda.after(durations.DELETED_SHOWN, lambda: ec2.nat_gateways.pop(nat.id, None))


@before("ec2:DescribeNatGateways")
def check_ids(world: World, call: ApiCall) -> None:
    present = world.moto("ec2", call.region).nat_gateways
    for nat_id in call.parameters.get("NatGatewayIds") or ():
        if nat_id not in present:
            raise AwsRefuses("NatGatewayNotFound", f"NatGateway {nat_id} was not found")


@before("ec2:AllocateAddress")
def check_address_quota(world: World, call: ApiCall) -> None:
    if len(world.moto("ec2", call.region).addresses) >= limits.quota(world, limits.ADDRESSES):
        raise AwsRefuses("AddressLimitExceeded", "The maximum number of addresses has been reached.")


@before("ec2:ReleaseAddress")
def refuse_release_in_use(world: World, call: ApiCall) -> None:
    for address in world.moto("ec2", call.region).addresses:
        if address.allocation_id == call.parameters.get("AllocationId") and address.association_id:
            raise AwsRefuses("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


@before("ec2:DisassociateAddress")
def refuse_disassociation(world: World, call: ApiCall) -> None:
    """The address of a NAT gateway is released only when the gateway is deleted."""
    for address in world.moto("ec2", call.region).addresses:
        eni = address.eni
        if address.association_id == call.parameters.get("AssociationId") and eni is not None and eni.requester_managed:
            raise AwsRefuses("AuthFailure", "You do not have permission to access the specified resource.")
