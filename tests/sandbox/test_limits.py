"""Limits of an account: told when asked for, and refused beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.sample_application import linked_roles
from tests.simulated import World

VCPU = "L-1216C47A"
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(ClientError) as error:
        yield
    assert error.value.response["Error"]["Code"] == code


@pytest.fixture
def start(world: World) -> Callable[[str, int], Any]:
    """Starts so many machines of a type."""
    image = world.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    ec2 = world.client("ec2")
    return lambda kind, number: ec2.run_instances(ImageId=image, InstanceType=kind, MinCount=number, MaxCount=number)


def test_machines_beyond_the_accounts_vcpus_are_refused(world: World, start: Callable[[str, int], Any]) -> None:
    world.control("POST", "limits", {"quotas": {VCPU: 5}})
    start("t3.micro", 2)
    with refused("VcpuLimitExceeded"):
        start("t3.micro", 1)
    world.control("POST", "limits", {"quotas": {VCPU: 6}})
    start("t3.micro", 1)


def test_a_quota_is_told_and_one_there_is_not_is_refused(world: World) -> None:
    quotas = world.client("service-quotas")
    assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")["Quota"]["Value"] == 5
    with refused("NoSuchResourceException"):
        quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-0263D0A3")


def test_the_free_plan_has_small_machines_and_a_day_of_backups(world: World, start: Callable[[str, int], Any]) -> None:
    world.control("POST", "limits", {"plan": "FREE"})
    linked_roles(world)
    start("t3.micro", 1)
    with refused("InvalidParameterCombination"):
        start("t3.medium", 1)
    database = {
        "DBInstanceIdentifier": "free",
        "Engine": "mysql",
        "EngineVersion": "8.4",
        "AllocatedStorage": 20,
        "MasterUsername": "app",
        "MasterUserPassword": "long-enough",
    }
    create = world.client("rds").create_db_instance
    with refused("FreeTierRestrictionError"):
        create(**database, DBInstanceClass="db.t3.small", BackupRetentionPeriod=1)
    with refused("FreeTierRestrictionError"):
        create(**database, DBInstanceClass="db.t3.micro", BackupRetentionPeriod=2)
    create(**database, DBInstanceClass="db.t3.micro", BackupRetentionPeriod=1)


def test_an_account_tells_its_plan_if_it_has_one(world: World) -> None:
    freetier = world.client("freetier", "us-east-1")
    assert freetier.get_account_plan_state()["accountPlanType"] == "PAID"
    world.control("POST", "limits", {"plan": ""})
    with refused("ResourceNotFoundException"):
        freetier.get_account_plan_state()


def test_what_rds_sells_is_listed_by_class_version_and_disk(world: World) -> None:
    limits = {"not_orderable": ["db.t3.micro 8.0"], "one_zone_only": ["db.t3.small"], "disks": ["gp3"]}
    world.control("POST", "limits", {**limits, "closed_zones": ["ap-northeast-2a"]})
    ask = world.client("rds").describe_orderable_db_instance_options
    (micro,) = ask(Engine="mysql", DBInstanceClass="db.t3.micro")["OrderableDBInstanceOptions"]
    assert (micro["EngineVersion"][:3], micro["StorageType"], micro["MultiAZCapable"]) == ("8.4", "gp3", True)
    assert "ap-northeast-2a" not in [zone["Name"] for zone in micro["AvailabilityZones"]]
    small = ask(Engine="mysql", DBInstanceClass="db.t3.small")["OrderableDBInstanceOptions"]
    assert [one["MultiAZCapable"] for one in small] == [False, False]


def test_a_machine_says_how_many_cores_it_has(world: World, start: Callable[[str, int], Any]) -> None:
    start("t3.micro", 1)
    (reservation,) = world.client("ec2").describe_instances()["Reservations"]
    assert reservation["Instances"][0]["CpuOptions"] == {"CoreCount": 1, "ThreadsPerCore": 2}


def test_a_region_that_is_not_turned_on_knows_nobody(world: World) -> None:
    world.control("POST", "limits", {"closed_regions": ["ap-east-1"]})
    with refused("InvalidClientTokenId"):
        world.client("sts", "ap-east-1").get_caller_identity()
    (one,) = world.client("ec2").describe_regions(RegionNames=["ap-east-1"], AllRegions=True)["Regions"]
    assert one["OptInStatus"] == "not-opted-in"


def test_a_limit_there_is_not_is_refused_and_nothing_changes(world: World) -> None:
    with pytest.raises(Exception, match="400"):
        world.control("POST", "limits", {"plan": "FREE", "speed": 1})
    assert world.client("freetier", "us-east-1").get_account_plan_state()["accountPlanType"] == "PAID"


def test_a_subnet_has_so_many_addresses_and_those_of_deleted_machines_again(world: World) -> None:
    ec2 = world.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/28")["Subnet"]["SubnetId"]
    image = world.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]

    def start() -> str:
        made = ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet)
        return str(made["Instances"][0]["InstanceId"])

    machines = [start() for _ in range(11)]
    for round in range(2):
        with refused("InsufficientFreeAddressesInSubnet"):
            start()
        ec2.terminate_instances(InstanceIds=[machines[round]])
        world.pass_time(120)
        machines.append(start())
    found = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"]
    assert len({one["PrivateIpAddress"] for one in found}) == len(found) == 11
