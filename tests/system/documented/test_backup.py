"""Backup and recovery as documented, by asking AWS: L1, L2, L4, and what makes L2 work by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.sandbox.control import RunningSandbox
from tests.conftest import SPEED, forked
from tests.sandbox.sample_application import STILL
from tests.simulated import DOCUMENTED, World, tags, writes
from tests.system.documented.asking import database, instance

DAY = 86400


def policy(world: World) -> dict[str, Any]:
    """The only lifecycle policy there is."""
    dlm = world.client("dlm")
    (found,) = dlm.get_lifecycle_policies()["Policies"]
    details: dict[str, Any] = dlm.get_lifecycle_policy(PolicyId=found["PolicyId"])["Policy"]
    return details


def images(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.client("ec2").describe_images(Owners=["self"])["Images"]
    return found


@pytest.fixture
def later_world(documented: World, tmp_path: Path) -> Iterator[World]:
    """A fork of the documented stack, in which time passes only when told."""
    with forked(RunningSandbox(**documented.control("GET", "status")), tmp_path) as made:
        made.control("POST", "speed", {"speed": STILL})
        yield made


def test_l1_automatic_backups_are_kept_for_seven_days(documented: World) -> None:
    found = database(documented)
    assert (found["BackupRetentionPeriod"], found["CopyTagsToSnapshot"]) == (7, True)


def test_l2_every_machine_has_an_image_made_each_day(documented: World) -> None:
    found = policy(documented)
    details = found["PolicyDetails"]
    assert found["State"] == "ENABLED"
    assert (details["PolicyType"], details["ResourceTypes"]) == ("IMAGE_MANAGEMENT", ["INSTANCE"])
    assert details["Parameters"]["NoReboot"] is True
    (schedule,) = details["Schedules"]
    rule = schedule["CreateRule"]
    assert (rule["Interval"], rule["IntervalUnit"], rule["Times"]) == (24, "HOURS", ["18:00"])
    assert schedule["RetainRule"]["Count"] == 7
    assert schedule["CopyTags"] is True
    (target,) = details["TargetTags"]
    for key in ("machines/frontend-1", "machines/backend-1"):
        assert target in instance(documented.client("ec2"), key)["Tags"]


def test_l2_its_role_can_make_and_retire_images_and_nothing_else(documented: World) -> None:
    iam = documented.client("iam")
    role = iam.get_role(RoleName=policy(documented)["ExecutionRoleArn"].rpartition("/")[2])["Role"]
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert (trusted["Principal"], trusted["Action"]) == ({"Service": "dlm.amazonaws.com"}, "sts:AssumeRole")
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:dlm:ap-northeast-2:123456789012:policy/*"},
    }
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    statements = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]["Statement"]
    actions = {action for one in statements for action in one["Action"]}
    # Of what AWS's own role for this may, and no more.
    assert actions == {
        "ec2:CreateImage",
        "ec2:CreateTags",
        "ec2:DeleteSnapshot",
        "ec2:DeregisterImage",
        "ec2:DescribeImageAttribute",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeSnapshots",
        "ec2:DescribeVolumes",
    }
    for statement in statements:
        sees = {action.startswith("ec2:Describe") for action in statement["Action"]}
        assert sees == {statement["Resource"] == "*"}, "everything but a look is narrowed"
    own = {"StringEquals": {"aws:ResourceTag/awsdeploy:stack": "shop/prod"}}
    assert {json.dumps(one["Action"]) for one in statements if one.get("Condition") == own} == {
        '["ec2:CreateImage"]',
        '["ec2:DeregisterImage"]',
    }


def test_l2_images_come_carry_their_machines_tags_and_the_eighth_is_the_last(later_world: World) -> None:
    machine = instance(later_world.client("ec2"), "machines/backend-1")
    before = {image["ImageId"] for image in images(later_world)}
    later_world.pass_time(DAY)
    new = [image for image in images(later_world) if image["ImageId"] not in before]
    found = [image for image in new if image["SourceInstanceId"] == machine["InstanceId"]]
    assert (len(new), len(found)) == (2, 1)
    assert tags(machine["Tags"]).items() <= tags(found[0]["Tags"]).items()
    (disk,) = found[0]["BlockDeviceMappings"]
    snapshots = later_world.client("ec2").describe_snapshots(SnapshotIds=[disk["Ebs"]["SnapshotId"]])["Snapshots"]
    assert [one["VolumeSize"] for one in snapshots] == [20]
    later_world.pass_time(7 * DAY)
    assert len(images(later_world)) == 2 * 7
    assert found[0]["ImageId"] not in {image["ImageId"] for image in images(later_world)}
    assert writes(later_world.up(later_world.settings(DOCUMENTED))) == {}, "images are no drift"


def test_l2_images_can_be_declined(later_world: World) -> None:
    later_world.pass_time(DAY)
    later_world.until(19)  # the next images are a day away
    before = images(later_world)
    later_world.control("POST", "speed", {"speed": SPEED})
    later_world.up(later_world.settings(DOCUMENTED + "\n[backup]\nimages = false\n"))
    assert later_world.client("dlm").get_lifecycle_policies()["Policies"] == []
    roles = later_world.client("iam").list_roles(PathPrefix="/awsdeploy/")["Roles"]
    assert [role for role in roles if "dlm" in json.dumps(role["AssumeRolePolicyDocument"])] == []
    assert images(later_world) == before, "what was made stays"
    assert before


def test_l4_the_database_has_a_standby_in_the_other_zone(documented: World) -> None:
    found = database(documented)
    assert found["MultiAZ"] is True
    assert {found["AvailabilityZone"], found["SecondaryAvailabilityZone"]} == {"ap-northeast-2a", "ap-northeast-2c"}
