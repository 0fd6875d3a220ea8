"""The rows of what keeps things: the database, the buckets, Parameter Store, and who may read them."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.architecture.storage import Storage
from awsdeploy.engine.resource import TAG_STACK
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.identity.federation import ISSUER
from awsdeploy.resources.storage.bucket import S3Bucket
from awsdeploy.resources.storage.bucket_name import spelled


def rds(scope: Scope) -> Iterator[Statement]:
    """All of RDS's own are told by their names; a stack may begin with a snapshot of any name."""
    looks = """\
    DescribeDBInstanceAutomatedBackups DescribeDBInstances DescribeDBParameterGroups DescribeDBParameters
    DescribeDBSnapshots DescribeDBSubnetGroups ListTagsForResource
    """
    yield allow("DatabaseOffers", ["rds:DescribeOrderableDBInstanceOptions"], ["*"])
    yield allow("DatabaseLook", actions("rds", looks), [scope.arn("rds", "*")])
    changes = """\
    AddTagsToResource CreateDBInstance CreateDBParameterGroup CreateDBSnapshot CreateDBSubnetGroup DeleteDBInstance
    DeleteDBParameterGroup DeleteDBSnapshot DeleteDBSubnetGroup ModifyDBInstance ModifyDBParameterGroup
    ModifyDBSubnetGroup RemoveTagsFromResource RestoreDBInstanceFromDBSnapshot StartDBInstance
    """
    database = scope.named("mysql")
    names = {"pg": [scope.named("parameters")], "subgrp": [scope.named("subnets")], "db": [database]}
    # Behind the word stands a time of 14 digits.
    names["snapshot"] = [f"{database}-{word}-{'?' * 14}" for word in ("final", "manual")]
    own = [scope.arn("rds", f"{kind}:{name}") for kind, found in names.items() for name in found]
    yield allow("Database", actions("rds", changes), [*own, scope.arn("rds", "og:default:*")])
    yield allow(
        "DatabaseRestore", ["rds:RestoreDBInstanceFromDBSnapshot"], [scope.arn("rds", "snapshot:*")], scope.not_others
    )


def s3(scope: Scope) -> Iterator[Statement]:
    """Buckets are told by their names, in every region: their ARNs have no other place for the account."""
    yield allow("BucketsLook", ["s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"], ["*"])
    settings = """\
    BucketCORS BucketOwnershipControls BucketPolicy BucketPublicAccessBlock BucketVersioning EncryptionConfiguration
    LifecycleConfiguration MetricsConfiguration ReplicationConfiguration
    """
    both = [f"{way}{setting}" for setting in settings.split() for way in ("Get", "Put")]
    rest = """\
    CreateBucket DeleteBucket DeleteBucketPolicy GetBucketLocation ListBucket ListBucketMultipartUploads
    GetBucketTagging ListBucketVersions PutBucketTagging TagResource
    """
    buckets = [f"arn:aws:s3:::{name}" for name in _buckets(scope)]
    yield allow("Buckets", actions("s3", [*both, *rest.split()]), buckets)
    objects = "AbortMultipartUpload DeleteObject DeleteObjectVersion GetObject PutObject"
    yield allow("Objects", actions("s3", objects), [f"{bucket}/*" for bucket in buckets])


def _buckets(scope: Scope) -> Iterator[str]:
    """The names of the stack's buckets, the replica's too: it may have been there before.

    A counter follows the name of a bucket that was made anew.
    """
    settings = scope.settings
    replicated = settings.uploads.model_copy(update={"replicate": True})
    for one in Storage(settings.model_copy(update={"uploads": replicated})).resources:
        if isinstance(one, S3Bucket):
            name = spelled(scope.stack, scope.account, one.key, one.region or settings.region, one.data)
            yield from (name, f"{name}-?")


