"""Permissions for the load balancer."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions


def elbv2(scope: Scope) -> Iterator[Statement]:
    """A load balancer's name is in the ARNs of its listeners and rules. AWS: no Describe has a resource level.

    ELB reads the VPC's security groups with the caller's rights. AWS: managed policy ElasticLoadBalancingFullAccess.
    """
    looks = """\
    DescribeListenerAttributes DescribeListeners DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeRules
    DescribeTags DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth
    """
    yield allow("BalancerLook", actions("elasticloadbalancing", looks), ["*"])
    yield allow("BalancerGroups", ["ec2:GetSecurityGroupsForVpc"], scope.ec2("vpc"))
    changes = """\
    AddTags CreateListener CreateRule DeleteListener DeleteLoadBalancer DeleteRule DeleteTargetGroup DeregisterTargets
    ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup
    ModifyTargetGroupAttributes RegisterTargets RemoveTags SetIpAddressType SetSecurityGroups SetSubnets
    """
    # Names are cut at 32 characters, so that the tag tells whose a load balancer is.
    name = scope.cut(32)
    kinds = ("listener-rule/app/", "listener/app/", "loadbalancer/app/", "targetgroup/")
    own = [scope.arn("elasticloadbalancing", f"{kind}{name}") for kind in kinds]
    yield allow("Balancer", actions("elasticloadbalancing", changes), own, scope.ours)
    make = "CreateLoadBalancer CreateTargetGroup"
    yield allow("BalancerMake", actions("elasticloadbalancing", make), own[2:], scope.becoming_ours)
    created = {"elasticloadbalancing:CreateAction": f"CreateListener CreateRule {make}".split()}
    tagging = {"StringEquals": {**scope.becoming_ours["StringEquals"], **created}}
    yield allow("BalancerTagNew", ["elasticloadbalancing:AddTags"], own, tagging)
