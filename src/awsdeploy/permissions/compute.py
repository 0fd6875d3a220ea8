"""Permissions for EC2 with its network, Auto Scaling, Parameter Store, and commands and sessions on machines."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.engine.resource import TAG_RESOURCE, TAG_STACK
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.state.stack_lock import RECORD

# AWS has no resource level for any of EC2's that describe.
LOOKS = """\
DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeIamInstanceProfileAssociations
DescribeImages DescribeInstanceAttribute DescribeInstanceTypeOfferings DescribeInstanceTypes DescribeInstances
DescribeInternetGateways DescribeKeyPairs DescribeLaunchTemplateVersions DescribeLaunchTemplates DescribeNatGateways
DescribeNetworkInterfaces DescribeRegions DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups
DescribeSnapshots DescribeSubnets DescribeVolumes DescribeVolumesModifications DescribeVpcAttribute DescribeVpcEndpoints
DescribeVpcs
"""
ROOTS = "elastic-ip internet-gateway launch-template vpc"
NEW = """\
elastic-ip instance internet-gateway launch-template natgateway network-interface route-table security-group
security-group-rule subnet volume vpc
"""
CHANGES = """\
AssociateIamInstanceProfile AssociateRouteTable AttachInternetGateway AuthorizeSecurityGroupEgress
AuthorizeSecurityGroupIngress CreateLaunchTemplateVersion CreateRoute DeleteInternetGateway DeleteLaunchTemplate
DeleteLaunchTemplateVersions DeleteNatGateway DeleteRoute DeleteRouteTable DeleteSecurityGroup DeleteSubnet DeleteVolume
DeleteVpc DetachInternetGateway DisassociateIamInstanceProfile DisassociateRouteTable ModifyInstanceAttribute
ModifyInstanceMetadataOptions ModifyLaunchTemplate ModifySubnetAttribute ModifyVolume ModifyVpcAttribute
ReleaseAddress ReplaceRoute RevokeSecurityGroupEgress RevokeSecurityGroupIngress StartInstances StopInstances
TerminateInstances
"""
# Which makes its tags itself, and what a rule or a template of a group is made with.
TAGGING = """\
AllocateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateImage CreateInternetGateway
CreateLaunchTemplate CreateNatGateway CreateRouteTable CreateSecurityGroup CreateSubnet CreateVpc RunInstances
"""


def ec2(scope: Scope) -> Iterator[Statement]:
    """Network, machines, disks, images. AWS checks a created resource and what contains it separately."""
    settings = scope.settings
    nat = ["CreateNatGateway"] if settings.network.nat else []
    images = scope.public("ec2", "image/*", "snapshot/*")
    new = [*scope.ec2(*NEW.split()), *images]
    yield allow("Ec2Look", actions("ec2", LOOKS), ["*"])
    rules = ["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"]
    # Each with what it makes and nothing that it is made in: a request's tags would open that of any stack.
    for sid, makes, made in (
        ("Ec2Make", "AllocateAddress CreateInternetGateway CreateLaunchTemplate CreateVpc", ROOTS),
        ("Ec2MakeInVpc", "CreateRouteTable CreateSecurityGroup CreateSubnet", "route-table security-group subnet"),
        ("Ec2Run", "RunInstances", "instance network-interface volume"),
    ):
        yield allow(sid, actions("ec2", makes), scope.ec2(*made.split()), scope.becoming_ours)
    parts = [*scope.ec2("natgateway", "security-group-rule"), *images]
    yield allow("Ec2MakeParts", actions("ec2", ["CreateImage", *rules, *nat]), parts, scope.becoming_ours)
    within = "CreateImage CreateRouteTable CreateSecurityGroup CreateSubnet RunInstances".split()
    there = scope.ec2("elastic-ip", "instance", "launch-template", "security-group", "subnet", "vpc")
    yield allow("Ec2MakeIn", actions("ec2", [*within, *nat]), there, scope.ours)
    if network := _existing(scope):
        yield allow("Ec2MakeInExisting", actions("ec2", "CreateSecurityGroup RunInstances"), network)
    # Amazon's image, an interface that a group's template leaves without tags, the account's key pair.
    from_others = [*images, *scope.ec2("key-pair", "network-interface")]
    yield allow("Ec2RunFrom", ["ec2:RunInstances"], from_others, scope.not_others)
    yield allow("Ec2Change", actions("ec2", CHANGES), [scope.arn("ec2", "*")], scope.ours)
    yield allow("Ec2Images", ["ec2:DeleteSnapshot", "ec2:DeregisterImage"], images, scope.ours)
    tagging = {
        "StringEquals": {
            f"aws:RequestTag/{TAG_STACK}": scope.stack.tag,
            "ec2:CreateAction": sorted({*TAGGING.split()} - ({"CreateNatGateway"} - {*nat})),
        }
    }
    yield allow("Ec2TagNew", ["ec2:CreateTags"], new, tagging)
    # What is the stack's gets other tags, and never another stack's.
    retag = {**scope.ours, "StringEqualsIfExists": {f"aws:RequestTag/{TAG_STACK}": scope.stack.tag}}
    yield allow("Ec2TagOurs", ["ec2:CreateTags"], scope.ec2(*NEW.split()), retag)
    untag = {**scope.ours, "ForAllValues:StringNotLike": {"aws:TagKeys": ["awsdeploy:*"]}}
    yield allow("Ec2UntagOurs", ["ec2:DeleteTags"], scope.ec2(*NEW.split()), untag)


def autoscaling(scope: Scope) -> Iterator[Statement]:
    """Auto Scaling groups, by their names. Creating one also needs RunInstances and PassRole."""
    looks = "DescribeAutoScalingGroups DescribePolicies DescribeScalingActivities"
    yield allow("ScalingLook", actions("autoscaling", looks), ["*"])
    group = scope.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{scope.apart}")
    changes = "AttachLoadBalancerTargetGroups DeleteAutoScalingGroup DetachLoadBalancerTargetGroups"
    policy = "DeletePolicy DeleteTags PutScalingPolicy ResumeProcesses SuspendProcesses UpdateAutoScalingGroup"
    makes = "CreateAutoScalingGroup CreateOrUpdateTags" if _scales(scope) else ""
    yield allow("Scaling", actions("autoscaling", f"{changes} {policy} {makes}"), [group])


def ssm(scope: Scope) -> Iterator[Statement]:
    """The stack's parameters, and its machines: commands and sessions."""
    looks = "DescribeInstanceInformation DescribeParameters GetCommandInvocation"
    yield allow("MachinesLook", actions("ssm", looks), ["*"])
    images = scope.public("ssm", "parameter/aws/service/ami-amazon-linux-latest/*")
    yield allow("NewestImage", ["ssm:GetParameter"], images)
    changes = "AddTagsToResource DeleteParameter DeleteParameters GetParameter GetParameterHistory GetParameters"
    parameters = scope.arn("ssm", f"parameter{scope.stack.parameter('*')}")
    yield allow(
        "Parameters", actions("ssm", f"{changes} ListTagsForResource PutParameter RemoveTagsFromResource"), [parameters]
    )
    # `list` shows every stack of the account: their records hold no secret.
    records = {"StringEquals": {f"ssm:resourceTag/{TAG_RESOURCE}": RECORD}}
    yield allow("StackRecords", ["ssm:GetParameters"], [scope.arn("ssm", "parameter/deploy/*/stack")], records)
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


def _existing(scope: Scope) -> list[str]:
    """An existing VPC and its subnets, which have no tag of ours. They may be shared by another account."""
    network, region = scope.settings.network, scope.settings.region
    ids = [network.vpc, *network.public_subnets, *network.private_subnets] if network.vpc else []
    return [f"arn:aws:ec2:{region}:*:{id.partition('-')[0]}/{id}" for id in ids]


def _scales(scope: Scope) -> bool:
    return any(one.scaling for one in scope.settings.services.values())
