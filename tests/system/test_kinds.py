"""Every kind that exists goes up in AWS, carries the stack's tags, shows no drift, and is gone after a destroy.

A new kind is tested by existing: one that no architecture here declares fails `test_every_kind_is_declared`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from awsdeploy import architecture
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import (
    KINDS,
    TAG_GENERATION,
    TAG_RESOURCE,
    TAG_STACK,
    DestroyOptions,
    Gate,
    Observed,
    Resource,
)
from tests import own_tags
from tests.sampling import sampled
from tests.simulated import World, tags, writes

pytestmark = pytest.mark.slow

EVERYTHING = """\
name = "all"
environment = "prod"
domain = "all.example.com"
create_zone = true
platform = "supported"

[services.site]
port = 3000
paths = ["/*"]

[services.api]
port = 9999
paths = ["/api", "/api/*"]
instances = 2

[services.worker]

[services.jobs.scaling]

[monitoring]
emails = ["ops@example.com"]

[iam]
permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
"""
DEMANDING = EVERYTHING + own_tags.TABLE

ANYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
NOT_DECLARED = {
    "EbsSnapshot": "the disk in an image",
    "EnvironmentValue": "set by the owner",
    "ExistingDatabase": "instead of a Database: tests/system/referenced",
    "Image": "made by AWS each day, or on request",
    "Snapshot": "left by a deleted database, or made on request",
    "Volume": "made with its machine",
    "Member": "made by its group",
}

Read = Callable[[World, Observed], dict[str, str]]
BY_SERVICE: dict[str, Read] = {
    "ec2": lambda world, observed: tags(
        world.client("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": [observed.id]}])["Tags"]
    ),
    "elbv2": lambda world, observed: tags(
        world.client("elbv2").describe_tags(ResourceArns=[observed.id])["TagDescriptions"][0]["Tags"]
    ),
}


def _rds(kind: str) -> Read:
    def read(world: World, observed: Observed) -> dict[str, str]:
        arn = f"arn:aws:rds:{observed.region}:123456789012:{kind}:{observed.id}"
        return tags(world.client("rds").list_tags_for_resource(ResourceName=arn)["TagList"])

    return read


def _log_group(world: World, observed: Observed) -> dict[str, str]:
    arn = f"arn:aws:logs:{observed.region}:123456789012:log-group:{observed.id}"
    found: dict[str, str] = world.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]
    return found


def _route53(kind: str) -> Read:
    def read(world: World, observed: Observed) -> dict[str, str]:
        answer = world.client("route53").list_tags_for_resource(ResourceType=kind, ResourceId=observed.id)
        return tags(answer["ResourceTagSet"]["Tags"])

    return read


def _parameter(world: World, observed: Observed) -> dict[str, str]:
    return tags(world.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=observed.id)["TagList"])


def _budget(world: World, observed: Observed) -> dict[str, str]:
    arn = f"arn:aws:budgets::123456789012:budget/{observed.id}"
    return tags(world.client("budgets").list_tags_for_resource(ResourceARN=arn)["ResourceTags"])


TAGS: dict[str, Read] = {
    "Budget": _budget,
    **dict.fromkeys(
        ["Vpc", "Subnet", "InternetGateway", "ElasticIp", "RouteTable", "NatGateway", "SecurityGroup"],
        BY_SERVICE["ec2"],
    ),
    **dict.fromkeys(["Instance", "Volume", "Image", "EbsSnapshot", "LaunchTemplate", "Member"], BY_SERVICE["ec2"]),
    **dict.fromkeys(["LoadBalancer", "TargetGroup", "Listener"], BY_SERVICE["elbv2"]),
    "AutoScalingGroup": lambda world, observed: tags(
        world.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[observed.id])[
            "AutoScalingGroups"
        ][0]["Tags"]
    ),
    "Database": _rds("db"),
    "SubnetGroup": _rds("subgrp"),
    "ParameterGroup": _rds("pg"),
    "Snapshot": _rds("snapshot"),
    "Role": lambda world, observed: tags(world.client("iam").get_role(RoleName=observed.id)["Role"]["Tags"]),
    "InstanceProfile": lambda world, observed: tags(
        world.client("iam").get_instance_profile(InstanceProfileName=observed.id)["InstanceProfile"]["Tags"]
    ),
    **dict.fromkeys(["Parameter", "Password", "EnvironmentValue"], _parameter),
    **dict.fromkeys(
        ["Bucket", "DataBucket"],
        lambda world, observed: tags(
            world.client("s3", observed.region).get_bucket_tagging(Bucket=observed.id)["TagSet"]
        ),
    ),
    "LifecyclePolicy": lambda world, observed: dict(
        world.client("dlm").get_lifecycle_policy(PolicyId=observed.id)["Policy"]["Tags"]
    ),
    "Certificate": lambda world, observed: tags(
        world.client("acm").list_tags_for_certificate(CertificateArn=observed.id)["Tags"]
    ),
    "HostedZone": _route53("hostedzone"),
    "HealthCheck": _route53("healthcheck"),
    **dict.fromkeys(["LogGroup", "DatabaseLog"], _log_group),
    "Topic": lambda world, observed: tags(
        world.client("sns", observed.region).list_tags_for_resource(ResourceArn=observed.id)["Tags"]
    ),
    "Alarm": lambda world, observed: tags(
        world.client("cloudwatch", observed.region).list_tags_for_resource(ResourceARN=observed.raw["AlarmArn"])["Tags"]
    ),
}
NO_TAGS = {
    "BucketObject": "a listing shows none: its bucket and name say whose it is",
    "Cors": "a setting of its bucket",
    "Dashboard": "AWS has no tags for dashboards; its name tells",
    "ExistingDatabase": "its owner's: awsdeploy does not tag it",
    "Record": "AWS has no tags for records",
    "ScalingPolicy": "AWS has no tags for policies",
}


@pytest.fixture(scope="module")
def whole_stack(module_world: World) -> tuple[World, Any]:
    """Made in an account whose organisation refuses whatever is made without the tags and the boundary."""
    settings = module_world.settings(DEMANDING)
    module_world.client("iam").create_policy(PolicyName="boundary", PolicyDocument=ANYTHING)
    module_world.control(
        "POST", "organisation", {"tags": [*own_tags.OWN], "boundary": settings.iam.permissions_boundary}
    )
    module_world.on_event = lambda event: _delegate(module_world, event)
    module_world.up(settings)
    return module_world, settings


def _delegate(world: World, event: ResourceEvent) -> None:
    """Delegate like the owner at the registrar: name the new zone's servers in the parent, once there are any."""
    if (event.key, event.phase) != ("dns/zone", "ready"):
        return
    route53 = world.client("route53")
    zones = {zone["Name"]: zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
    servers = route53.get_hosted_zone(Id=zones["all.example.com."])["DelegationSet"]["NameServers"]
    record = {
        "Name": "all.example.com.",
        "Type": "NS",
        "TTL": 300,
        "ResourceRecords": [{"Value": server} for server in servers],
    }
    route53.change_resource_record_sets(
        HostedZoneId=zones["example.com."],
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
    )


def kinds() -> dict[str, type[Resource]]:
    return {name: kind for name, kind in KINDS.items() if not issubclass(kind, Gate) and "awsdeploy" in kind.__module__}


def test_every_kind_is_declared(whole_stack: tuple[World, Any]) -> None:
    _, settings = whole_stack
    declared = {type(resource).__name__ for step in architecture.steps(settings) for resource in step.resources}
    assert set(kinds()) - declared == set(NOT_DECLARED)


def test_every_declared_resource_is_found_by_its_kind(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    found = {(one.kind, one.key) for one in world.everything(settings)}
    declared = {
        (type(resource), resource.key)
        for step in architecture.steps(settings)
        for resource in step.resources
        if not isinstance(resource, Gate)
    }
    assert declared - found == set()


def test_diff_yields_nothing_after_up(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    assert {
        item.resource.key: item.action for item in world.plan(settings).items.values() if item.action != "none"
    } == {}
    assert writes(world.up(settings)) == {}


def test_everything_carries_the_stacks_tags(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    assert set(TAGS) | set(NO_TAGS) == set(kinds())
    for observed in world.everything(settings):
        if observed.kind.__name__ not in NO_TAGS:
            found = TAGS[observed.kind.__name__](world, observed)
            assert found[TAG_STACK] == "all/prod", observed.key
            assert found[TAG_RESOURCE] == observed.origin
            assert found[TAG_GENERATION] == observed.generation
            assert {key: found.get(key) for key in own_tags.OWN} == own_tags.OWN, observed.key


def test_rules_carry_the_stacks_tags(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    elbv2, ec2 = world.client("elbv2"), world.client("ec2")
    rules = [
        rule["RuleArn"]
        for one in world.everything(settings)
        if one.kind.__name__ == "Listener"
        for rule in elbv2.describe_rules(ListenerArn=one.id)["Rules"]
        if rule["Priority"] != "default"
    ]
    assert rules
    for described in elbv2.describe_tags(ResourceArns=rules)["TagDescriptions"]:
        assert tags(described["Tags"])[TAG_STACK] == "all/prod"
        assert own_tags.OWN.items() <= tags(described["Tags"]).items()
    groups = [one.id for one in world.everything(settings) if one.kind.__name__ == "SecurityGroup"]
    inbound = [
        rule
        for rule in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": groups}])[
            "SecurityGroupRules"
        ]
        if not rule["IsEgress"]
    ]
    assert inbound
    for rule in inbound:
        assert tags(rule["Tags"])[TAG_STACK] == "all/prod"
        assert own_tags.OWN.items() <= tags(rule["Tags"]).items()


def carried(world: World, settings: Any) -> dict[str, dict[str, str]]:
    """The tags of all whose tags `up` mends, by kind and key."""
    return {
        f"{observed.kind.__name__} {observed.key} {observed.id}": TAGS[observed.kind.__name__](world, observed)
        for observed in world.everything(settings)
        if observed.kind.__name__ in own_tags.PUT
    }


def test_every_role_is_made_with_the_boundary(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    iam, roles = world.client("iam"), [one for one in world.everything(settings) if one.kind.__name__ == "Role"]
    found = {
        observed.key: iam.get_role(RoleName=observed.id)["Role"].get("PermissionsBoundary", {}) for observed in roles
    }
    assert roles
    assert {one.get("PermissionsBoundaryArn") for one in found.values()} == {settings.iam.permissions_boundary}, found


def test_an_own_tag_changed_by_hand_is_shown_and_mended_on_every_kind(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    assert set(own_tags.PUT) | {"EnvironmentValue", "Image", "EbsSnapshot", "Snapshot"} == set(TAGS)
    touched = [one for one in world.everything(settings) if one.kind.__name__ in own_tags.PUT]
    assert {one.kind.__name__ for one in touched} == set(own_tags.PUT)
    for observed in touched:
        own_tags.PUT[observed.kind.__name__](world, observed, {"CostCenter": "by hand", "Theirs": "stays"})
    plan = world.plan(settings)
    shown = {
        item.resource.key for item in plan.items.values() if any("tag CostCenter" in one.field for one in item.changes)
    }
    declared = {one.key for one in touched if one.kind.__name__ not in ("Volume", "Member")}
    assert shown == declared
    world.up(settings)
    for name, found in carried(world, settings).items():
        assert {**own_tags.OWN, "Theirs": "stays"}.items() <= found.items(), name
    assert world.plan(settings).quiet


@pytest.mark.parametrize("table", sampled(['\n[tags]\nCostCenter = "43"\n', ""]))
def test_a_tag_that_the_config_no_longer_has_is_taken_off_and_others_stay(
    whole_stack: tuple[World, Any], table: str
) -> None:
    world, before = whole_stack
    world.control("POST", "organisation", {})
    for observed in world.everything(before):
        if observed.kind.__name__ in own_tags.PUT:
            own_tags.PUT[observed.kind.__name__](world, observed, {"Theirs": "stays"})
    settings = world.settings(EVERYTHING + table)
    world.up(settings)
    for name, found in carried(world, settings).items():
        assert "team:owner" not in found, name
        assert found.get("CostCenter") == ("43" if table else None), name
        assert found["Theirs"] == "stays", name
    assert world.plan(settings).quiet
    assert writes(world.up(settings)) == {}


def test_nothing_of_another_stack_is_ever_found(whole_stack: tuple[World, Any]) -> None:
    world, _ = whole_stack
    for name, environment in (("all", "pro"), ("all", "prod2"), ("al", "prod")):
        other = world.settings(
            EVERYTHING.replace('"all"', f'"{name}"').replace('"prod"', f'"{environment}"\npreset = "prod"')
        )
        assert world.everything(other) == []


def test_destroy_keeps_what_was_promised_and_leaves_nothing_else(whole_stack: tuple[World, Any]) -> None:
    world, settings = whole_stack
    kept = world.destroy(settings, DestroyOptions(snapshot="20261124000000"))
    of_the_day = {"Image", "EbsSnapshot"}  # if the world has seen half past 18
    assert sorted({one.kind.__name__ for one in kept} - of_the_day) == ["HostedZone", "Snapshot"]
    assert sorted(one.id for one in world.everything(settings)) == sorted(one.id for one in kept)
    assert world.destroy(settings, DestroyOptions(data=True, zone=True)) == []
    assert world.everything(settings) == []
    names = world.client("ssm").describe_parameters()["Parameters"]
    assert [one["Name"] for one in names if one["Name"].startswith("/deploy/")] == []
