"""Blockers of a destroy are named: whose they are, whether they clear by themselves, and what to type."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import KINDS, DestroyOptions, Resource
from tests.permissions.stages import copied
from tests.simulated import World

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
platform = "supported"

[services.site]
port = 3000
paths = ["/*"]
"""
BY_ITS_STATUS = {
    "Database": "its status says it",
    "Instance": "its status says it",
    "Snapshot": "its status says it",
    "Bucket": "its objects: the refusal names the one that AWS does not let go of",
    "DataBucket": "its objects: the refusal names the one that AWS does not let go of",
    "InstanceProfile": "AWS answers late: its role has been taken out",
    "Listener": "AWS answers late",
    "LoadBalancer": "AWS answers late: nothing holds one",
    "Role": "AWS answers late: its policies and profiles have been taken out",
    "RouteTable": "its associations are taken away in the same step",
}
"""Kinds whose refusals need nothing that could be named."""


def test_every_kind_that_can_be_held_up_says_by_what() -> None:
    ours = {name: kind for name, kind in KINDS.items() if "awsdeploy" in kind.__module__}
    silent = {
        name
        for name, kind in ours.items()
        if kind.deletion.retry_on and kind.blockers.__func__ is Resource.blockers.__func__  # type: ignore[attr-defined]
    }
    assert silent == set(BY_ITS_STATUS)


@pytest.fixture(scope="module")
def stack_world(module_world: World) -> World:
    module_world.up(module_world.settings(CONFIG))
    return module_world


def destroyed(world: World, key: str, hands: dict[str, Callable[[], object]]) -> str:
    """Destroy; as soon as a word is told of this key, its hand is lent. Returns all that was told of the key."""
    told: list[str] = []

    def hear(event: ResourceEvent) -> None:
        if event.key == key and event.detail:
            told.append(event.detail)
            for word in [word for word in hands if word in event.detail]:
                hands.pop(word)()

    dataclasses.replace(world, on_event=hear).destroy(world.settings(CONFIG), DestroyOptions(data=True, zone=True))
    assert not hands
    return "\n".join(told)


def of(world: World, key: str) -> Any:
    return next(one for one in world.everything(world.settings(CONFIG)) if one.key == key)


def test_an_interface_of_somebodys_own(stack_world: World, tmp_path: Path) -> None:
    with copied(stack_world, tmp_path / "copy") as world:
        ec2, subnet = world.client("ec2"), of(world, "network/private-a").id
        tags = [{"Key": "Name", "Value": "bastion"}]
        id = ec2.create_network_interface(
            SubnetId=subnet,
            Description="by hand",
            TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
        )["NetworkInterface"]["NetworkInterfaceId"]
        said = destroyed(world, "network/private-a", {id: lambda: ec2.delete_network_interface(NetworkInterfaceId=id)})
        assert f'Blocked by network interface {id} (bastion) "by hand", which stays' in said
        assert f"aws ec2 delete-network-interface --region ap-northeast-2 --network-interface-id {id}" in said


def test_a_rule_of_anothers_security_group(stack_world: World, tmp_path: Path) -> None:
    with copied(stack_world, tmp_path / "copy") as world:
        ec2, group = world.client("ec2"), of(world, "security/rds")
        other = ec2.create_security_group(GroupName="report", Description="report", VpcId=group.raw["VpcId"])["GroupId"]
        pair = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group.id}]}
        made = ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[pair])
        rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]

        def take() -> None:
            ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=[pair])
            ec2.delete_security_group(GroupId=other)

        said = destroyed(world, "security/rds", {other: take})
        assert f"Blocked by rule {rule} of the security group {other} (report), which stays" in said
        assert f"aws ec2 revoke-security-group-ingress --region ap-northeast-2 --group-id {other}" in said


def test_what_aws_takes_away_itself_and_what_is_left_in_the_vpc(stack_world: World, tmp_path: Path) -> None:
    """The load balancer's interfaces stay for some minutes; a group that GuardDuty has made stays."""
    with copied(stack_world, tmp_path / "copy") as world:
        ec2, vpc = world.client("ec2"), of(world, "network/vpc").id
        name = f"GuardDutyManagedSecurityGroup-{vpc}"
        group = ec2.create_security_group(GroupName=name, Description="GuardDuty", VpcId=vpc)["GroupId"]
        seen: list[str] = []
        telling = dataclasses.replace(world, on_event=lambda event: seen.append(event.detail))
        said = destroyed(telling, "network/vpc", {group: lambda: ec2.delete_security_group(GroupId=group)})
        assert f"Blocked by security group {group} ({name}), which stays: aws ec2 delete-security-group" in said


def test_protections_are_lifted_and_the_load_balancers_interfaces_go_by_themselves(
    stack_world: World, tmp_path: Path
) -> None:
    with copied(stack_world, tmp_path / "copy") as world:
        machine, balancer = of(world, "machines/site-1").id, of(world, "web/alb").id
        world.client("ec2").modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
        protected = [{"Key": "deletion_protection.enabled", "Value": "true"}]
        world.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=protected)
        world.control("POST", "speed", {"speed": 60})
        told: list[ResourceEvent] = []
        telling = dataclasses.replace(world, on_event=told.append)
        telling.destroy(world.settings(CONFIG), DestroyOptions(data=True, zone=True))
        said = {event.detail for event in told if "of the load balancer" in event.detail}
        assert said
        assert all('"ELB app/shop-dev' in one and "which goes by itself" in one for one in said)
        assert not any("which stays" in event.detail for event in told)
