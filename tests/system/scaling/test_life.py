"""A service that scales: nothing to do when nothing has changed, on and off without a gap, gone without a trace."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from awsdeploy import architecture
from awsdeploy.cost import inventory
from awsdeploy.engine import plan, up
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import Wait
from awsdeploy.errors import TimedOut
from awsdeploy.operations import pausing
from awsdeploy.release.deploy import Releaser
from awsdeploy.release.target import release_target
from awsdeploy.resources.compute import machine
from awsdeploy.resources.compute.auto_scaling import MembersInService
from tests.account import leftovers
from tests.conftest import SPEED
from tests.sampling import sampled
from tests.simulated import World, writes
from tests.system.scaling.conftest import FIXED, SCALED

pytestmark = pytest.mark.slow

GROUP, TEMPLATE, POLICY = "machines/backend-group", "machines/backend-template", "machines/backend-scaling"


def test_a_pause_ends_the_machines_of_a_group_and_up_starts_new_ones(world: World) -> None:
    settings, before = world.settings(SCALED), serving(world)
    assert len(before) == 2
    run, _ = world.run(settings)
    found = pausing.running(run)
    told = inventory.parts(pausing.after(run.cache.known()), run.region)
    pausing.pause(run, found)
    assert inventory.parts(world.everything(settings), run.region) == told
    paused = group(world)
    assert (paused["MinSize"], paused["DesiredCapacity"], paused["Instances"]) == (0, 0, [])
    assert pausing.running(world.run(settings)[0]) == []
    world.up(settings)
    assert len(serving(world)) == 2
    assert serving(world).isdisjoint(before)
    assert world.plan(settings).quiet


def keys(world: World, settings: Any) -> dict[str, str]:
    """Key → id of everything there is."""
    return {observed.key: observed.id for observed in world.everything(settings)}


def group(world: World) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = world.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return found


def serving(world: World) -> set[str]:
    """The ids of the backend's machines that the load balancer finds healthy."""
    elbv2 = world.client("elbv2")
    (arn,) = [one["TargetGroupArn"] for one in elbv2.describe_target_groups()["TargetGroups"] if one["Port"] == 9999]
    answer = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {one["Target"]["Id"] for one in answer if one["TargetHealth"]["State"] == "healthy"}


def watched(world: World, settings: Any, **options: Any) -> dict[str, set[str]]:
    """Bring it up; for each machine or group that went, who served when it was told to."""
    seen: dict[str, set[str]] = {}

    def look(event: ResourceEvent) -> None:
        if event.phase == "deleting" and event.key in ("machines/backend-1", GROUP):
            seen.setdefault(event.key, serving(world))

    world.on_event = look
    world.up(settings, **options)
    world.on_event = lambda _event: None
    return seen


def test_daily_images_of_a_groups_machines_are_said_to_stay_when_one_is_gone(world: World) -> None:
    world.settings(SCALED)
    world.pass_time(86_400)
    assert "daily images" not in world.awsdeploy("status").stdout
    ec2 = world.client("ec2")
    members = {one["InstanceId"] for one in group(world)["Instances"]}
    sources = [one["SourceInstanceId"] for one in ec2.describe_images(Owners=["self"])["Images"]]
    (gone, *_) = members & set(sources)
    ec2.terminate_instances(InstanceIds=[gone])
    count = sources.count(gone)
    assert f"{count} of the daily images belong to deleted machines" in world.awsdeploy("status").stdout


def test_nothing_changed_means_nothing_written(world: World) -> None:
    settings = world.settings(SCALED)
    calls = world.up(settings)
    assert writes(calls) == {}
    scaling = {name: count for name, count in calls.items() if "autoscaling:" in name or "LaunchTemplate" in name}
    assert scaling == {
        "autoscaling:DescribeAutoScalingGroups": 1,
        "autoscaling:DescribePolicies": 1,
        "ec2:DescribeLaunchTemplates": 1,
        "ec2:DescribeLaunchTemplateVersions": 1,
    }


