"""Permissions for roles, instance profiles and the provider of GitHub's tokens."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.identity.federation import ISSUER


def iam(scope: Scope) -> Iterator[Statement]:
    """Roles and instance profiles, by their path. PassRole is limited to the services that use the role."""
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
