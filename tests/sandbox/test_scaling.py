"""Auto Scaling groups and launch templates in simulated AWS, asked with a plain client."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from awsdeploy.resources.compute import placeholder
from tests.sandbox.sample_application import IMAGE, PORT, SampleApplication, a_role, refused

TWENTY = [{"Key": "kind", "Value": "member"}]


def data(sample: SampleApplication, **other: Any) -> dict[str, Any]:
    """Data of a launch template."""
    script = placeholder.user_data("al2023", PORT, "/", "ap-northeast-2", "s3://none/none").encode()
    return {
        "ImageId": sample.image,
        "InstanceType": "t3.micro",
        "IamInstanceProfile": {"Name": "app"},
        "SecurityGroupIds": [sample.app],
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [
            {"DeviceName": sample.root, "Ebs": {"VolumeSize": 9, "VolumeType": "gp3", "Encrypted": True}}
        ],
        "UserData": base64.b64encode(script).decode(),
        "TagSpecifications": [{"ResourceType": "instance", "Tags": TWENTY}, {"ResourceType": "volume", "Tags": TWENTY}],
    } | other


def template(sample: SampleApplication, **other: Any) -> str:
    made = sample.ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData=data(sample, **other))
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def group(sample: SampleApplication, id: str, **other: Any) -> Any:
    """Make a group of two machines and let its time pass; the client."""
    calls = sample.client("autoscaling")
    settings = {
        "AutoScalingGroupName": "g",
        "LaunchTemplate": {"LaunchTemplateId": id, "Version": "1"},
        "MinSize": 2,
        "MaxSize": 4,
        "VPCZoneIdentifier": ",".join(sample.public),
        "TargetGroupARNs": [sample.group],
        "Tags": [
            {"Key": "mine", "Value": "yes", "PropagateAtLaunch": True},
            {"Key": "its", "Value": "yes", "PropagateAtLaunch": False},
        ],
    }
    calls.create_auto_scaling_group(**(settings | other))
    return calls


def shown(calls: Any) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = calls.describe_auto_scaling_groups()["AutoScalingGroups"]
    return found


def members(sample: SampleApplication, calls: Any) -> list[dict[str, Any]]:
    ids = [one["InstanceId"] for one in shown(calls)["Instances"]]
    answer = sample.ec2.describe_instances(InstanceIds=ids) if ids else {"Reservations": []}
    return [one for reservation in answer["Reservations"] for one in reservation["Instances"]]


def health(sample: SampleApplication) -> dict[str, str]:
    answer = sample.elbv2.describe_target_health(TargetGroupArn=sample.group)["TargetHealthDescriptions"]
    return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in answer}


def test_a_groups_name_is_taken_until_it_is_gone(sample: SampleApplication) -> None:
    id = template(sample)
    calls = group(sample, id)
    sample.pass_time(60)
    before = {one["InstanceId"] for one in shown(calls)["Instances"]}
    with refused("AlreadyExists"):
        group(sample, id, MaxSize=9)
    assert shown(calls)["MaxSize"] == 4
    assert {one["InstanceId"] for one in shown(calls)["Instances"]} == before
    calls.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    assert shown(calls)["Status"] == "Delete in progress"
    with refused("AlreadyExists", "pending delete"):
        group(sample, id)
    sample.pass_time(600)
    group(sample, id)


def test_a_group_shows_what_it_was_not_given(sample: SampleApplication) -> None:
    found = shown(group(sample, template(sample)))
    assert found["CapacityReservationSpecification"] == {"CapacityReservationPreference": "default"}
    assert found["AvailabilityZoneDistribution"] == {"CapacityDistributionStrategy": "balanced-best-effort"}


def test_a_templates_name_is_taken(sample: SampleApplication) -> None:
    template(sample)
    with refused("InvalidLaunchTemplateName.AlreadyExistsException"):
        template(sample)


def test_a_templates_user_data_is_encoded_by_nobody(sample: SampleApplication) -> None:
    for text in ("#!/bin/bash", base64.b64encode(b"#" * 16385).decode()):
        with refused("InvalidUserData.Malformed"):
            template(sample, UserData=text)


def test_a_templates_profile_metadata_and_disk_reach_the_machine(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    sample.pass_time(60)
    for one in members(sample, calls):
        assert one["IamInstanceProfile"]["Arn"].endswith("/app")
        assert one["MetadataOptions"]["HttpTokens"] == "required"
        (device,) = one["BlockDeviceMappings"]
        (disk,) = sample.ec2.describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
        assert (disk["Size"], disk["VolumeType"], disk["Encrypted"], disk["Tags"]) == (9, "gp3", True, TWENTY)
        tags = {tag["Key"]: tag["Value"] for tag in one["Tags"]}
        assert tags == {"kind": "member", "mine": "yes", "aws:autoscaling:groupName": "g"}


def test_a_group_takes_all_of_its_own_version(sample: SampleApplication) -> None:
    id = template(sample)
    other = data(sample, InstanceType="t3.small", SecurityGroupIds=[sample.web])
    sample.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData=other)
    calls = group(sample, id, LaunchTemplate={"LaunchTemplateId": id, "Version": "2"})
    sample.pass_time(60)
    for one in members(sample, calls):
        assert one["InstanceType"] == "t3.small"
        assert [each["GroupId"] for each in one["SecurityGroups"]] == [sample.web]
    assert {one["LaunchTemplate"]["Version"] for one in shown(calls)["Instances"]} == {"2"}
    with refused("ValidationError", "does not exist"):
        calls.update_auto_scaling_group(
            AutoScalingGroupName="g", LaunchTemplate={"LaunchTemplateId": id, "Version": "3"}
        )


def test_a_template_may_name_its_image_by_a_parameter(sample: SampleApplication) -> None:
    calls = group(sample, template(sample, ImageId=f"resolve:ssm:{IMAGE}"))
    sample.pass_time(60)
    assert {one["ImageId"] for one in members(sample, calls)} == {sample.image}


def test_a_deleted_version_is_gone_and_the_default_stays(sample: SampleApplication) -> None:
    id = template(sample)
    for _ in range(2):
        sample.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData=data(sample))
    answer = sample.ec2.delete_launch_template_versions(LaunchTemplateId=id, Versions=["2", "7"])
    assert [one["VersionNumber"] for one in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
    assert [one["VersionNumber"] for one in answer["UnsuccessfullyDeletedLaunchTemplateVersions"]] == [7]
    versions = sample.ec2.describe_launch_template_versions(LaunchTemplateId=id)["LaunchTemplateVersions"]
    assert [one["VersionNumber"] for one in versions] == [1, 3]
    with refused("OperationNotPermitted"):
        sample.ec2.delete_launch_template_versions(LaunchTemplateId=id, Versions=["1"])


def test_machines_are_spread_over_the_zones(sample: SampleApplication) -> None:
    calls = group(sample, template(sample), MinSize=4)
    sample.pass_time(60)
    places = [one["SubnetId"] for one in members(sample, calls)]
    assert sorted(places) == sorted([*sample.public, *sample.public])


def test_a_machine_serves_when_it_runs_and_is_healthy_when_it_listens(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    assert shown(calls)["Instances"] == []
    sample.pass_time(6)
    assert [one["LifecycleState"] for one in shown(calls)["Instances"]] == ["Pending", "Pending"]
    sample.pass_time(15)
    assert [one["LifecycleState"] for one in shown(calls)["Instances"]] == ["InService", "InService"]
    ids = {one["InstanceId"] for one in shown(calls)["Instances"]}
    assert {health(sample)[id] for id in ids} <= {"initial", "unhealthy"}
    sample.pass_time(115)
    assert {health(sample)[id] for id in ids} == {"healthy"}


def test_a_machine_that_is_gone_is_replaced_after_a_while(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    sample.pass_time(300)
    one, other = sorted(each["InstanceId"] for each in shown(calls)["Instances"])
    sample.ec2.terminate_instances(InstanceIds=[one])
    sample.pass_time(50)
    assert one in {each["InstanceId"] for each in shown(calls)["Instances"]}, "not noticed yet"
    sample.ec2.stop_instances(InstanceIds=[other])
    sample.pass_time(700)
    after = {each["InstanceId"] for each in shown(calls)["Instances"]}
    assert len(after) == 2
    assert not after & {one, other}
    assert {health(sample)[id] for id in after} == {"healthy"}


def test_a_machine_is_drained_before_it_goes(sample: SampleApplication) -> None:
    attribute = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    sample.elbv2.modify_target_group_attributes(TargetGroupArn=sample.group, Attributes=attribute)
    calls = group(sample, template(sample), MinSize=1)
    sample.pass_time(300)
    (one,) = [each["InstanceId"] for each in shown(calls)["Instances"]]
    calls.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, MaxSize=0, DesiredCapacity=0)
    sample.pass_time(6)
    assert (health(sample)[one], sample.state(one)) == ("draining", "running")
    sample.pass_time(30)
    assert sample.state(one) == "shutting-down"
    assert [each["LifecycleState"] for each in shown(calls)["Instances"]] == ["Terminating"]
    sample.pass_time(45)
    assert shown(calls)["Instances"] == []


def test_a_group_with_machines_goes_by_force_only(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    sample.pass_time(60)
    with refused("ResourceInUse"):
        calls.delete_auto_scaling_group(AutoScalingGroupName="g")
    calls.update_auto_scaling_group(AutoScalingGroupName="g", MinSize=0, MaxSize=0, DesiredCapacity=0)
    sample.pass_time(6)
    with refused("ScalingActivityInProgress"):
        calls.delete_auto_scaling_group(AutoScalingGroupName="g")
    sample.pass_time(600)
    calls.delete_auto_scaling_group(AutoScalingGroupName="g")
    sample.pass_time(10)
    assert calls.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    with refused("ValidationError", "not found"):
        calls.delete_auto_scaling_group(AutoScalingGroupName="g")


def test_by_force_everything_goes(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    sample.pass_time(60)
    ids = [one["InstanceId"] for one in shown(calls)["Instances"]]
    calls.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    with refused("ScalingActivityInProgress"):
        calls.update_auto_scaling_group(AutoScalingGroupName="g", MaxSize=1)
    sample.pass_time(600)
    assert calls.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert {sample.state(id) for id in ids} == {"terminated"}


def test_a_protected_group_stays(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    calls.update_auto_scaling_group(AutoScalingGroupName="g", DeletionProtection="prevent-force-deletion")
    assert shown(calls)["DeletionProtection"] == "prevent-force-deletion"
    with refused("ValidationError", "deletion protection"):
        calls.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    calls.update_auto_scaling_group(AutoScalingGroupName="g", DeletionProtection="none")
    calls.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)


def test_a_fresh_profile_is_refused_for_ten_seconds(sample: SampleApplication) -> None:
    iam = sample.client("iam")
    a_role(iam, "new")
    iam.create_instance_profile(InstanceProfileName="new")
    id = template(sample, IamInstanceProfile={"Name": "new"})
    with refused("ValidationError", "Invalid IAM Instance Profile"):
        group(sample, id)
    sample.pass_time(11)
    iam.add_role_to_instance_profile(InstanceProfileName="new", RoleName="new")
    sample.pass_time(9)
    with refused("ValidationError", "has no associated IAM Roles"):
        group(sample, id)
    sample.pass_time(2)
    group(sample, id)


def test_what_is_not_there_is_refused(sample: SampleApplication) -> None:
    id = template(sample)
    for settings, words in (
        ({"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"}}, "does not exist"),
        ({"VPCZoneIdentifier": "subnet-1"}, "does not exist"),
        ({"TargetGroupARNs": [sample.group + "0"]}, "Target Groups"),
        ({"MinSize": 5}, "Max bound"),
        ({"DesiredCapacity": 1}, "Desired capacity"),
    ):
        with refused("ValidationError", words):
            group(sample, id, **settings)


def test_sizes_move_the_number_of_machines_along(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    for settings, desired in (({"MinSize": 3}, 3), ({"MinSize": 0}, 3), ({"MaxSize": 2}, 2), ({"MaxSize": 9}, 2)):
        calls.update_auto_scaling_group(AutoScalingGroupName="g", **settings)
        assert shown(calls)["DesiredCapacity"] == desired


def test_a_launch_that_fails_is_told_and_tried_again(sample: SampleApplication) -> None:
    id = template(sample, InstanceType="t9.micro")
    calls = group(sample, id)
    sample.pass_time(10)
    (activity,) = calls.describe_scaling_activities(AutoScalingGroupName="g", MaxRecords=1)["Activities"]
    assert activity["StatusCode"] == "Failed"
    assert "t9.micro" in activity["StatusMessage"]
    sample.ec2.create_launch_template_version(LaunchTemplateId=id, LaunchTemplateData=data(sample))
    calls.update_auto_scaling_group(AutoScalingGroupName="g", LaunchTemplate={"LaunchTemplateId": id, "Version": "2"})
    sample.pass_time(30)
    assert len(shown(calls)["Instances"]) == 2


@pytest.mark.parametrize(("word", "replaced"), [("EC2", False), ("ELB", True)])
def test_the_load_balancers_word_ends_a_machine_only_on_request(
    sample: SampleApplication, word: str, replaced: bool
) -> None:
    silent = base64.b64encode(b"#!/bin/bash\n").decode()
    calls = group(sample, template(sample, UserData=silent), HealthCheckType=word, HealthCheckGracePeriod=900)
    sample.pass_time(60)
    before = {one["InstanceId"] for one in shown(calls)["Instances"]}
    sample.pass_time(800)
    assert {one["InstanceId"] for one in shown(calls)["Instances"]} == before, "within the grace"
    sample.pass_time(700)
    after = {one["InstanceId"] for one in shown(calls)["Instances"]}
    assert (not after & before) == replaced


def test_a_policy_is_one_by_its_name_and_goes_with_its_group(sample: SampleApplication) -> None:
    calls = group(sample, template(sample))
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}}
    for target in (50.0, 70.0):
        calls.put_scaling_policy(
            AutoScalingGroupName="g",
            PolicyName="p",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={**metric, "TargetValue": target},
        )
    (policy,) = calls.describe_policies(AutoScalingGroupName="g")["ScalingPolicies"]
    assert (policy["TargetTrackingConfiguration"]["TargetValue"], policy["Enabled"]) == (70.0, True)
    with refused("ValidationError", "not found"):
        calls.delete_policy(AutoScalingGroupName="g", PolicyName="q")
    calls.delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)
    sample.pass_time(600)
    assert calls.describe_policies()["ScalingPolicies"] == []
