"""Reads that lag behind writes: a disk's size, lifecycle rules, and all that is read while the fault `lag` is on."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tests.sandbox.sample_application import SampleApplication, refused
from tests.simulated import World

FIRST, SECOND = (
    {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}} for name in "ab"
)


def disk(sample: SampleApplication) -> tuple[str, int, str]:
    """Id, GB and type of the machine's disk."""
    (one,) = sample.ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [sample.machine]}])[
        "Volumes"
    ]
    return one["VolumeId"], one["Size"], one["VolumeType"]


def change_of(sample: SampleApplication, volume: str) -> dict[str, Any]:
    (one,) = sample.ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"]
    return {name: one[name] for name in ("ModificationState", "OriginalSize", "TargetSize")}


def test_a_disk_shows_its_new_size_when_it_is_optimizing_and_changes_once_in_six_hours(
    sample: SampleApplication,
) -> None:
    volume, size, _ = disk(sample)
    with refused("InvalidVolumeModification.NotFound"):
        change_of(sample, volume)
    sample.ec2.modify_volume(VolumeId=volume, Size=size + 1, VolumeType="gp3")
    sizes = {"OriginalSize": size, "TargetSize": size + 1}
    assert (disk(sample)[1], change_of(sample, volume)) == (size, {"ModificationState": "modifying", **sizes})
    with refused("IncorrectModificationState", "MODIFYING"):
        sample.ec2.modify_volume(VolumeId=volume, Size=size + 2)
    sample.pass_time(11)
    assert disk(sample) == (volume, size + 1, "gp3")
    assert change_of(sample, volume)["ModificationState"] == "optimizing"
    with refused("IncorrectModificationState", "OPTIMIZING"):
        sample.ec2.modify_volume(VolumeId=volume, Size=size + 2)
    sample.pass_time(3600)
    assert change_of(sample, volume)["ModificationState"] == "completed"
    with refused("VolumeModificationRateExceeded"):
        sample.ec2.modify_volume(VolumeId=volume, Size=size + 2)
    sample.pass_time(5 * 3600)
    sample.ec2.modify_volume(VolumeId=volume, Size=size + 2)


def test_a_disk_never_shrinks(sample: SampleApplication) -> None:
    volume, size, _ = disk(sample)
    with refused("InvalidParameterValue"):
        sample.ec2.modify_volume(VolumeId=volume, Size=size - 1)


def test_old_and_new_lifecycle_rules_are_shown_in_turn_for_30_s(sample: SampleApplication) -> None:
    s3 = sample.client("s3")
    s3.create_bucket(Bucket="rules", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})

    def put(*rules: dict[str, Any]) -> None:
        s3.put_bucket_lifecycle_configuration(Bucket="rules", LifecycleConfiguration={"Rules": list(rules)})

    def shown() -> list[str]:
        try:
            return [one["ID"] for one in s3.get_bucket_lifecycle_configuration(Bucket="rules")["Rules"]]
        except ClientError as error:
            return [error.response["Error"]["Code"]]

    put(FIRST)
    assert [shown() for _ in range(3)] == [["NoSuchLifecycleConfiguration"], ["a"], ["NoSuchLifecycleConfiguration"]]
    sample.pass_time(31)
    assert [shown(), shown()] == [["a"], ["a"]]
    put(SECOND)
    assert [shown() for _ in range(4)] == [["a"], ["b"], ["a"], ["b"]]
    sample.pass_time(31)
    assert [shown(), shown()] == [["b"], ["b"]]


def test_with_lag_every_read_is_as_old_as_it_says(world: World) -> None:
    ec2, iam, s3 = (world.client(service) for service in ("ec2", "iam", "s3"))
    world.control("POST", "speed", {"speed": 1e-6})
    before = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    world.control("POST", "lag", {"seconds": 20})
    made = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.delete_vpc(VpcId=before)
    iam.create_role(RoleName="late", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    s3.create_bucket(Bucket="late", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_object(Bucket="late", Key="now", Body=b"now")

    def seen() -> tuple[bool, bool, bool, bool]:
        vpcs = {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
        roles = {one["RoleName"] for one in iam.list_roles()["Roles"]}
        buckets = {one["Name"] for one in s3.list_buckets()["Buckets"]}
        return before in vpcs, made in vpcs, "late" in roles, "late" in buckets

    assert seen() == (True, False, False, False)
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpc_attribute(VpcId=made, Attribute="enableDnsSupport")
    assert s3.get_object(Bucket="late", Key="now")["Body"].read() == b"now"
    world.pass_time(21)
    assert seen() == (False, True, True, True)
    ec2.delete_vpc(VpcId=made)
    assert seen()[1]
    world.control("POST", "lag", {"seconds": 0})
    assert not seen()[1]
