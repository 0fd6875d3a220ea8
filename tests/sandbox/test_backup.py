"""Simulated AWS makes, keeps and retires images as AWS does, and refuses what AWS refuses."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.sandbox.sample_application import SampleApplication, database, refused

DAY = 86400
EXTENDED = "open-source-rds-extended-support"
PASSED = "arn:aws:iam::123456789012:role/"


def images(sample: SampleApplication) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sample.ec2.describe_images(Owners=["self"])["Images"]
    return found


def snapshots(sample: SampleApplication) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sample.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    return found


def image_of(sample: SampleApplication, name: str = "one", **more: Any) -> str:
    return str(sample.ec2.create_image(InstanceId=sample.machine, Name=name, NoReboot=True, **more)["ImageId"])


def role(sample: SampleApplication, name: str = "images", condition: dict[str, Any] | None = None) -> str:
    """A role that Data Lifecycle Manager may assume, known everywhere; its ARN."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "dlm.amazonaws.com"}}
    statement |= {"Action": "sts:AssumeRole", "Condition": condition or {}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = sample.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def details(**other: Any) -> dict[str, Any]:
    schedule = {
        "Name": "daily",
        "CopyTags": True,
        "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["03:00"]},
        "RetainRule": {"Count": 2},
    }
    return {
        "PolicyType": "IMAGE_MANAGEMENT",
        "ResourceTypes": ["INSTANCE"],
        "TargetTags": [{"Key": "team", "Value": "web"}],
        "Schedules": [schedule],
    } | other


def policy(sample: SampleApplication, arn: str, **other: Any) -> str:
    asked = {"ExecutionRoleArn": arn, "Description": "daily", "State": "ENABLED", "PolicyDetails": details()} | other
    return str(sample.client("dlm").create_lifecycle_policy(**asked)["PolicyId"])


def test_an_image_is_made_after_300_s_and_its_snapshot_after_180(sample: SampleApplication) -> None:
    image_of(sample)
    assert [image["State"] for image in images(sample)] == ["pending"]
    sample.pass_time(181)
    assert [snapshot["State"] for snapshot in snapshots(sample)] == ["completed"]
    assert [image["State"] for image in images(sample)] == ["pending"]
    sample.pass_time(120)
    assert [image["State"] for image in images(sample)] == ["available"]


def test_an_image_shows_the_disks_of_its_machine(sample: SampleApplication) -> None:
    image_of(sample)
    ((disk,),) = [image["BlockDeviceMappings"] for image in images(sample)]
    assert (disk["Ebs"]["VolumeSize"], disk["Ebs"]["SnapshotId"]) == (20, snapshots(sample)[0]["SnapshotId"])


def test_an_image_and_its_snapshot_are_tagged_in_the_call_that_makes_them(sample: SampleApplication) -> None:
    kinds = ("image", "snapshot")
    image_of(
        sample, TagSpecifications=[{"ResourceType": kind, "Tags": [{"Key": "k", "Value": kind}]} for kind in kinds]
    )
    assert [image["Tags"] for image in images(sample)] == [[{"Key": "k", "Value": "image"}]]
    assert [snapshot["Tags"] for snapshot in snapshots(sample)] == [[{"Key": "k", "Value": "snapshot"}]]


def test_an_image_of_the_same_name_is_refused(sample: SampleApplication) -> None:
    image_of(sample)
    with refused("InvalidAMIName.Duplicate"):
        image_of(sample)
    with refused("InvalidAMIName.Malformed"):
        image_of(sample, "no:colons")


def test_a_snapshot_is_held_by_its_image(sample: SampleApplication) -> None:
    image = image_of(sample)
    (snapshot,) = snapshots(sample)
    with refused("InvalidSnapshot.InUse"):
        sample.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    sample.ec2.deregister_image(ImageId=image)
    sample.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    assert snapshots(sample) == []


def test_a_snapshot_goes_with_its_image_only_if_asked(sample: SampleApplication) -> None:
    sample.ec2.deregister_image(ImageId=image_of(sample, "one"))
    assert len(snapshots(sample)) == 1
    sample.ec2.deregister_image(ImageId=image_of(sample, "two"), DeleteAssociatedSnapshots=True)
    assert len(snapshots(sample)) == 1


def test_a_role_is_known_to_the_lifecycle_manager_after_10_s_and_must_be_its_own(sample: SampleApplication) -> None:
    arn = role(sample)
    with refused("InvalidRequestException"):
        policy(sample, arn)
    sample.pass_time(11)
    policy(sample, arn)
    source = {"aws:SourceArn": "arn:aws:dlm:ap-northeast-2:123456789012:policy/*"}
    role(sample, "ours", {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": source})
    role(sample, "theirs", {"StringEquals": {"aws:SourceAccount": "210987654321"}, "ArnLike": source})
    sample.pass_time(11)
    policy(sample, PASSED + "ours")
    for other in ("nobody", "app", "theirs"):
        with refused("InvalidRequestException", "role"):
            policy(sample, PASSED + other)


def test_a_lifecycle_policy_that_makes_no_sense_is_refused(sample: SampleApplication) -> None:
    arn = role(sample)
    sample.pass_time(11)
    with refused("InvalidRequestException", "Description"):
        policy(sample, arn, Description="shop/prod")
    (schedule,) = details()["Schedules"]
    several: tuple[dict[str, Any], ...] = (
        {"ResourceTypes": ["VOLUME"]},
        {"PolicyType": "EBS_SNAPSHOT_MANAGEMENT"},
        {"Schedules": [schedule | {"RetainRule": {"Count": 0}}]},
        {"Schedules": [schedule | {"CreateRule": {"Interval": 5, "IntervalUnit": "HOURS", "Times": ["03:00"]}}]},
        {"Schedules": [schedule | {"CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": ["25:00"]}}]},
    )
    for wrong in several:
        with refused("InvalidRequestException"):
            policy(sample, arn, PolicyDetails=details(**wrong))
    with refused("ResourceNotFoundException"):
        sample.client("dlm").get_lifecycle_policy(PolicyId="policy-0123456789abcdef0")


def test_a_lifecycle_policy_makes_and_retires_images_of_the_machines_it_names(sample: SampleApplication) -> None:
    arn = role(sample)
    sample.pass_time(11)
    sample.ec2.create_tags(Resources=[sample.machine], Tags=[{"Key": "team", "Value": "web"}])
    sample.run()  # another machine, which is not named
    made = policy(sample, arn, Tags={"of": "us"})
    assert images(sample) == []
    sample.pass_time(DAY)
    (first,) = images(sample)
    assert first["SourceInstanceId"] == sample.machine
    found = {tag["Key"]: tag["Value"] for tag in first["Tags"]}
    assert (found["team"], found["aws:dlm:lifecycle-policy-id"]) == ("web", made)
    sample.pass_time(2 * DAY)
    assert len(images(sample)) == len(snapshots(sample)) == 2
    assert first["ImageId"] not in {image["ImageId"] for image in images(sample)}
    dlm = sample.client("dlm")
    dlm.update_lifecycle_policy(PolicyId=made, State="DISABLED")
    before = {image["ImageId"] for image in images(sample)}
    sample.pass_time(2 * DAY)
    assert {image["ImageId"] for image in images(sample)} == before
    assert dlm.get_lifecycle_policies()["Policies"][0]["Tags"] == {"of": "us"}
    dlm.delete_lifecycle_policy(PolicyId=made)
    assert len(images(sample)) == 2, "the images outlive their policy"


def test_an_old_mysql_is_made_only_with_extended_support(sample: SampleApplication) -> None:
    group = {"DBParameterGroupName": "default.mysql8.0", "DBInstanceIdentifier": "old", "EngineVersion": "8.0"}
    with refused("InvalidParameterCombination", "end of standard support"):
        sample.rds.create_db_instance(**database(**group, EngineLifecycleSupport=f"{EXTENDED}-disabled"))
    made = sample.rds.create_db_instance(**database(**group, EngineLifecycleSupport=EXTENDED))
    assert made["DBInstance"]["EngineLifecycleSupport"] == EXTENDED
    sample.pass_time(301)
    with refused("InvalidParameterCombination", "end of standard support"):
        sample.rds.modify_db_instance(DBInstanceIdentifier="old", EngineLifecycleSupport=f"{EXTENDED}-disabled")


def test_extended_support_is_on_unless_declined(sample: SampleApplication) -> None:
    assert sample.database()["EngineLifecycleSupport"] == EXTENDED
    declined = f"{EXTENDED}-disabled"
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", EngineLifecycleSupport=declined)
    sample.pass_time(301)
    assert sample.database()["EngineLifecycleSupport"] == declined


def test_automatic_backups_reach_back_to_the_beginning_or_the_retention(sample: SampleApplication) -> None:
    def window() -> tuple[float, float]:
        (row,) = sample.rds.describe_db_instance_automated_backups(DBInstanceIdentifier="main")[
            "DBInstanceAutomatedBackups"
        ]
        at = row["RestoreWindow"]
        return at["EarliestTime"].timestamp(), at["LatestTime"].timestamp()

    first = window()
    assert first[0] < first[1]
    sample.pass_time(DAY / 2)
    assert window() == (first[0], first[1] + DAY / 2)
    sample.pass_time(2 * DAY)
    earliest, latest = window()
    assert latest - earliest == DAY - 300, "kept for one day"


def test_a_database_comes_from_a_snapshot_with_its_engine_size_and_user(sample: SampleApplication) -> None:
    rds = sample.rds
    asked = {"DBInstanceIdentifier": "again", "DBSnapshotIdentifier": "one", "DBSubnetGroupName": "main"}
    with refused("DBSnapshotNotFound"):
        rds.restore_db_instance_from_db_snapshot(**asked)
    rds.create_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="one")
    with refused("InvalidDBSnapshotState"):
        rds.restore_db_instance_from_db_snapshot(**asked)
    sample.pass_time(181)
    with refused("DBInstanceAlreadyExists"):
        rds.restore_db_instance_from_db_snapshot(**asked | {"DBInstanceIdentifier": "main"})
    with refused("InvalidParameterCombination", "DBParameterGroupFamily"):
        rds.create_db_parameter_group(DBParameterGroupName="old", DBParameterGroupFamily="mysql8.0", Description="old")
        rds.restore_db_instance_from_db_snapshot(**asked, DBParameterGroupName="old")
    made = rds.restore_db_instance_from_db_snapshot(**asked, Tags=[{"Key": "k", "Value": "v"}])["DBInstance"]
    assert (made["MasterUsername"], made["AllocatedStorage"], made["TagList"]) == (
        "admin",
        20,
        [{"Key": "k", "Value": "v"}],
    )
    assert made["DBInstanceStatus"] == "creating"
    assert made["EngineVersion"] == sample.database()["EngineVersion"]
    sample.pass_time(301)
    (found,) = rds.describe_db_instances(DBInstanceIdentifier="again")["DBInstances"]
    assert found["DBInstanceStatus"] == "available"


def test_a_database_is_restored_to_a_time_of_its_window_with_the_defaults_of_aws(sample: SampleApplication) -> None:
    sample.pass_time(3600)  # its first backup is older than what can be restored
    rds, source = sample.rds, sample.database()
    latest = source["LatestRestorableTime"]
    call = {"SourceDBInstanceIdentifier": "main", "TargetDBInstanceIdentifier": "other", "DBSubnetGroupName": "main"}
    with refused("InvalidParameterValue"):
        rds.restore_db_instance_to_point_in_time(**call, RestoreTime=latest + timedelta(seconds=60))
    with refused("InvalidParameterCombination"):
        rds.restore_db_instance_to_point_in_time(**call)
    made = rds.restore_db_instance_to_point_in_time(**call, RestoreTime=latest)["DBInstance"]
    with refused("DBInstanceAlreadyExists"):
        rds.restore_db_instance_to_point_in_time(**call, UseLatestRestorableTime=True)
    assert made["DBInstanceStatus"] == "creating"
    for same in ("DBInstanceClass", "AllocatedStorage", "MasterUsername", "EngineVersion", "BackupRetentionPeriod"):
        assert made[same] == source[same], same
    assert (made["DeletionProtection"], made["MultiAZ"], made["TagList"]) == (False, False, [])
    assert made["DbiResourceId"] != source["DbiResourceId"]


def test_a_database_without_automatic_backups_is_not_restored_to_a_time(sample: SampleApplication) -> None:
    sample.rds.modify_db_instance(DBInstanceIdentifier="main", BackupRetentionPeriod=0, ApplyImmediately=True)
    sample.pass_time(3600)
    call = {"SourceDBInstanceIdentifier": "main", "TargetDBInstanceIdentifier": "other"}
    with refused("PointInTimeRestoreNotEnabled"):
        sample.rds.restore_db_instance_to_point_in_time(**call, UseLatestRestorableTime=True)


def test_a_database_is_renamed_in_600_s_and_its_endpoint_follows(sample: SampleApplication) -> None:
    rds, before = sample.rds, sample.database()
    rds.create_db_instance(**database(DBInstanceIdentifier="taken"))

    def rename(new: str) -> None:
        rds.modify_db_instance(DBInstanceIdentifier="main", NewDBInstanceIdentifier=new, ApplyImmediately=True)

    def shown() -> dict[str, Any]:
        found: list[dict[str, Any]] = rds.describe_db_instances()["DBInstances"]
        return next(one for one in found if one["DbiResourceId"] == before["DbiResourceId"])

    with refused("DBInstanceAlreadyExists"):
        rename("taken")
    with refused("InvalidParameterValue"):
        rename("no--name")
    rename("new")
    assert shown()["PendingModifiedValues"]["DBInstanceIdentifier"] == "new"
    sample.pass_time(20)
    assert (shown()["DBInstanceIdentifier"], shown()["DBInstanceStatus"]) == ("main", "renaming")
    with refused("InvalidDBInstanceState"):
        rename("third")
    sample.pass_time(570)
    assert shown()["DBInstanceStatus"] == "renaming"
    sample.pass_time(20)
    after = shown()
    assert (after["DBInstanceIdentifier"], after["DBInstanceStatus"]) == ("new", "available")
    assert after["Endpoint"]["Address"] == before["Endpoint"]["Address"].replace("main.", "new.", 1)
    assert after["PendingModifiedValues"] == {}
    rds.create_db_instance(**database())  # its name is free
