"""Changes in config.toml, in DNS and on the machines, and what becomes of the stack."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from awsdeploy.engine.resource import Wait
from awsdeploy.engine.summary import RunFailed
from awsdeploy.errors import TimedOut
from awsdeploy.resources.compute import placeholder
from awsdeploy.resources.web.target_group import TargetGroup
from awsdeploy.resources.web.target_health import TargetsHealthy
from tests.simulated import World, writes

pytestmark = pytest.mark.slow

CONFIG = """\
name = "shop"
environment = "dev"
domain = "example.com"
platform = "supported"
"""
PLAIN = """\
name = "shop"
environment = "dev"
platform = "supported"
"""
THREE = PLAIN + '[services.frontend]\n[services.backend]\n[services.admin]\nport = 4000\npaths = ["/admin/*"]\n'


def keys(world: World, settings: Any) -> dict[str, str]:
    """Key → id of everything there is."""
    return {observed.key: observed.id for observed in world.everything(settings)}


def record_of(world: World, name: str, type: str) -> dict[str, Any] | None:
    route53 = world.client("route53")
    (zone,) = [one for one in route53.list_hosted_zones()["HostedZones"] if one["Name"] == "example.com."]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return next((one for one in records if (one["Name"], one["Type"]) == (name, type)), None)


def publish(world: World, record: dict[str, Any]) -> None:
    route53 = world.client("route53")
    (zone,) = [one for one in route53.list_hosted_zones()["HostedZones"] if one["Name"] == "example.com."]
    route53.change_resource_record_sets(
        HostedZoneId=zone["Id"], ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


OTHER = {"Name": "example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}


def test_a_record_of_another_is_refused_before_anything_is_made(world: World) -> None:
    settings = world.settings(CONFIG)
    publish(world, OTHER)
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "192.0.2.1" in refused.stderr
    assert "--take-over-record" in refused.stderr
    assert world.everything(settings) == []


def test_a_record_is_taken_over_on_request_and_only_ours_is_deleted(world: World) -> None:
    settings = world.settings(CONFIG)
    publish(world, OTHER)
    text = {"Name": "example.com.", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"theirs"'}]}
    publish(world, text)
    taken = world.awsdeploy("up", "--yes", "--take-over-record")
    assert taken.returncode == 0, taken.stderr
    assert "AliasTarget" in (record_of(world, "example.com.", "A") or {})
    world.destroy(settings)
    assert record_of(world, "example.com.", "A") is None
    assert record_of(world, "example.com.", "TXT") is not None


def test_without_a_domain_port_80_serves(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    elbv2 = world.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert listener["DefaultActions"][0]["Type"] == "forward"
    shown = world.awsdeploy("status")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert balancer["DNSName"] in shown.stdout
    assert "nothing deployed yet (placeholder page)" in shown.stdout


def test_another_alias_means_another_certificate_and_no_gap(brought_up: Callable[[str], World]) -> None:
    world = brought_up(CONFIG)
    settings = world.settings(CONFIG)
    before = keys(world, settings)
    more = world.settings(CONFIG.replace("platform", 'aliases = ["www", "shop.example.com"]\nplatform'))
    world.up(more)
    after = keys(world, more)
    assert before["tls/certificate"] != after["tls/certificate"]
    assert before["web/https"] == after["web/https"]
    assert len(world.client("acm").list_certificates()["CertificateSummaryList"]) == 1
    assert writes(world.up(more)) == {}


def test_a_service_that_is_no_longer_declared_goes(brought_up: Callable[[str], World]) -> None:
    world = brought_up(THREE)
    settings = world.settings(THREE)
    assert "machines/admin-1" in keys(world, settings)
    fewer = world.settings(PLAIN)
    plan = world.plan(fewer)
    assert {one.key for one in plan.removals} >= {"machines/admin-1", "web/admin", "security/admin"}
    assert plan.lost_data == []
    world.up(fewer)
    assert not [key for key in keys(world, fewer) if "admin" in key]
    assert writes(world.up(fewer)) == {}


@pytest.mark.torture
def test_daily_images_of_a_machine_that_is_gone_are_said_to_stay(brought_up: Callable[[str], World]) -> None:
    world = brought_up(THREE)
    world.pass_time(86_400)
    fewer = world.settings(PLAIN)
    assert "daily images" not in world.awsdeploy("status").stdout
    world.up(fewer)
    (image,) = [key.rpartition("/")[2] for key in keys(world, fewer) if key.startswith("machines/admin-1/ami-")]
    said = world.awsdeploy("status").stdout
    assert "1 of the daily images belong to deleted machines" in said
    assert f"--image-id {image}" in said
    world.client("ec2").deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)
    assert "daily images" not in world.awsdeploy("status").stdout


def test_a_larger_machine_is_the_same_machine(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    before = keys(world, world.settings(PLAIN))
    larger = PLAIN + '[services.frontend]\ninstance_type = "t3.small"\n[services.backend]\n'
    settings = world.settings(larger)
    changes = {item.resource.key: item.changes for item in world.plan(settings).items.values() if item.changes}
    assert list(changes) == ["machines/frontend-1"]
    (change,) = changes["machines/frontend-1"]
    assert (change.old, change.new, change.impact) == ("t3.micro", "t3.small", "stops and starts the machine")
    world.up(settings)
    assert keys(world, settings)["machines/frontend-1"] == before["machines/frontend-1"]


def test_replace_makes_the_new_machine_before_the_old_goes(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    settings = world.settings(PLAIN)
    before = keys(world, settings)
    seen: list[tuple[str, str, str]] = []
    world.control("POST", "speed", {"speed": 100})  # a machine drains for long enough to be seen
    telling = dataclasses.replace(world, on_event=lambda one: seen.append((one.key, one.phase, one.status)))
    telling.up(settings, replace=["machines/backend-1"])
    after = keys(world, settings)
    assert after["machines/backend-1"] != before["machines/backend-1"]
    assert after["machines/frontend-1"] == before["machines/frontend-1"]
    asked = [("web/backend-healthy", "changing", ""), ("web/backend-healthy", "waiting", "draining")]
    drained, deleted = ("web/backend-healthy", "ready", "healthy"), ("machines/backend-1", "deleting", "running")
    assert [one for one in seen if one in {*asked, drained, deleted}] == [*asked, drained, deleted]
    assert writes(world.up(settings)) == {}


def test_machines_without_a_placeholder_are_unhealthy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = world.settings(PLAIN)
    monkeypatch.setattr(placeholder, "user_data", lambda *_: "#!/bin/bash\n")
    rule = TargetsHealthy.wait
    monkeypatch.setattr(TargetsHealthy, "wait", Wait(rule.pending, rule.ready, deadline=2))
    with pytest.raises((TimedOut, RunFailed)):
        world.up(settings)
    shown = world.awsdeploy("status")
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "unhealthy" in shown.stdout


def test_the_wrong_account_is_refused(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    state = world.folder / ".awsdeploy" / "shop-dev.json"
    state.write_text(state.read_text().replace("123456789012", "210987654321"))
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "210987654321" in refused.stderr


def checks(world: World) -> dict[str, tuple[int, str, str]]:
    """Port, path and codes of each target group, by its key's last word."""
    groups = [one for one in world.everything(world.settings(PLAIN)) if one.kind is TargetGroup]
    return {
        one.key.removeprefix("web/"): (
            one.raw["Port"],
            one.raw["HealthCheckPath"],
            one.raw["Matcher"]["HttpCode"],
        )
        for one in groups
    }


