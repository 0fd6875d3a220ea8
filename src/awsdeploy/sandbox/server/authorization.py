"""Authorization of a call as IAM does it, and its refusals. Decides by the caller's permissions only, by action.

After the Service Authorization Reference and each API's own page: an operation mostly needs the action of its name;
here is what else it needs, or needs instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT

from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.keys import MACHINE
from awsdeploy.sandbox.server.refusal import AwsRefuses

PREFIXES = {
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
}
"""Services whose name in IAM is another."""

NOBODY_ASKS = {"sts:GetCallerIdentity"}

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:CopyObject": ("s3:PutObject",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:GetBucketCors": ("s3:GetBucketCORS",),
    "s3:PutBucketCors": ("s3:PutBucketCORS",),
    "s3:DeleteBucketCors": ("s3:PutBucketCORS",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:GetBucketMetricsConfiguration": ("s3:GetMetricsConfiguration",),
    "s3:PutBucketMetricsConfiguration": ("s3:PutMetricsConfiguration",),
    "s3:DeleteBucketMetricsConfiguration": ("s3:PutMetricsConfiguration",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:PutBucketReplication": ("s3:PutReplicationConfiguration", "iam:PassRole"),
    "s3:DeleteBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:DeleteBucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "s3control:GetPublicAccessBlock": ("s3:GetAccountPublicAccessBlock",),
    # AWS: seeing and changing are all there is of budgets.
    **dict.fromkeys(
        (f"budgets:Describe{what}" for what in ("Budget", "NotificationsForBudget", "SubscribersForNotification")),
        ("budgets:ViewBudget",),
    ),
    **dict.fromkeys(
        (
            f"budgets:{what}"
            for what in (
                *("CreateBudget", "UpdateBudget", "DeleteBudget", "CreateNotification", "DeleteNotification"),
                *("CreateSubscriber", "DeleteSubscriber"),
            )
        ),
        ("budgets:ModifyBudget",),
    ),
}
# AWS, Elastic Load Balancing API permissions; GetSecurityGroupsForVpc is in its managed policy and in reports only.
_GROUPS = ("ec2:DescribeSecurityGroups", "ec2:GetSecurityGroupsForVpc")
_TARGETS = ("ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs")
_BALANCER = (
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAddresses",
    "ec2:DescribeInternetGateways",
    *_GROUPS,
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
_LINKED = "iam:CreateServiceLinkedRole"
# AWS: whoever makes a group from a template must be allowed what the template does.
_LAUNCH = ("ec2:RunInstances", "ec2:CreateTags", "iam:PassRole")
_VIEW = ("billing:GetBillingViewData",)
AS_WELL: Mapping[str, tuple[str, ...]] = {
    "elbv2:CreateLoadBalancer": (*_BALANCER, _LINKED),
    "elbv2:CreateTargetGroup": ("ec2:DescribeInternetGateways", "ec2:DescribeVpcs"),
    "elbv2:RegisterTargets": _TARGETS,
    "elbv2:SetIpAddressType": ("ec2:DescribeSubnets",),
    "elbv2:SetSecurityGroups": _GROUPS,
    "elbv2:SetSubnets": ("ec2:DescribeSubnets",),
    "autoscaling:CreateAutoScalingGroup": (*_LAUNCH, _LINKED),
    "rds:CreateDBInstance": (_LINKED,),
    "rds:RestoreDBInstanceFromDBSnapshot": (_LINKED,),
    "rds:RestoreDBInstanceToPointInTime": (_LINKED,),
    "dlm:CreateLifecyclePolicy": ("iam:PassRole",),
    "ec2:AssociateIamInstanceProfile": ("iam:PassRole",),
    "iam:AddRoleToInstanceProfile": ("iam:PassRole",),
    "budgets:DescribeBudget": _VIEW,
    "budgets:DescribeNotificationsForBudget": _VIEW,
    "budgets:DescribeSubscribersForNotification": _VIEW,
}
"""After the column "dependent actions", without those of features that a call may use and ours does not: keys and
secrets of one's own, tenant databases, delivery logs."""
TAGGING = {
    "acm": "acm:AddTagsToCertificate",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "ec2": "ec2:CreateTags",
    "elbv2": "elasticloadbalancing:AddTags",
    "rds": "rds:AddTagsToResource",
    "ssm": "ssm:AddTagsToResource",
    "cloudwatch": "cloudwatch:TagResource",
    "dlm": "dlm:TagResource",
    "logs": "logs:TagResource",
    "sns": "sns:TagResource",
    "budgets": "budgets:TagResource",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreateInstanceProfile": "iam:TagInstanceProfile",
    "iam:CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
}
"""Action needed to tag a resource in the call that creates it, by service or operation."""
TAG_FIELDS = ("TagSpecifications", "Tags", "tags", "ResourceTags")