def ssm(scope: Scope) -> Iterator[Statement]:
    """The stack's parameters, and its machines: commands and sessions."""
    looks = "DescribeInstanceInformation DescribeParameters GetCommandInvocation"
    yield allow("MachinesLook", actions("ssm", looks), ["*"])
    images = scope.public("ssm", "parameter/aws/service/ami-amazon-linux-latest/*")
    yield allow("NewestImage", ["ssm:GetParameter"], images)
    changes = "AddTagsToResource DeleteParameter DeleteParameters GetParameter GetParameters"
    parameters = scope.arn("ssm", f"parameter{scope.stack.parameter('*')}")
    yield allow(
        "Parameters", actions("ssm", f"{changes} ListTagsForResource PutParameter RemoveTagsFromResource"), [parameters]
    )
    # AWS: the document and the machine are judged apart, and the document has no tags of ours.
    yield allow("Command", ["ssm:SendCommand"], scope.public("ssm", "document/AWS-RunShellScript"))
    documents = "document/AWS-StartInteractiveCommand", "document/AWS-StartPortForwardingSessionToRemoteHost"
    shell = scope.arn("ssm", "document/SSM-SessionManagerRunShell")
    yield allow("Session", ["ssm:StartSession"], [*scope.public("ssm", *documents), shell])
    machines = {"StringEquals": {f"ssm:resourceTag/{TAG_STACK}": scope.stack.tag}}
    yield allow("Machines", ["ssm:SendCommand", "ssm:StartSession"], scope.ec2("instance"), machines)
    sessions = [scope.arn("ssm", "session/*")]
    yield allow("SessionEnd", ["ssm:TerminateSession"], sessions)
    # AWS, Quickstart end user policies for Session Manager: the data channel is opened with the caller's own rights.
    yield allow("SessionData", ["ssmmessages:OpenDataChannel"], sessions)


def iam(scope: Scope) -> Iterator[Statement]:
    """Roles and profiles are told by their path; a role is handed to the services that act as it, and to no others."""
    settings = scope.settings
    path = scope.stack.path
    roles = scope.arn("iam", f"role{path}*", "")
    profiles = scope.arn("iam", f"instance-profile{path}*", "")
    yield allow("RolesLook", ["iam:ListInstanceProfiles", "iam:ListRoles"], ["*"])
    # AWS, Service Authorization Reference: which of IAM's actions know the condition key iam:PermissionsBoundary.
    limit = settings.iam.permissions_boundary
    widens = "CreateRole PutRolePolicy"
    role = """\
    DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies TagRole
    UntagRole UpdateAssumeRolePolicy
    """
    profile = """\
    AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile
    RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile
    """
    yield allow("Roles", actions("iam", role), [roles])
    bounded = {"StringEquals": {"iam:PermissionsBoundary": limit}} if limit else {}
    setting = "PutRolePermissionsBoundary" if limit else "DeleteRolePermissionsBoundary"
    yield allow("RolesMake", actions("iam", f"{widens} {setting}"), [roles], bounded)
    yield allow("Profiles", actions("iam", profile), [profiles])
    services = ["ec2.amazonaws.com"]
    services += ["dlm.amazonaws.com"] if settings.backup.images else []
    services += ["s3.amazonaws.com"] if settings.uploads.replicate else []
    yield allow("PassRole", ["iam:PassRole"], [roles], {"StringEquals": {"iam:PassedToService": sorted(services)}})
    managed = sorted({arn for one in settings.services.values() for arn in one.policies})
    if managed or limit:
        yield allow("ManagedPolicies", ["iam:GetPolicy"], sorted({*managed, *([limit] if limit else [])}))
    if managed:
        attached = {"ArnEquals": {"iam:PolicyARN": managed}, **bounded}
        yield allow("Attach", ["iam:AttachRolePolicy"], [roles], attached)
    if settings.ci.github:
        provider = scope.arn("iam", f"oidc-provider/{ISSUER}", "")
        yield allow("GitHub", ["iam:CreateOpenIDConnectProvider", "iam:GetOpenIDConnectProvider"], [provider])
    linked = [f"{name}.amazonaws.com" for name in ("autoscaling", "elasticloadbalancing", "rds")]
    yield allow(
        "ServiceRoles",
        ["iam:CreateServiceLinkedRole"],
        [scope.arn("iam", "role/aws-service-role/*", "")],
        {"StringEquals": {"iam:AWSServiceName": linked}},
    )