def test_another_health_check_changes_the_target_group_alone(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    before = keys(world, world.settings(PLAIN))
    for written, check in (
        ('health = "/ok"', (9999, "/ok", "200-399")),
        ('health = "/ok"\nhealth_status = "200-499"', (9999, "/ok", "200-499")),
        ('health = "tcp"', (9999, "/", "200-499")),
    ):
        settings = world.settings(f"{PLAIN}[services.frontend]\n[services.backend]\n{written}\n")
        changed = {call for call in writes(world.up(settings)) if not call.startswith("ssm:")}  # the stack lock
        assert changed == {"elbv2:ModifyTargetGroup"}
        assert checks(world)["backend"] == check
        assert keys(world, settings) == before


def test_a_prefix_is_stripped_and_kept_again_by_changing_the_rule_alone(brought_up: Callable[[str], World]) -> None:
    world = brought_up(PLAIN)
    before = keys(world, world.settings(PLAIN))
    elbv2 = world.client("elbv2")
    for written, transforms in (
        ('strip_prefix = true\nhealth = "/api/health"', [("^(/api)/?(.*)$", "/$2")]),
        ("", []),
    ):
        settings = world.settings(f"{PLAIN}[services.frontend]\n[services.backend]\n{written}\n")
        changed = {call for call in writes(world.up(settings)) if not call.startswith("ssm:")}  # the stack lock
        assert changed == {"elbv2:ModifyRule"}
        assert keys(world, settings) == before
        (listener,) = [one.id for one in world.everything(settings) if one.key == "web/http"]
        rules = [one for one in elbv2.describe_rules(ListenerArn=listener)["Rules"] if one["Priority"] != "default"]
        found = [one["UrlRewriteConfig"]["Rewrites"] for rule in rules for one in rule["Transforms"]]
        assert [(one["Regex"], one["Replace"]) for each in found for one in each] == transforms
        assert writes(world.up(settings)) == {}
    elbv2.modify_rule(
        RuleArn=rules[0]["RuleArn"],
        Transforms=[{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a", "Replace": "/b"}]}}],
    )
    (change,) = [one for item in world.plan(settings).items.values() for one in item.changes]
    assert "rewritten from ^/a to /b" in str(change.old)
    world.up(settings)
    assert world.plan(settings).quiet


def test_another_port_changes_the_target_group_and_no_machine(brought_up: Callable[[str], World]) -> None:
    """Nothing answers there before the first release, and `up` does not wait for it."""
    world = brought_up(PLAIN)
    before = keys(world, world.settings(PLAIN))
    settings = world.settings(f"{PLAIN}[services.frontend]\n[services.backend]\nport = 3000\n")
    world.up(settings)
    after = keys(world, settings)
    assert {key for key in before if before[key] != after[key]} == {"web/backend"}
    assert checks(world) == {"frontend": (3000, "/", "200-399"), "backend": (3000, "/api/health", "200-399")}
    assert writes(world.up(settings)) == {}


def test_a_machine_of_an_earlier_version_stays(brought_up: Callable[[str], World]) -> None:
    """Earlier versions replaced a machine when its port or its health path changed."""
    world = brought_up(PLAIN)
    settings = world.settings(PLAIN)
    items = world.plan(settings).items
    generations = {one: item.observed.generation for one, item in items.items() if item.observed}
    (machine,) = [one for one in items if one.key == "machines/frontend-1"]
    observed = items[machine].observed
    assert observed is not None
    older = machine._generation(generations, 0, {"port": 3000, "health": "/"})
    assert older != observed.generation
    tag = {"Key": "awsdeploy:generation", "Value": older}
    world.client("ec2").create_tags(Resources=[observed.id], Tags=[tag])
    for changed in ("", 'health = "/ok"', "port = 4000"):
        later = world.settings(f"{PLAIN}[services.frontend]\n{changed}\n[services.backend]\n")
        assert not [call for call in writes(world.up(later)) if call.startswith("ec2:Run")]
        assert keys(world, later)["machines/frontend-1"] == observed.id
    world.up(later, replace=["machines/frontend-1"])
    assert keys(world, later)["machines/frontend-1"] != observed.id


def test_subnets_of_a_new_zone_are_added_in_place_and_taken_away_again(brought_up: Callable[[str], World]) -> None:
    """The database, the load balancer and its name stay."""
    world = brought_up(PLAIN)
    before = keys(world, world.settings(PLAIN))
    three = world.settings(
        f"""{PLAIN}
[network]
zones = ["a", "c", "b"]
public = ["10.0.1.0/24", "10.0.2.0/24", "10.0.5.0/24"]
private = ["10.0.3.0/24", "10.0.4.0/24", "10.0.6.0/24"]
"""
    )
    world.up(three)
    with_three = keys(world, three)
    assert {key for key in before if before[key] != with_three.get(key)} == set()
    (group,) = world.client("rds").describe_db_subnet_groups()["DBSubnetGroups"]
    assert len(group["Subnets"]) == 3
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert len(balancer["AvailabilityZones"]) == 3
    assert writes(world.up(three)) == {}
    world.up(world.settings(PLAIN))
    assert keys(world, world.settings(PLAIN)) == before
