"""Role of GitHub Actions: what `deploy`, `rollback`, `restart` and `releases` call, on what is this stack's. A test
compares the list with their calls, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.config import CiSettings, Settings
from awsdeploy.config.github import spelled
from awsdeploy.engine.resource import TAG_STACK, Resource
from awsdeploy.resources.compute.bootstrap import RELEASE_SCRIPT
from awsdeploy.resources.identity.federation import Federation, IdentityProvider
from awsdeploy.resources.identity.role import Role

# AWS, Service Authorization Reference: none of these knows a resource.
_NO_LEVEL = "AWS has no resource level for it"
WILDCARDS: Mapping[str, str] = {
    "ec2:DescribeInstances": f"{_NO_LEVEL}; to list the machines",
    **dict.fromkeys(
        ("ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        f"{_NO_LEVEL}; AWS requires it for registering targets",
    ),
    "elasticloadbalancing:DescribeListeners": f"{_NO_LEVEL}; to see whether the application uses HTTPS",
    "elasticloadbalancing:DescribeLoadBalancers": f"{_NO_LEVEL}; to find the application's address",
    "elasticloadbalancing:DescribeTags": f"{_NO_LEVEL}; which of them are the stack's",
    "elasticloadbalancing:DescribeTargetGroups": f"{_NO_LEVEL}; where a machine leaves and comes back",
    "elasticloadbalancing:DescribeTargetHealth": f"{_NO_LEVEL}; whether a machine is well again",
    "s3:ListAllMyBuckets": f"{_NO_LEVEL}; which buckets there are",
    "ssm:DescribeInstanceInformation": f"{_NO_LEVEL}; whether the machines' agents answer",
    "ssm:GetCommandInvocation": f"{_NO_LEVEL}; how a command on a machine went",
}
"""The actions that are allowed on `*`, and why nothing narrower can be said. All of them only read."""
FROM_GIT: Mapping[str, str] = {
    "ssm:DescribeParameters": f"{_NO_LEVEL}; which repository the services are connected to, not what opens it",
}
"""The same, where the machines fetch the code themselves."""

SCALED: Mapping[str, str] = {
    "autoscaling:DescribeAutoScalingGroups": f"{_NO_LEVEL}; which groups replace what the load balancer finds unwell",
}
"""The same, where a service has scaling.health = "elb"."""


def releases(settings: Settings) -> tuple[Resource, ...]:
    """The account's identity provider and a role of this stack's; nothing where no repository is named."""
    if not settings.ci.github:
        return ()
    provider = IdentityProvider(key="ci/provider")
    role = Role(
        key="ci/github",
        federation=Federation(provider, settings.ci.subject),
        statements=tuple(_statements(settings)),
        boundary=settings.iam.permissions_boundary,
    )
    return provider, role


def by_name(ci: CiSettings) -> list[str]:
    """Risk of a trust by names only, and the command that prints the ids; nothing where the ids are written."""
    if not ci.github or "@" in ci.github:
        return []
    return [
        f"The role trusts GitHub Actions by the name {ci.github} only. If the repository or its owner is renamed or "
        "deleted, someone else can register the name and deploy.",
        f"To trust the IDs as well, set ci.github to the output of: {spelled(ci.github)}. A repository made or "
        "renamed since 15 July 2026 needs them; an older one has to turn them on first (docs/ci.md).",
    ]


def _statements(settings: Settings) -> Iterator[Statement]:
    stack = settings.stack.tag
    ours = {"StringEquals": {f"aws:ResourceTag/{TAG_STACK}": stack}}
    from_git = FROM_GIT if settings.release.source == "git" else {}
    judged = [one.name for one in settings.services.values() if one.scaling and one.scaling.health == "elb"]
    yield allow("Look", sorted({*WILDCARDS, *from_git, *(SCALED if judged else ())}), ["*"])
    if judged:
        yield allow(
            "HealthChecks",
            ["autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses"],
            ["arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*"],
            ours,
        )
    yield from _parameters()
    yield from _artifacts()
    # AWS: the document and the machine are judged apart, and the document has no tags of ours.
    yield allow("Command", ["ssm:SendCommand"], ["arn:aws:ssm:{region}::document/AWS-RunShellScript"])
    yield allow(
        "Machines",
        ["ssm:SendCommand"],
        ["arn:aws:ec2:{region}:{account}:instance/*"],
        {"StringEquals": {f"ssm:resourceTag/{TAG_STACK}": stack}},
    )
    groups = [f"arn:aws:logs:{{region}}:{{account}}:log-group:/deploy/{stack}/{name}" for name in settings.services]
    yield allow("Output", ["logs:GetLogEvents"], [f"{group}:*" for group in groups])
    yield allow(
        "Targets",
        ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
        ["arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/*"],
        ours,
    )
    # The first release arms the alarms, also those of another region.
    yield allow("Alarms", ["cloudwatch:DescribeAlarms"], ["arn:aws:cloudwatch:*:{account}:alarm:*"])
    yield allow("Arm", ["cloudwatch:EnableAlarmActions"], ["arn:aws:cloudwatch:*:{account}:alarm:{stack}--*"], ours)


def _parameters() -> Iterator[Statement]:
    """The stack's record and its lock, and no other parameter. AddTagsToResource: what is new is tagged at once."""
    both = ["{parameters}/lock", "{parameters}/stack"]
    yield allow("Record", ["ssm:AddTagsToResource", "ssm:GetParameter", "ssm:PutParameter"], both)
    yield allow("Lock", ["ssm:DeleteParameter"], both[:1])


def _artifacts() -> Iterator[Statement]:
    """Permissions for releases. AWS reports a missing object as "access denied" without ListBucket."""
    bucket = "arn:aws:s3:::{bucket:storage/artifacts}"
    yield allow("ListReleases", ["s3:ListBucket"], [bucket])
    yield allow("Releases", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], [f"{bucket}/releases/*"])
    yield allow("Program", ["s3:PutObject"], [f"{bucket}/{RELEASE_SCRIPT}"])
