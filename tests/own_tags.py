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
    def put(world: World, live: Observed, tags: dict[str, str]) -> None:
        arn = f"arn:aws:rds:{live.region}:{ACCOUNT}:{kind}:{live.id}"
        world.client("rds").add_tags_to_resource(ResourceName=arn, Tags=pairs(tags))

    return put


def _route53(kind: str) -> Put:
    return lambda world, live, tags: world.client("route53").change_tags_for_resource(
        ResourceType=kind, ResourceId=live.id, AddTags=pairs(tags)
    )


def _ec2(world: World, live: Observed, tags: dict[str, str]) -> None:
    world.client("ec2").create_tags(Resources=[live.id], Tags=pairs(tags))


def _elbv2(world: World, live: Observed, tags: dict[str, str]) -> None:
    world.client("elbv2").add_tags(ResourceArns=[live.id], Tags=pairs(tags))


def _bucket(world: World, live: Observed, tags: dict[str, str]) -> None:
    s3 = world.client("s3", live.region)
    present = {one["Key"]: one["Value"] for one in s3.get_bucket_tagging(Bucket=live.id)["TagSet"]}
    s3.put_bucket_tagging(Bucket=live.id, Tagging={"TagSet": pairs({**present, **tags})})


def _parameter(world: World, live: Observed, tags: dict[str, str]) -> None:
    world.client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId=live.id, Tags=pairs(tags))


def _log_group(world: World, live: Observed, tags: dict[str, str]) -> None:
    arn = f"arn:aws:logs:{live.region}:{ACCOUNT}:log-group:{live.id}"
    world.client("logs").tag_resource(resourceArn=arn, tags=tags)


def _group(world: World, live: Observed, tags: dict[str, str]) -> None:
    about = {"ResourceId": live.id, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
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
    "Role": lambda world, live, tags: world.client("iam").tag_role(RoleName=live.id, Tags=pairs(tags)),
    "InstanceProfile": lambda world, live, tags: world.client("iam").tag_instance_profile(
        InstanceProfileName=live.id, Tags=pairs(tags)
    ),
    **dict.fromkeys(["Parameter", "Password"], _parameter),
    **dict.fromkeys(["Bucket", "DataBucket"], _bucket),
    "LifecyclePolicy": lambda world, live, tags: world.client("dlm").tag_resource(
        ResourceArn=f"arn:aws:dlm:{live.region}:{ACCOUNT}:policy/{live.id}", Tags=tags
    ),
    "Certificate": lambda world, live, tags: world.client("acm").add_tags_to_certificate(
        CertificateArn=live.id, Tags=pairs(tags)
    ),
    "HostedZone": _route53("hostedzone"),
    "HealthCheck": _route53("healthcheck"),
    **dict.fromkeys(["LogGroup", "DatabaseLog"], _log_group),
    "Topic": lambda world, live, tags: world.client("sns", live.region).tag_resource(
        ResourceArn=live.id, Tags=pairs(tags)
    ),
    "Alarm": lambda world, live, tags: world.client("cloudwatch", live.region).tag_resource(
        ResourceARN=live.raw["AlarmArn"], Tags=pairs(tags)
    ),
    "Budget": lambda world, live, tags: world.client("budgets").tag_resource(
        ResourceARN=f"arn:aws:budgets::{ACCOUNT}:budget/{live.id}", ResourceTags=pairs(tags)
    ),
}
"""Every kind whose tags `up` mends. Copies keep those of the moment they were made, what `env set` stores its own."""
