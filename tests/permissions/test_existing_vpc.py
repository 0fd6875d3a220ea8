"""The deployer's policy in an existing VPC: it may create things in it, and never change or delete it."""

from __future__ import annotations

from awsdeploy import config, permissions
from tests.iam import allowed

ACCOUNT, REGION = "123456789012", "ap-northeast-2"
VPC = "vpc-0123456789abcdef0"
SUBNETS = tuple(f"subnet-0123456789abcdef{number}" for number in range(4))
NETWORK = {"vpc": VPC, "public_subnets": SUBNETS[:2], "private_subnets": SUBNETS[2:]}


def may(action: str, resource: str, account: str = ACCOUNT) -> bool:
    settings = config.from_mapping({"name": "shop", "platform": "supported", "network": NETWORK})
    policy = {"Statement": list(permissions.statements(settings, ACCOUNT))}
    return allowed([policy], f"ec2:{action}", f"arn:aws:ec2:{REGION}:{account}:{resource}")


def test_security_groups_and_machines_can_be_created_in_it() -> None:
    assert may("CreateSecurityGroup", f"vpc/{VPC}")
    assert may("CreateSecurityGroup", f"vpc/{VPC}", account="210987654321"), "a VPC that another account shares"
    assert all(may("RunInstances", f"subnet/{id}") for id in SUBNETS)


def test_neither_it_nor_its_subnets_can_be_changed() -> None:
    changes = "CreateTags CreateSubnet DeleteTags DeleteVpc ModifyVpcAttribute CreateRouteTable".split()
    assert [action for action in changes if may(action, f"vpc/{VPC}")] == []
    changes = "CreateTags DeleteSubnet ModifySubnetAttribute AssociateRouteTable CreateNatGateway".split()
    assert [action for action in changes if may(action, f"subnet/{SUBNETS[0]}")] == []


def test_no_other_network_is_open() -> None:
    assert not may("CreateSecurityGroup", "vpc/vpc-0123456789abcdeff")
    assert not may("RunInstances", "subnet/subnet-0123456789abcdeff")