def test_off_and_on_again_without_a_gap(world: World) -> None:
    fixed, scaled = world.settings(FIXED), world.settings(SCALED)
    went = watched(world, fixed)
    alone = keys(world, fixed)["machines/backend-1"]
    assert alone in went[GROUP]
    assert not {GROUP, TEMPLATE, POLICY, f"{TEMPLATE}/member"} & keys(world, fixed).keys()
    world.pass_time(600)
    world.up(fixed)
    assert serving(world) == {alone}
    assert writes(world.up(fixed)) == {}

    went = watched(world, scaled)
    members = {one["InstanceId"] for one in group(world)["Instances"]}
    assert len(members) == 2
    assert members <= went["machines/backend-1"]
    assert {GROUP, TEMPLATE, POLICY} <= keys(world, scaled).keys()
    assert "machines/backend-1" not in keys(world, scaled)
    world.pass_time(600)
    world.up(scaled)
    assert serving(world) == members
    assert writes(world.up(scaled)) == {}


def test_a_larger_machine_is_another_version_and_running_ones_stay(world: World) -> None:
    before = {one["InstanceId"] for one in group(world)["Instances"]}
    ec2 = world.client("ec2")
    for version, size in ((2, "t3.small"), (3, "t3.medium")):
        settings = world.settings(SCALED.replace("[services.backend]", f'[services.backend]\ninstance_type = "{size}"'))
        changes = {item.resource.key: item.changes for item in world.plan(settings).items.values() if item.changes}
        assert list(changes) == [TEMPLATE, GROUP]
        for (change,) in changes.values():
            assert change.impact == "running machines do not change until they are replaced"
        world.up(settings)
        assert group(world)["LaunchTemplate"]["Version"] == str(version)
        assert {one["InstanceId"] for one in group(world)["Instances"]} == before
        assert writes(world.up(settings)) == {}
    template = group(world)["LaunchTemplate"]["LaunchTemplateId"]
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template)["LaunchTemplateVersions"]
    assert sorted(one["VersionNumber"] for one in versions) == [2, 3], "the one before is kept, older ones are not"
    assert len({one["LaunchTemplateData"]["ImageId"] for one in versions}) == 1
    ec2.terminate_instances(InstanceIds=[min(before)])
    world.pass_time(300)
    types = {one["InstanceType"] for one in group(world)["Instances"]}
    assert types == {"t3.micro", "t3.medium"}, "a machine that replaces another is as the new version says"


