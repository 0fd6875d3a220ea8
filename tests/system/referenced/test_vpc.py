"""A stack in a VPC of somebody else: made in it, changed, taken away, and the VPC is as it was."""

from __future__ import annotations

import json

import pytest

from awsdeploy.config.stack import TAG_STACK
from tests.account import leftovers
from tests.simulated import World
from tests.system.referenced.owner import OwnVpc, make_vpc, writes

pytestmark = pytest.mark.slow

BASE = 'name = "shop"\nenvironment = "dev"\nplatform = "supported"\n\n'
OF_OWNER = {
    f"ec2:{word}{what}"
    for word in ("Create", "Delete", "Modify", "Attach", "Detach", "Associate", "Disassociate", "Replace")
    for what in ("Vpc", "Subnet", "RouteTable", "Route", "InternetGateway", "VpcAttribute", "SubnetAttribute")
}
"""Writes that would touch the network of the owner."""


def write_config(world: World, text: str) -> None:
    (world.folder / "config.toml").write_text(text)


def done(world: World, words: str, code: int = 0) -> str:
    """Run a command, and return what it printed."""
    made = world.awsdeploy(*words.split(), timeout=300)
    assert made.returncode == code, f"{words}: {made.returncode}\n{made.stdout[-3000:]}{made.stderr[-3000:]}"
    return made.stdout + made.stderr


def test_a_stack_lives_in_a_vpc_that_is_not_its_own(world: World) -> None:
    before = leftovers(world)
    own = make_vpc(world)
    described = own.description()
    write_config(world, BASE + own.config)
    world.control("DELETE", "calls")
    plan = done(world, "plan --full")
    for id in (own.id, *own.public, *own.private):
        assert id in plan.partition("Used, not created or changed")[2].partition("\n\n")[0]
    # Killed in the middle of it, and its record lost: the same command goes on.
    world.control("POST", "fault", {"kind": "kill-after", "write": 20})
    done(world, "up --yes", -9)
    (world.folder / ".awsdeploy" / "shop-dev.json").unlink()
    assert "Done in" in done(world, "up --yes")
    assert own.description() == described
    assert len(own.groups()) == 4
    assert own.id in done(world, "status")
    assert json.loads(done(world, "drift --json").partition("\nReading")[0])["drift"] is False
    (world.folder / ".awsdeploy" / "shop-dev.json").unlink()
    assert "No changes" in done(world, "up --yes")
    write_config(world, BASE + own.config + '\n[services.frontend]\ninstance_type = "t3.small"\n[services.backend]\n')
    done(world, "up --yes")
    assert own.description() == described
    assert f"VPC {own.id} with its subnets and routes" in done(world, "destroy --confirm shop-dev --everything")
    assert own.description() == described
    assert own.groups() == []
    assert {call["call"] for call in writes(world)} & OF_OWNER == set()
    assert TAG_STACK not in json.dumps(own.description(), default=str)
    assert len(leftovers(world)) > len(before), "the VPC is still there"


def test_what_its_owner_turns_off_later_is_told_and_not_mended(world: World) -> None:
    own = make_vpc(world)
    write_config(world, BASE + own.config)
    done(world, "up --yes")
    world.client("ec2").modify_vpc_attribute(VpcId=own.id, EnableDnsHostnames={"Value": False})
    world.control("DELETE", "calls")
    told = f"EnableDnsHostnames of {own.id} is off"
    assert told in done(world, "status", 1)
    assert told in done(world, "drift", 7)
    assert told in done(world, "up --yes", 5)
    assert list(writes(world)) == []


def test_the_move_into_it_names_the_data_that_would_be_lost(world: World) -> None:
    own = make_vpc(world)
    write_config(world, BASE)
    done(world, "up --yes")
    write_config(world, BASE + own.config)
    assert "--delete-data database/mysql" in done(world, "up --yes", 64)
    done(world, "up --yes --delete-data database/mysql")
    assert len(own.groups()) == 4
    found = world.everything(world.settings(BASE + own.config))
    assert [one.key for one in found if one.key.startswith("network/")] == []
    done(world, "destroy --confirm shop-dev --everything")


@pytest.fixture
def own(world: World) -> OwnVpc:
    return make_vpc(world)


def refusals(own: OwnVpc) -> str:
    """Conflicts of a plan, before anything is created."""
    own.world.control("DELETE", "calls")
    said = "\n".join(own.world.plan(own.world.settings(BASE + own.config)).conflicts)
    assert list(writes(own.world)) == []
    return said


def test_nothing_is_missing(own: OwnVpc) -> None:
    assert refusals(own) == ""


def test_everything_that_is_missing_is_told_at_once(own: OwnVpc) -> None:
    ec2 = own.world.client("ec2")
    ec2.modify_vpc_attribute(VpcId=own.id, EnableDnsHostnames={"Value": False})
    ec2.modify_subnet_attribute(SubnetId=own.public[1], MapPublicIpOnLaunch={"Value": False})
    others = make_vpc(own.world, "10.8.0.0/16")
    own.private[1] = others.private[1]
    said = refusals(own)
    assert f"network/vpc: EnableDnsHostnames of {own.id} is off" in said
    assert f"network/public-2: {own.public[1]} gives machines no public IPv4 address" in said
    assert f"network/private-2: {own.id} has no subnet {own.private[1]}" in said


def test_a_vpc_that_is_gone_is_not_made_anew(own: OwnVpc) -> None:
    own.id = "vpc-0123456789abcdef0"
    said = refusals(own)
    assert "network/vpc: There is no VPC vpc-0123456789abcdef0 in ap-northeast-2 in this account" in said
    assert said.count("\n") == 0, "its subnets are not told one by one"


def test_the_stacks_own_vpc_is_not_taken_for_an_existing_one(own: OwnVpc) -> None:
    tag = {"Key": TAG_STACK, "Value": "shop/dev"}
    own.world.client("ec2").create_tags(Resources=[own.id], Tags=[tag])
    assert f"{own.id} belongs to this stack" in refusals(own)