def asked(call: ApiCall) -> tuple[str, ...]:
    """Return the IAM actions that this call needs, its own first; none for a machine, which uses its role."""
    return () if call.key.startswith(MACHINE) or call.name in NOBODY_ASKS else tuple(dict.fromkeys(_asked(call)))


def _asked(call: ApiCall) -> Iterator[str]:
    parameters, prefix = call.parameters, PREFIXES.get(call.service, call.service)
    yield from OTHER_NAMES.get(call.name, (f"{prefix}:{call.operation}",))
    yield from AS_WELL.get(call.name, ())
    if any(parameters.get(field) for field in TAG_FIELDS):
        tagging = TAGGING.get(call.name, TAGGING.get(call.service, ""))
        if tagging:
            yield tagging
    match call.name:
        case "s3:CreateBucket":
            if parameters.get("ObjectOwnership"):
                yield "s3:PutBucketOwnershipControls"
            if (parameters.get("CreateBucketConfiguration") or {}).get("Tags"):
                yield "s3:TagResource"
        case "s3:PutObject" if parameters.get("Tagging"):
            yield "s3:PutObjectTagging"
        case "s3:CopyObject":
            yield "s3:GetObjectVersion" if "versionId=" in str(parameters["CopySource"]) else "s3:GetObject"
        case "s3:DeleteObject" if parameters.get("VersionId"):
            yield "s3:DeleteObjectVersion"
        case "s3:DeleteObjects":
            if any(one.get("VersionId") for one in parameters["Delete"]["Objects"]):
                yield "s3:DeleteObjectVersion"
        case "ec2:RunInstances":
            if parameters.get("IamInstanceProfile") or parameters.get("LaunchTemplate"):
                yield "iam:PassRole"
        case "ec2:DeregisterImage" if parameters.get("DeleteAssociatedSnapshots"):
            yield "ec2:DeleteSnapshot"
        case "autoscaling:UpdateAutoScalingGroup" if parameters.get("LaunchTemplate"):
            yield from _LAUNCH
        case "rds:DeleteDBInstance" if parameters.get("FinalDBSnapshotIdentifier"):
            yield from ("rds:AddTagsToResource", "rds:CreateDBSnapshot")
        case "dlm:UpdateLifecyclePolicy" if parameters.get("ExecutionRoleArn"):
            yield "iam:PassRole"


def denied(call: ApiCall, actions: frozenset[str]) -> str:
    """The first of the denied actions that this call needs, or nothing."""
    if call.name == "s3:HeadBucket":
        return ""  # AWS: a bucket that is not there is 404 to everybody
    return next((action for action in asked(call) if action in actions), "")


NOT_ALLOWED = "because no identity-based policy allows the {action} action"
BY_ORGANISATION = "with an explicit deny in a service control policy"


def refuse(call: ApiCall, action: str, why: str = NOT_ALLOWED) -> AwsRefuses:
    """AWS's answer to who may not do `action`, in the words of the call's service."""
    said = (
        f"User: arn:aws:sts::{ACCOUNT}:user/moto is not authorized to perform: {action} on resource: "
        f"{_resource(call, action)} {why.format(action=action)}"
    )
    if call.service == "ec2":
        said = f"You are not authorized to perform this operation. {said}. Encoded authorization failure message: x"
        return AwsRefuses("UnauthorizedOperation", said, 403)
    if call.service == "sns":
        return AwsRefuses("AuthorizationError", said, 403)
    json = call.protocol in ("json", "rest-json")
    return AwsRefuses("AccessDeniedException" if json else "AccessDenied", said, 400 if json else 403)


def _resource(call: ApiCall, action: str) -> str:
    """Resource of the call, as far as its parameters name it."""
    prefix = action.partition(":")[0]
    named = next((arn for arn in _arns(call.parameters) if arn.split(":")[2] == prefix), "")
    if named:
        return named
    if prefix == "s3":
        bucket, key = call.parameters.get("Bucket", "*"), call.parameters.get("Key", "")
        return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if not call.write or prefix in ("route53", "cloudfront"):
        return "*"
    region = "" if prefix == "iam" else call.region
    return f"arn:aws:{prefix}:{region}:{ACCOUNT}:*"


def _arns(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("arn:aws:") and value.count(":") >= 5:
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _arns(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _arns(inner)
