"""Auto Scaling: a group of as many machines as the load needs, and the policy that says how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import Client, tolerate
from awsdeploy.config.stack import APART
from awsdeploy.engine.resource import (
    TAG_STACK,
    UNKNOWN,
    Aws,
    Blocker,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Gate,
    Idempotency,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.engine.tagging import retagged
from awsdeploy.resources import tag_calls
from awsdeploy.resources.compute.launch_template import KEPT, LATER, LaunchTemplate, Member
from awsdeploy.resources.compute.machine import serves
from awsdeploy.resources.compute.volume import Volume
from awsdeploy.resources.network.vpc import Subnet
from awsdeploy.resources.web.target_group import TargetGroup

GRACE = {"ec2": 300, "elb": 900}
"""Seconds a new machine is given before its health counts. By the load balancer's word a machine that is still
at its bootstrap or its first release would be replaced, and the next one after it."""

REPLACES_ALL = "if the health path queries the database, a failover makes the group replace every machine"

HEALTH_CHECK = "HealthCheck"
"""The process that a release suspends in a group whose machines the load balancer judges, and resumes at its end."""
WARM = 300
"""Seconds until the load of a new machine counts: its first minutes are the bootstrap's."""


def autoscaling(aws: Aws) -> Client:
    return aws.client("autoscaling")


