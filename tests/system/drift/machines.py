"""The machines and who they are, changed by hand."""

from __future__ import annotations

import json

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, NAME, SETTLED, by_hand


@by_hand("role policy", "machines/backend-role", "iam:PutRolePolicy.PolicyDocument")
def _(aws: World, observed: dict[str, Observed]) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    aws.client("iam").put_role_policy(
        RoleName=observed["machines/backend-role"].id, PolicyName="awsdeploy", PolicyDocument=json.dumps(everything)
    )


@by_hand("role policy deleted", "machines/backend-role", "iam:PutRolePolicy.PolicyName")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("iam").delete_role_policy(RoleName=observed["machines/backend-role"].id, PolicyName="awsdeploy")


@by_hand("who may be the role", "machines/backend-role", "iam:CreateRole.AssumeRolePolicyDocument")
def _(aws: World, observed: dict[str, Observed]) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(
        RoleName=observed["machines/backend-role"].id,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@by_hand("profile without its role", "machines/backend-profile", "iam:AddRoleToInstanceProfile.RoleName")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("iam").remove_role_from_instance_profile(
        InstanceProfileName=observed["machines/backend-profile"].id, RoleName=observed["machines/backend-role"].id
    )


@by_hand("another policy attached", "machines/backend-role")
def _(aws: World, observed: dict[str, Observed]) -> None:
    iam = aws.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    arn = iam.create_policy(PolicyName="by-hand", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=observed["machines/backend-role"].id, PolicyArn=arn)


@by_hand("role with a boundary", "machines/backend-role")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("iam").put_role_permissions_boundary(
        RoleName=observed["machines/backend-role"].id, PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess"
    )


@by_hand("bucket's name changed", "machines/backend/S3_BUCKET")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ssm").put_parameter(
        Name=observed["machines/backend/S3_BUCKET"].id, Value="elsewhere", Type="String", Overwrite=True
    )


@by_hand("bootstrap script changed", "storage/artifacts/bootstrap/bootstrap.sh", "s3:PutObject.Body")
def _(aws: World, observed: dict[str, Observed]) -> None:
    raw = observed["storage/artifacts/bootstrap/bootstrap.sh"].raw
    aws.client("s3").put_object(Bucket=raw["Bucket"], Key=raw["Key"], Body=b"#!/bin/sh\n")


@by_hand("machine in another group", "machines/frontend-1", "ec2:RunInstances.SecurityGroupIds")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").modify_instance_attribute(
        InstanceId=observed["machines/frontend-1"].id, Groups=[observed["security/alb"].id]
    )


@by_hand("metadata without a token", "machines/frontend-1", "ec2:RunInstances.MetadataOptions")
def _(aws: World, observed: dict[str, Observed]) -> None:
    aws.client("ec2").modify_instance_metadata_options(
        InstanceId=observed["machines/frontend-1"].id, HttpTokens="optional"
    )


@by_hand("machine without its profile", "machines/frontend-1", "ec2:RunInstances.IamInstanceProfile")
def _(aws: World, observed: dict[str, Observed]) -> None:
    ec2 = aws.client("ec2")
    (one,) = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [observed["machines/frontend-1"].id]}]
    )["IamInstanceProfileAssociations"]
    ec2.disassociate_iam_instance_profile(AssociationId=one["AssociationId"])


@by_hand("machine stopped", "machines/frontend-1")
def _(aws: World, observed: dict[str, Observed]) -> None:
    _stop(aws, observed["machines/frontend-1"].id)


@by_hand("machine of another type", "machines/frontend-1", "ec2:RunInstances.InstanceType")
def _(aws: World, observed: dict[str, Observed]) -> None:
    id = observed["machines/frontend-1"].id
    _stop(aws, id)
    aws.client("ec2").modify_instance_attribute(InstanceId=id, InstanceType={"Value": "t3.large"})
    aws.client("ec2").start_instances(InstanceIds=[id])


@by_hand("user data", "machines/frontend-1", "ec2:RunInstances.UserData")
def _(aws: World, observed: dict[str, Observed]) -> None:
    id = observed["machines/frontend-1"].id
    _stop(aws, id)
    aws.client("ec2").modify_instance_attribute(InstanceId=id, UserData={"Value": b"#!/bin/sh\n"})
    aws.client("ec2").start_instances(InstanceIds=[id])


def _stop(aws: World, id: str) -> None:
    aws.client("ec2").stop_instances(InstanceIds=[id])
    aws.pass_time(600)


@by_hand("disk of another type", "machines/frontend-1", "ec2:RunInstances.BlockDeviceMappings")
def _(aws: World, observed: dict[str, Observed]) -> None:
    (one,) = observed["machines/frontend-1"].raw["BlockDeviceMappings"]
    aws.client("ec2").modify_volume(VolumeId=one["Ebs"]["VolumeId"], VolumeType="gp2")
    aws.pass_time(6 * 3600 + 60)  # AWS takes one change of a disk in six hours


SETTLED.update(
    {
        "ec2:RunInstances.ImageId": EDGE,
        "ec2:RunInstances.MaxCount": "not kept by AWS",
        "ec2:RunInstances.MinCount": "not kept by AWS",
        "ec2:RunInstances.SubnetId": EDGE,
        "s3:PutObject.Bucket": NAME,
        "s3:PutObject.Key": NAME,
        "iam:CreateInstanceProfile.Path": EDGE,
        "iam:CreateRole.Path": EDGE,
    }
)
