"""Checks of an existing VPC: whether the stack can be made in it."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config.stack import TAG_STACK
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.resources.network.existing_vpc import ExistingVpc, read

OF_BALANCER = 8
"""AWS: free addresses that a load balancer needs in each of its subnets, which is /27 or larger."""
OF_DATABASE = 2
"""Free addresses in each subnet of the database: one for it and a spare one, which AWS asks for."""


def existing_vpc(question: Question) -> Iterator[Finding]:
    """Check that the VPC and its subnets exist, and have the routes, zones and names that the stack needs."""
    network = question.settings.network
    if not network.vpc:
        return
    found = _read(question)
    for one in found.faults():
        yield _finding(network.vpc, "network.vpc", one)
    for key, ids in (("public_subnets", network.public_subnets), ("private_subnets", network.private_subnets)):
        for id in ids:
            for one in found.subnet_faults(id, public=key == "public_subnets", all=ids):
                yield _finding(id, f"network.{key}", one)


def free_addresses(question: Question) -> Iterator[Finding]:
    """Check that the subnets have addresses left for the stack. A stack that exists has its own already."""
    network = question.settings.network
    if not network.vpc:
        return
    ours = [{"Name": f"tag:{TAG_STACK}", "Values": [question.settings.stack.tag]}]
    if question.client("ec2").describe_security_groups(Filters=ours)["SecurityGroups"]:
        return
    found = _read(question)
    balancer = OF_BALANCER if question.settings.web_services else 0
    services = question.settings.services.values()
    machines = sum(one.scaling.max if one.scaling else one.instances for one in services)
    each = -(-machines // max(1, len(network.public_subnets)))
    wanted = dict.fromkeys(network.public_subnets, balancer + each)
    wanted |= dict.fromkeys(network.private_subnets, OF_DATABASE)
    for id, need in wanted.items():
        free = int(found.subnets.get(id, {}).get("AvailableIpAddressCount", need))
        if free < need:
            seen = f"{free} addresses are free; this stack needs {need}"
            remedy = "Name a larger subnet of the same VPC, or free addresses: aws ec2 describe-network-interfaces"
            yield Finding(f"subnet {id}", seen, f"{remedy} --filters Name=subnet-id,Values={id}")


def zones_of(question: Question, *, public: bool) -> tuple[str, ...]:
    """Full names of the zones of the public or the private subnets, in their order."""
    network = question.settings.network
    if not network.vpc:
        return question.settings.zone_names
    return _read(question).zones(network.public_subnets if public else network.private_subnets)


def _read(question: Question) -> ExistingVpc:
    settings = question.settings
    return read(question.client("ec2"), question.session.each, settings.network.vpc, settings.region)


def _finding(id: str, setting: str, fault: str) -> Finding:
    seen, _, remedy = fault.partition(". ")
    return Finding(f"{id} ({setting})", seen, remedy or "Set another one in config.toml.")
