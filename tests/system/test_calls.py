"""Calls of a first `up` and a `destroy`: what AWS has answered is not asked for again, what fits goes into one call."""

from __future__ import annotations

from collections import Counter

from tests.simulated import World, writes

MADE_AT_ONCE = (
    *("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInternetGateways", "ec2:DescribeRouteTables"),
    *("ec2:DescribeSecurityGroups", "rds:DescribeDBParameterGroups", "rds:DescribeDBSubnetGroups"),
    *("iam:ListRoles", "iam:ListInstanceProfiles", "s3:ListBuckets"),
)
"""Lists of kinds that are there, or gone, when AWS answers: one before and one after, and some are of two kinds."""
ALONE = (
    *("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "ec2:DescribeVpcAttribute"),
    *("s3:GetBucketEncryption", "s3:GetPublicAccessBlock", "s3:GetBucketPolicy", "s3:GetBucketLifecycleConfiguration"),
    *("elbv2:DescribeLoadBalancerAttributes", "elbv2:DescribeTargetGroupAttributes", "dlm:GetLifecyclePolicy"),
)
"""Reads of one object, which only plans of an existing stack need."""

LISTED_ONCE = (
    "route53:ListResourceRecordSets",
    "acm:ListCertificates",
    "elbv2:DescribeTags",
    "elbv2:DescribeTargetGroups",
)
"""Lists of what is waited for: a known object is read by itself."""


def calls(world: World) -> Counter[str]:
    """Numbers of calls since the last time, by operation."""
    counts: Counter[str] = Counter(world.control("GET", "calls")["counts"])
    world.control("DELETE", "calls")
    return counts


def test_a_first_up_and_a_destroy_ask_little(world: World) -> None:
    settings = world.settings()
    calls(world)
    world.up(settings)
    made = calls(world)
    assert {name: made[name] for name in ALONE if made[name]} == {}
    assert {name: made[name] for name in MADE_AT_ONCE if made[name] > 4} == {}
    assert made["cloudwatch:DescribeAlarms"] <= 4  # two regions, for the plan and once more for the gates
    assert made["route53:ChangeResourceRecordSets"] <= 3
    assert {name: made[name] for name in LISTED_ONCE if made[name] > 4} == {}
    assert writes(world.up(settings)) == {}

    calls(world)
    world.destroy(settings)
    gone = calls(world)
    assert {name: gone[name] for name in MADE_AT_ONCE if gone[name] > 4} == {}
    assert gone["cloudwatch:DeleteAlarms"] <= 4 < made["cloudwatch:PutMetricAlarm"]
    assert gone["ssm:DeleteParameters"] + gone["ssm:DeleteParameter"] <= 4 < made["ssm:PutParameter"]
