"""Network interfaces that AWS creates for its services. They block the deletion of the network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from moto.ec2.utils import random_public_ip

from awsdeploy.sandbox.server.world import World


def make(
    world: World, region: str, subnet_id: str, groups: Iterable[str], description: str, *, public: bool = False
) -> str:
    """An interface that its service manages; its id."""
    ec2 = world.moto("ec2", region)
    subnet = ec2.get_subnet(subnet_id)
    eni = ec2.create_network_interface(
        subnet, _free_address(ec2, subnet), group_ids=list(groups), description=description
    )
    eni.requester_managed, eni.status, eni.requester_id = True, "in-use", "amazon-managed"
    if public:
        eni.public_ip = random_public_ip()
    return str(eni.id)


def remove(world: World, region: str, ids: Iterable[str]) -> None:
    """Remove interfaces. Their addresses are free again at once; moto frees them when the object goes out of memory."""
    ec2 = world.moto("ec2", region)
    for one in ids:
        if eni := ec2.enis.pop(one, None):
            for address in eni.private_ip_addresses:
                eni.subnet.del_subnet_ip(address["PrivateIpAddress"])


def described(world: World, region: str, description: str) -> list[Any]:
    """The interfaces with exactly this description."""
    return [eni for eni in world.moto("ec2", region).enis.values() if eni.description == description]


def in_subnet(world: World, region: str, subnet_id: str) -> list[Any]:
    return [eni for eni in world.moto("ec2", region).enis.values() if eni.subnet.id == subnet_id]


def in_vpc(world: World, region: str, vpc_id: str) -> Iterator[Any]:
    return (eni for eni in world.moto("ec2", region).enis.values() if eni.subnet.vpc_id == vpc_id)


def _free_address(ec2: Any, subnet: Any) -> str:
    taken = {eni.private_ip_address for eni in ec2.enis.values()}
    hosts = list(ipaddress.ip_network(subnet.cidr_block).hosts())[3:-1]
    return next(str(host) for host in hosts if str(host) not in taken)
