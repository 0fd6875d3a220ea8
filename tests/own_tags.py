"""Tags put on a resource by hand, by kind, and the owner's tags of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World

OWN = {"CostCenter": "42", "team:owner": "platform / 한글"}
TABLE = '\n[tags]\nCostCenter = "42"\n"team:owner" = "platform / 한글"\n'
ACCOUNT = "123456789012"

Put = Callable[[World, Observed, dict[str, str]], Any]


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _rds(kind: str) -> Put:
    def put(world: World, observed: Observed, tags: dict[str, str]) -> None:
        arn = f"arn:aws:rds:{observed.region}:{ACCOUNT}:{kind}:{observed.id}"
        world.client("rds").add_tags_to_resource(ResourceName=arn, Tags=pairs(tags))

    return put


def _route53(kind: str) -> Put:
    return lambda world, observed, tags: world.client("route53").change_tags_for_resource(
        ResourceType=kind, ResourceId=observed.id, AddTags=pairs(tags)
    )


def _ec2(world: World, observed: Observed, tags: dict[str, str]) -> None:
    world.client("ec2").create_tags(Resources=[observed.id], Tags=pairs(tags))


def _elbv2(world: World, observed: Observed, tags: dict[str, str]) -> None:
    world.client("elbv2").add_tags(ResourceArns=[observed.id], Tags=pairs(tags))


def _bucket(world: World, observed: Observed, tags: dict[str, str]) -> None:
    s3 = world.client("s3", observed.region)
    present = {one["Key"]: one["Value"] for one in s3.get_bucket_tagging(Bucket=observed.id)["TagSet"]}
    s3.put_bucket_tagging(Bucket=observed.id, Tagging={"TagSet": pairs({**present, **tags})})


def _parameter(world: World, observed: Observed, tags: dict[str, str]) -> None:
    world.client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId=observed.id, Tags=pairs(tags))


def _log_group(world: World, observed: Observed, tags: dict[str, str]) -> None:
    arn = f"arn:aws:logs:{observed.region}:{ACCOUNT}:log-group:{observed.id}"
    world.client("logs").tag_resource(resourceArn=arn, tags=tags)


def _group(world: World, observed: Observed, tags: dict[str, str]) -> None:
    about = {"ResourceId": observed.id, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    world.client("autoscaling").create_or_update_tags(Tags=[{**about, **pair} for pair in pairs(tags)])


PUT: dict[str, Put] = {
    **dict.fromkeys(
        ["Vpc", "Subnet", "InternetGateway", "ElasticIp", "RouteTable", "NatGateway", "SecurityGroup"], _ec2
    ),
    **dict.fromkeys(["Instance", "Volume", "LaunchTemplate", "Member"], _ec2),
    **dict.fromkeys(["LoadBalancer", "TargetGroup", "Listener"], _elbv2),
    "AutoScalingGroup": _group,
    "Database": _rds("db"),
    "SubnetGroup": _rds("subgrp"),
    "ParameterGroup": _rds("pg"),
    "Role": lambda world, observed, tags: world.client("iam").tag_role(RoleName=observed.id, Tags=pairs(tags)),
    "InstanceProfile": lambda world, observed, tags: world.client("iam").tag_instance_profile(
        InstanceProfileName=observed.id, Tags=pairs(tags)
    ),
    **dict.fromkeys(["Parameter", "Password"], _parameter),
    **dict.fromkeys(["Bucket", "DataBucket"], _bucket),
    "LifecyclePolicy": lambda world, observed, tags: world.client("dlm").tag_resource(
        ResourceArn=f"arn:aws:dlm:{observed.region}:{ACCOUNT}:policy/{observed.id}", Tags=tags
    ),
    "Certificate": lambda world, observed, tags: world.client("acm").add_tags_to_certificate(
        CertificateArn=observed.id, Tags=pairs(tags)
    ),
    "HostedZone": _route53("hostedzone"),
    "HealthCheck": _route53("healthcheck"),
    **dict.fromkeys(["LogGroup", "DatabaseLog"], _log_group),
    "Topic": lambda world, observed, tags: world.client("sns", observed.region).tag_resource(
        ResourceArn=observed.id, Tags=pairs(tags)
    ),
    "Alarm": lambda world, observed, tags: world.client("cloudwatch", observed.region).tag_resource(
        ResourceARN=observed.raw["AlarmArn"], Tags=pairs(tags)
    ),
    "Budget": lambda world, observed, tags: world.client("budgets").tag_resource(
        ResourceARN=f"arn:aws:budgets::{ACCOUNT}:budget/{observed.id}", ResourceTags=pairs(tags)
    ),
}
"""Every kind whose tags `up` mends. Copies keep those of the moment they were made, what `env set` stores its own."""