@dataclass(frozen=True, eq=False, kw_only=True)
class AutoScalingGroup(Resource):
    """`min` to `max` machines over the subnets. How many there are in between is the policy's, never ours.

    `health` is ec2 or elb: whose word ends a machine.
    """

    template: LaunchTemplate
    subnets: tuple[Subnet, ...]
    targets: tuple[TargetGroup, ...]
    min: int
    max: int
    health: str

    tagging = tag_calls.SCALING_GROUP
    title = "Auto Scaling group"
    replaces = {"template", "subnets", "targets"}
    idempotency = Idempotency.NAME
    wait = Wait(leaving={"Delete in progress"}, usual=5)
    transient = (
        # AWS: a new instance profile is known to EC2 after about 10 s, at most 2 minutes; a new template is, too.
        *(
            TransientError(operation, "ValidationError", seconds=120, text=text)
            for operation in ("CreateAutoScalingGroup", "UpdateAutoScalingGroup")
            for text in ("Invalid IAM Instance Profile", "has no associated IAM Roles", "does not exist")
        ),
        # AWS: an account's first group makes the service's own role; two changes at once. Both come with status 500.
        TransientError("CreateAutoScalingGroup", "ServiceLinkedRoleFailure", seconds=300),
        *(
            TransientError(f"{change}AutoScalingGroup", "ResourceContention", 300)
            for change in ("Create", "Update", "Delete")
        ),
        *(TransientError(f"{way}LoadBalancerTargetGroups", "ResourceContention", 300) for way in ("Attach", "Detach")),
    )
    deletion = Deletion(retry_on={"ResourceInUse", "ScalingActivityInProgress"}, usual=120)
    arns = (":autoScalingGroup:",)
    ignorable = {"MaxSize", "HealthCheckGracePeriod", "DefaultInstanceWarmup"}

    def brief(self) -> str:
        return f"{self.template.service} {self.template.size}, {self.min} to {self.max}"

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        filters = [{"Name": f"tag:{TAG_STACK}", "Values": [aws.stack.tag]}]
        for one in autoscaling(aws).pages("describe_auto_scaling_groups", "AutoScalingGroups", Filters=filters):
            status = one.get("Status") or "available"
            yield from aws.found(cls, one["AutoScalingGroupName"], one.get("Tags"), one, status, _members(one))

    def kept_generation(self, aws: Aws, observed: Observed, of: Mapping[Resource, str], counter: int) -> str:
        """AWS adds subnets in place. It does not move machines out of a subnet whose zone stays in use."""
        raw = observed.raw
        used = (raw.get("LaunchTemplate", {}).get("LaunchTemplateId"), raw.get("TargetGroupARNs", []))
        wanted = (aws[self.template].id, [aws[group].id for group in self.targets])
        subnets = {aws[subnet].id for subnet in self.subnets}
        added = set(raw.get("VPCZoneIdentifier", "").split(",")) <= subnets
        return observed.generation if used == wanted and added else ""

    def stands_in(self, observed: Observed) -> bool:
        return serves(observed, self.template.service)

    def create(self, aws: Aws) -> str:
        name = aws.name(self, 255, APART)
        with tolerate("AlreadyExists"):
            autoscaling(aws).create_auto_scaling_group(
                AutoScalingGroupName=name,
                LaunchTemplate={"LaunchTemplateId": aws[self.template].id, "Version": self.template.version(aws)},
                VPCZoneIdentifier=",".join(aws[subnet].id for subnet in self.subnets),
                TargetGroupARNs=[aws[group].id for group in self.targets],
                # What belongs to the stack says so even where a template's tags were taken away by hand.
                Tags=[{**tag, "PropagateAtLaunch": tag["Key"] == TAG_STACK} for tag in aws.tags(self)],
                **self._settings(),
            )
        return name

    def _settings(self) -> dict[str, Any]:
        return {
            "MinSize": self.min,
            "MaxSize": self.max,
            "HealthCheckType": self.health.upper(),
            "HealthCheckGracePeriod": GRACE[self.health],
            "DefaultInstanceWarmup": WARM,
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """AWS raises or lowers the number of machines when it falls outside a new min or max."""
        raw, wrong = observed.raw, dict[str, Any]()

        def update() -> None:
            autoscaling(aws).update_auto_scaling_group(AutoScalingGroupName=observed.id, **wrong)

        for field, wanted in self._settings().items():
            if raw.get(field) != wanted and not (field in raw and aws.ignores(self, field)):
                wrong[field] = wanted
                impact = REPLACES_ALL if (field, wanted) == ("HealthCheckType", "ELB") else ""
                yield Change(field, raw.get(field), wanted, update, impact)
        subnets = sorted(raw.get("VPCZoneIdentifier", "").split(","))
        places = [aws[subnet].id for subnet in self.subnets]
        if UNKNOWN in places or subnets != sorted(places):
            wrong["VPCZoneIdentifier"] = ",".join(map(str, places))
            yield Change("subnets", subnets, places, update)
        used, template = raw.get("LaunchTemplate", {}), aws[self.template].id
        version = self.template.version(aws)
        if used.get("LaunchTemplateId") != template or used.get("Version") != version:
            wrong["LaunchTemplate"] = {"LaunchTemplateId": template, "Version": version}
            yield Change("template version", used.get("Version"), version, update, LATER)
        else:
            yield from self._prune(aws)
        yield from self._diff_targets(aws, observed)
        if HEALTH_CHECK in {one.get("ProcessName") for one in raw.get("SuspendedProcesses", ())}:
            suspended = {"AutoScalingGroupName": observed.id, "ScalingProcesses": [HEALTH_CHECK]}
            resume = partial(autoscaling(aws).resume_processes, **suspended)
            yield Change("health checks", "suspended", "running", resume)
        yield from self._diff_tags(aws, observed)

    def _diff_tags(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """The owner's tags of the running machines and their disks: a template's new version is for new machines."""
        ids = {one["InstanceId"] for one in observed.raw.get("Instances", ())}
        members = [one for one in aws.latest(Member) if one.id in ids and one.status in Member.wait.ready]
        disks = {
            disk["Ebs"]["VolumeId"]
            for one in members
            for disk in one.raw.get("BlockDeviceMappings", ())
            if "Ebs" in disk
        }
        volumes = [one for one in aws.latest(Volume) if one.id in disks]
        for one in (*members, *volumes):
            yield from retagged(aws, tag_calls.EC2, one, f"{one.id} ")

    def _prune(self, aws: Aws) -> Iterator[Change]:
        """Versions of the template before the last: no group starts machines from them any more."""
        template = aws[self.template]
        if len(template.raw["Versions"]) > KEPT:
            template = aws.look(self.template) or template
        old = [str(one["VersionNumber"]) for one in template.raw["Versions"][KEPT:] if not one["DefaultVersion"]]
        if old:
            delete = partial(aws.ec2.delete_launch_template_versions, LaunchTemplateId=template.id, Versions=old)
            yield Change("old template versions", ", ".join(old), None, delete)

    def _diff_targets(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        present = set(observed.raw.get("TargetGroupARNs", ()))
        wanted = {aws[group].id: group for group in self.targets}
        calls = autoscaling(aws)
        for arn, group in wanted.items():
            if arn not in present:

                def attach(arn: str = arn) -> None:
                    calls.attach_load_balancer_target_groups(AutoScalingGroupName=observed.id, TargetGroupARNs=[arn])

                yield Change("target group", None, group.key, attach)
        for arn in present - wanted.keys():

            def detach(arn: str = arn) -> None:
                calls.detach_load_balancer_target_groups(AutoScalingGroupName=observed.id, TargetGroupARNs=[arn])

            yield Change("target group", arn, None, detach)

    @classmethod
    def blockers(cls, aws: Aws, observed: Observed) -> Iterator[Blocker]:
        for one in observed.raw.get("Instances", ()):
            id, state = one["InstanceId"], one["LifecycleState"]
            group = f"--region {aws.region} --auto-scaling-group-name {observed.id}"
            held = f"aws autoscaling describe-lifecycle-hooks {group}"
            remedy = f"waiting for a lifecycle hook ({held})" if state == "Terminating:Wait" else ""
            yield Blocker(f"machine {id} ({state})", remedy)

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.OUTAGE

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        """Set the size to 0; when the machines are gone, delete the group, with machines that would stay."""
        raw, calls = observed.raw, autoscaling(aws)
        with tolerate("ValidationError", text="not found"):
            protected = {"DeletionProtection": "none"} if raw.get("DeletionProtection", "none") != "none" else {}
            if raw["MaxSize"] or raw["DesiredCapacity"] or protected:
                calls.update_auto_scaling_group(
                    AutoScalingGroupName=observed.id, MinSize=0, MaxSize=0, DesiredCapacity=0, **protected
                )
            elif not observed.state.leaving and not _leaving(raw):
                calls.delete_auto_scaling_group(AutoScalingGroupName=observed.id, ForceDelete=True)


def _leaving(raw: Any) -> bool:
    """Check whether the group is removing machines. AWS: protected ones stay, and all while Terminate is suspended."""
    suspended = {one.get("ProcessName") for one in raw.get("SuspendedProcesses", ())}
    going = [one for one in raw.get("Instances", ()) if not one.get("ProtectedFromScaleIn")]
    return bool(going) and "Terminate" not in suspended


def _members(raw: Any) -> str:
    """Every machine with its place in its life and its health, in AWS's words."""
    machines = sorted(raw.get("Instances", ()), key=lambda one: str(one["InstanceId"]))
    return ", ".join(f"{one['InstanceId']} {one['LifecycleState']} {one['HealthStatus']}" for one in machines)


def in_service(group: Observed) -> list[str]:
    """The ids of the machines that a group counts as working."""
    return [
        str(one["InstanceId"])
        for one in group.raw.get("Instances", ())
        if one["LifecycleState"] == "InService" and one["HealthStatus"] == "Healthy"
    ]


def trouble(aws: Aws, group: str) -> str:
    """Reason why the group's last attempt to start or end a machine failed, in AWS's words."""
    answer = autoscaling(aws).describe_scaling_activities(AutoScalingGroupName=group, MaxRecords=1)
    last: dict[str, Any] = next(iter(answer.get("Activities", ())), {})
    return str(last.get("StatusMessage", "")) if last.get("StatusCode") == "Failed" else ""


@dataclass(frozen=True, eq=False, kw_only=True)
class MembersInService(Gate):
    """Waits until a group whose machines no load balancer looks at has `min` of them."""

    group: AutoScalingGroup

    title = "machines in service"
    wait = Wait(pending={"launching"}, ready={"in service"}, usual=20, deadline=1200)

    def observe(self, aws: Aws) -> Observed:
        group = aws.look(self.group) or aws[self.group]
        working = len(in_service(group))
        status = "in service" if working >= self.group.min else "launching"
        reason = f"{working} of {self.group.min}"
        if status == "launching" and (why := trouble(aws, group.id)):
            reason += f", {why}"
        return Observed(type(self), self.key, group.id, status=status, reason=reason)