@pytest.mark.torture
def test_a_newer_image_is_no_drift(world: World) -> None:
    settings = world.settings(SCALED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "IMAGES", {**machine.IMAGES, "al2023": machine.IMAGES["al2"]})
        assert world.plan(settings).quiet
        larger = world.settings(SCALED.replace("[services.backend]", "[services.backend]\nvolume_gb = 30"))
        world.up(larger)
    template = group(world)["LaunchTemplate"]["LaunchTemplateId"]
    versions = world.client("ec2").describe_launch_template_versions(LaunchTemplateId=template)
    data = [one["LaunchTemplateData"] for one in versions["LaunchTemplateVersions"]]
    assert len({one["ImageId"] for one in data}) == 1
    assert {one["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] for one in data} == {20, 30}


def test_how_many_there_are_is_the_policys(world: World) -> None:
    settings = world.settings(SCALED)
    name = group(world)["AutoScalingGroupName"]
    world.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    world.pass_time(600)
    assert len(serving(world)) == 4
    assert world.plan(settings).quiet
    assert writes(world.up(settings)) == {}
    fewer = world.settings(SCALED.replace("max = 4", "max = 3"))
    world.up(fewer)
    world.pass_time(600)
    assert len(group(world)["Instances"]) == 3
    assert world.plan(fewer).quiet


def test_a_machine_that_dies_is_the_groups_affair(world: World) -> None:
    """One of two is enough to serve but fewer than promised: unhealthy until the group has replaced it."""
    settings = world.settings(SCALED)
    dead = min(one["InstanceId"] for one in group(world)["Instances"])
    world.control("POST", "speed", {"speed": 1})
    world.client("ec2").terminate_instances(InstanceIds=[dead])
    plan = world.plan(settings)
    assert not plan.writes
    assert [item.resource.key for item in plan.items.values() if item.action == "wait"] == ["web/backend-healthy"]
    world.control("POST", "speed", {"speed": SPEED})
    world.up(settings)
    assert dead not in {one["InstanceId"] for one in group(world)["Instances"]}
    assert len(serving(world)) == 2


@pytest.mark.torture
def test_replaced_for_a_reason_means_another_group_first(world: World) -> None:
    settings = world.settings(SCALED)
    before = group(world)
    went = watched(world, settings, replace=[TEMPLATE])
    after = group(world)
    assert after["AutoScalingGroupName"] != before["AutoScalingGroupName"]
    assert {one["InstanceId"] for one in after["Instances"]} <= went[GROUP]
    world.pass_time(600)
    assert serving(world) == {one["InstanceId"] for one in after["Instances"]}
    assert writes(world.up(settings)) == {}


def test_another_port_means_another_group_first(world: World) -> None:
    settings = world.settings(SCALED.replace("[services.backend]", "[services.backend]\nport = 8000"))
    world.up(settings)
    (one,) = [found for found in world.everything(settings) if found.key == GROUP]
    answer = world.client("elbv2").describe_target_health(TargetGroupArn=one.raw["TargetGroupARNs"][0])
    rows = answer["TargetHealthDescriptions"]
    assert {(row["Target"]["Port"], row["TargetHealth"]["State"]) for row in rows} == {(8000, "healthy")}
    assert writes(world.up(settings)) == {}


def test_status_names_the_machines(world: World) -> None:
    shown = world.awsdeploy("status")
    assert shown.returncode == 0, shown.stdout
    (line,) = [line for line in shown.stdout.splitlines() if GROUP in line]
    told = json.loads(world.awsdeploy("status", "--json").stdout)
    (row,) = [row for row in told["resources"] if row["key"] == GROUP]
    for one in group(world)["Instances"]:
        assert f"{one['InstanceId']} InService Healthy" in line
        assert f"{one['InstanceId']} InService Healthy" in row["reason"]


def test_a_worker_that_cannot_start_says_why_and_recovers(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'name = "shop"\nenvironment = "dev"\nplatform = "supported"\n[services.jobs]\n'
    broken = empty_world.settings(f'{text}instance_type = "t9.micro"\n[services.jobs.scaling]\n')
    rule = MembersInService.wait
    monkeypatch.setattr(MembersInService, "wait", Wait(rule.pending, rule.ready, deadline=2))
    with pytest.raises(TimedOut, match=r"0 of 1.*t9\.micro"):
        empty_world.up(broken)
    monkeypatch.undo()
    settings = empty_world.settings(f"{text}[services.jobs.scaling]\n")
    empty_world.up(settings)
    (one,) = group(empty_world)["Instances"]
    assert (one["LifecycleState"], one["InstanceType"]) == ("InService", "t3.micro")
    assert writes(empty_world.up(settings)) == {}


def test_a_release_on_a_member_arms_the_alarm_abroad_and_a_new_group_disarms_it(world: World) -> None:
    """The metrics of the health check are in another region than the machines."""
    text = SCALED.replace("[services.frontend]", 'domain = "example.com"\n[services.frontend.scaling]')
    settings = world.settings(text)
    world.up(settings)

    def armed() -> bool:
        (alarm,) = world.client("cloudwatch", "us-east-1").describe_alarms()["MetricAlarms"]
        return bool(alarm["ActionsEnabled"])

    assert not armed()
    groups = {observed.key: observed for observed in world.everything(settings)}
    member = groups["machines/frontend-group"].raw["Instances"][0]["InstanceId"]
    world.client("ec2").create_tags(Resources=[member], Tags=[{"Key": "awsdeploy:release", "Value": "r1"}])
    world.up(settings)
    assert armed()
    world.up(settings, replace=["machines/frontend-group"])
    assert not armed()
    assert writes(world.up(settings)) == {}
    assert world.destroy(settings) == []


@pytest.mark.torture
def test_destroy_needs_neither_record_nor_config(world: World) -> None:
    shutil.rmtree(world.folder / ".awsdeploy")
    settings = world.settings(FIXED.partition("[services")[0])
    assert world.destroy(settings) == []
    assert leftovers(world) == []


@pytest.mark.parametrize(
    ("operation", "code", "status"),
    sampled(
        [
            ("autoscaling:UpdateAutoScalingGroup", "ScalingActivityInProgress", 400),
            ("autoscaling:UpdateAutoScalingGroup", "ResourceContention", 500),
            ("autoscaling:DeleteAutoScalingGroup", "ResourceInUse", 400),
            ("autoscaling:DeleteAutoScalingGroup", "ResourceContention", 500),
        ]
    ),
)
def test_a_group_that_is_busy_is_asked_again(world: World, operation: str, code: str, status: int) -> None:
    settings = world.settings(SCALED)
    refusal = {"operation": operation, "code": code, "message": "busy", "status": status, "times": 12}
    world.control("POST", "refuse", refusal)
    assert world.destroy(settings) == []
    assert leftovers(world) == []


def test_a_machine_that_a_release_takes_out_is_not_replaced_by_its_group(world: World) -> None:
    """AWS: an unused target may be terminated by the load balancer's word. `up` heals what a broken release left."""
    settings = world.settings(SCALED + 'health = "elb"\n')
    world.up(settings)
    world.pass_time(1000)  # the grace of 900 s
    releaser = Releaser(release_target(world.run(settings)[0], settings), lambda _line: None)
    service = settings.services["backend"]
    before = {one.id for one in releaser.release_target.machines["backend"]}
    first = releaser.release_target.machines["backend"][0]

    def members() -> set[str]:
        return {one.id for one in release_target(world.run(settings)[0], settings).machines["backend"]}

    def differing() -> list[str]:
        return [change.field for item in world.plan(settings).items.values() for change in item.changes]

    with releaser._health_checks_suspended(service), releaser._out_of_service(service, first, alone=False):
        world.pass_time(600)
        assert members() == before
        assert differing() == ["health checks"]
    releaser._until(releaser.release_target.groups["backend"].id, first, {"healthy"}, 30)
    world.pass_time(600)
    assert members() == before
    assert differing() == []
    world.client("autoscaling").suspend_processes(
        AutoScalingGroupName=releaser.release_target.judged["backend"].id, ScalingProcesses=["HealthCheck"]
    )
    assert world.up(settings)["autoscaling:ResumeProcesses"] == 1
    with releaser._out_of_service(service, first, alone=False):  # and without it the group does replace it
        world.pass_time(600)
    world.pass_time(600)
    assert first.id not in members()


@pytest.mark.torture
def test_an_accounts_first_group_and_database_wait_for_the_services_own_roles(empty_world: World) -> None:
    """AWS: a fresh account has no service-linked role, and the first create is refused while it is made."""
    settings = empty_world.settings(SCALED)
    fault = {"operation": "autoscaling:CreateAutoScalingGroup", "code": "ServiceLinkedRoleFailure", "status": 500}
    empty_world.control("POST", "refuse", {**fault, "message": "not yet", "times": 12})
    refused: list[str] = []
    made, _ = empty_world.run(settings)
    made.session.on_call = lambda call: refused.append(f"{call.operation} {call.outcome}")
    up.apply(made, plan.make(made, architecture.steps(settings)))
    assert "CreateAutoScalingGroup ServiceLinkedRoleFailure" in refused
    assert "CreateDBInstance InvalidParameterValue" in refused
    assert refused.count("CreateAutoScalingGroup ok") == refused.count("CreateDBInstance ok") == 1


@pytest.mark.torture
def test_a_service_that_no_longer_exists_goes_with_its_group(world: World) -> None:
    world.up(world.settings(SCALED + "\n[services.jobs.scaling]\n"))
    settings = world.settings(SCALED)
    plan = world.plan(settings)
    machines = {f"machines/jobs{end}" for end in ("-group", "-scaling", "-template", "-profile", "-role", "/S3_BUCKET")}
    watched_by = {f"monitoring/alarms/jobs-group-{name}" for name in ("cpu", "memory", "disk")}
    assert {one.key for one in plan.removals} == machines | watched_by | {"monitoring/logs/jobs", "security/jobs"}
    world.up(settings)
    assert not [key for key in keys(world, settings) if "jobs" in key]
    assert writes(world.up(settings)) == {}
