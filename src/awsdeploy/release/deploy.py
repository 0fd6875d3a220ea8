"""A release onto the machines of a service: one after the other, out of the load balancer and back in where there are
several, in place where there is one; all of them go back to what they had if one of them cannot have it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from awsdeploy import architecture
from awsdeploy.aws.session import tolerate
from awsdeploy.aws.waiting import Polling
from awsdeploy.config import Service
from awsdeploy.errors import AwsdeployError
from awsdeploy.release import health, public_check, run_command
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.release.manifest import Manifest
from awsdeploy.release.run_command import Outcome
from awsdeploy.release.source import Source
from awsdeploy.release.target import ReleaseTarget
from awsdeploy.resources.compute.auto_scaling import HEALTH_CHECK, AutoScalingGroup
from awsdeploy.resources.compute.bootstrap import RELEASE_SCRIPT, release_script
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.monitoring.alarm import Alarm
from awsdeploy.resources.monitoring.log_group import COMMANDS

ARCHIVES_KEPT = 20
"""Releases that stay in the bucket: what is no longer on a machine is built again from there."""
HEALTHY_WITHIN = 180  # seconds for the load balancer to find a machine well again
DRAINED_WITHIN = 330  # seconds; AWS: a deregistration delay is 300 unless set

Say = Callable[[str], object]


class ReleaseFailed(AwsdeployError):
    """A failed release. The previous release is still running."""

    def __init__(self, service: str, machine: ReleaseMachine, outcome: Outcome) -> None:
        before = f"{outcome.previous} is still running." if outcome.previous else "There is no earlier release."
        super().__init__(
            f"{service} on {machine.id}: the release failed at `{outcome.step}`. {outcome.diagnosis}\n{before}",
            outcome.remedy or "Fix it, commit, and deploy again.",
        )


@dataclass(frozen=True)
class ReleaseResult:
    """Result of the release of a service."""

    service: str
    release: str
    previous: str
    machines: tuple[str, ...]
    unchanged: bool = False


@dataclass(frozen=True)
class Releaser:
    """Installs releases on the machines of one stack. `say` gets each line of progress."""

    release_target: ReleaseTarget
    say: Say

    def deploy(self, service: Service, source: Source, manifest: Manifest, force: bool = False) -> ReleaseResult:
        """Release a service. After `ReleaseFailed` every machine runs the previous release."""
        machines = self.release_target.machines[service.name]
        now = self.release_target.manifest(service.name)
        same = now is not None and _same(now, manifest)
        if not force and now and same and _everywhere(machines, now["id"]):
            return ReleaseResult(service.name, now["id"], now["id"], (), unchanged=True)
        self._send(service, source, manifest)
        self._roll(service, machines, "deploy", manifest.id)
        self.release_target.record(service.name, manifest.document())
        self._tidy(service.name)
        return ReleaseResult(
            service.name, manifest.id, str((now or {}).get("id", "")), tuple(one.id for one in machines)
        )

    def rollback(self, service: Service, id: str, manifest: dict[str, Any]) -> ReleaseResult:
        """Bring back the release `id`. Raises `ReleaseFailed`."""
        machines = self.release_target.machines[service.name]
        before = self.release_target.current(service.name)
        self._roll(service, machines, "rollback", id)
        self.release_target.record(service.name, manifest)
        return ReleaseResult(service.name, id, before, tuple(one.id for one in machines))

    def restart(self, service: Service) -> ReleaseResult:
        """Read the environment again and reload the processes. Raises `ReleaseFailed`."""
        machines = self.release_target.machines[service.name]
        self._roll(service, machines, "restart")
        id = self.release_target.current(service.name)
        return ReleaseResult(service.name, id, id, tuple(one.id for one in machines))

    def arm(self, services: Iterable[Service]) -> None:
        """Alarms about a service are armed with its first release: before it there was nothing to say."""
        run, names = self.release_target.run, {service.name for service in services}
        keys = {
            one.key
            for step in architecture.steps(self.release_target.settings)
            for one in step.resources
            if isinstance(one, Alarm) and any(_service_of(machine) in names for machine in one.machines or ())
        }
        for region in sorted(run.regions):
            view = run.view(Alarm, region)
            silent = [one.id for one in view.all(Alarm) if one.key in keys and not one.raw.get("ActionsEnabled")]
            if silent:
                view.client("cloudwatch").enable_alarm_actions(AlarmNames=silent)

    def _send(self, service: Service, source: Source, manifest: Manifest) -> None:
        """Upload the code first and the manifest last, so a manifest never names missing code."""
        if manifest.repository:
            self.say(f"the machines fetch it from {manifest.repository}")
        else:
            self._send_archive(service, source, manifest)
        self.release_target.put(service.name, f"{manifest.id}.json", json.dumps(manifest.document(), indent=1).encode())
        self.send_program()

    def send_program(self) -> None:
        """Put this version's release agent into the bucket."""
        s3 = self.release_target.run.client("s3")
        s3.put_object(Bucket=self.release_target.artifacts, Key=RELEASE_SCRIPT, Body=release_script())

    def _send_archive(self, service: Service, source: Source, manifest: Manifest) -> None:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "release.tar.gz"
            source.archive(archive)
            size = archive.stat().st_size
            self.say(f"sending {size / 1e6:.1f} MB")
            with archive.open("rb") as body:
                self.release_target.put(service.name, f"{manifest.id}.tar.gz", body, "application/gzip")

    def _roll(self, service: Service, machines: list[ReleaseMachine], command: str, *more: str) -> None:
        """One machine after the other; if one fails, those before it go back."""
        with self._health_checks_suspended(service):
            self._roll_each(service, machines, command, *more)

    @contextmanager
    def _health_checks_suspended(self, service: Service) -> Iterator[None]:
        """Keep a group from replacing a machine that is out of the load balancer for the release.

        AWS, Elastic Load Balancing guide: it may terminate a target that is unused. Only HealthCheck helps: what is
        marked unhealthy while ReplaceUnhealthy is suspended is replaced when that is resumed. After a crash the next
        release or `up` resumes it.
        """
        group = self.release_target.judged.get(service.name)
        if group is None:
            yield
            return
        scaling = self.release_target.run.client("autoscaling")
        process = {"AutoScalingGroupName": group.id, "ScalingProcesses": [HEALTH_CHECK]}
        scaling.suspend_processes(**process)
        try:
            yield
        finally:
            scaling.resume_processes(**process)

    def _roll_each(self, service: Service, machines: list[ReleaseMachine], command: str, *more: str) -> None:
        done: list[tuple[ReleaseMachine, str]] = []
        for place, machine in enumerate(machines, start=1):
            self.say(f"machine {place} of {len(machines)}: {machine.id}")
            # Migrations run once.
            subcommand = "join" if command == "deploy" and place > 1 else command
            try:
                with self._out_of_service(service, machine, alone=len(machines) == 1):
                    outcome = self.run(service, machine, subcommand, *more)
                    if not outcome.good:
                        remedy = health.offer(service, outcome.remedy, outcome.diagnosis)
                        raise ReleaseFailed(service.name, machine, replace(outcome, remedy=remedy))
                done.append((machine, outcome.previous or machine.release))
                self._need_health(service, machine, outcome)
            except ReleaseFailed:
                for earlier, previous in reversed(done):
                    if previous and command != "restart":
                        self.say(f"back to {previous} on {earlier.id}")
                        self.run(service, earlier, "rollback", previous)
                raise

    def execute(self, service: Service, machine: ReleaseMachine, line: str) -> Outcome:
        """Run a command line on one machine. Secrets in its output are masked, and it has a separate log."""
        self.send_program()
        return self.run(service, machine, "exec", line, log=COMMANDS)

    def run(self, service: Service, machine: ReleaseMachine, command: str, *more: str, log: str = "") -> Outcome:
        """Run a command of the release agent on one machine. Nothing in it may be secret.

        `log` is the last part of the log group's name, the service's unless it is given.
        """
        run, release_target = self.release_target.run, self.release_target
        words = (command, run.stack.tag, service.name, run.region, release_target.artifacts, *more)
        script = run_command.program(release_target.artifacts, run.region, words)
        comment = f"awsdeploy {command} {service.name} {' '.join(more)}".strip()
        group = run.stack.parameter(log or service.name)
        silence = release_target.settings.waits.silence
        return run_command.run(run, machine, script, comment, group, self.say, silence)

    @contextmanager
    def _out_of_service(self, service: Service, machine: ReleaseMachine, alone: bool) -> Iterator[None]:
        """Take a machine out of the load balancer if others remain in it; always put it back."""
        group = self.release_target.groups.get(service.name)
        if group is None or alone:
            yield
            return
        elbv2 = self.release_target.run.client("elbv2")
        target = {"TargetGroupArn": group.id, "Targets": [{"Id": machine.id}]}
        elbv2.deregister_targets(**target)
        try:
            self._until(group.id, machine, {"unused"}, DRAINED_WITHIN)
            yield
        finally:
            with tolerate("InvalidTarget"):  # it has gone meanwhile
                elbv2.register_targets(**target)

    def _need_health(self, service: Service, machine: ReleaseMachine, outcome: Outcome) -> None:
        """The load balancer must find it well: what answers on the machine may not answer through the load balancer.

        Raises `ReleaseFailed`.
        """
        group = self.release_target.groups.get(service.name)
        if group is None:
            return
        self.say("@step load balancer")
        state, reason = self._until(group.id, machine, {"healthy"}, HEALTHY_WITHIN)
        if state != "healthy":
            said = f"Load balancer health check: {state}: {reason or 'no reason given'}."
            expected = f"{service.health_path} with {service.healthy_codes}"
            remedy = f"It must answer {expected}, also with X-Forwarded-Proto: https."
            raise ReleaseFailed(service.name, machine, _unserved(outcome, said, health.offer(service, remedy, said)))
        path = service.asked(service.health_path)
        if public_check.served_by(self.release_target.settings.web_services.values(), path) != service.name:
            return
        times = 2 * len(self.release_target.machines[service.name]) + 1
        answers = public_check.ask(self.release_target.site + path, times, service.is_healthy)
        if answers.unasked:
            self.say(f"the URL could not be checked from this computer: {answers.unasked}")
        if answers.bad:
            said = f"Healthy on the machine, but not through the load balancer: {answers.bad}."
            remedy = (
                "Requests through the load balancer have X-Forwarded-For, X-Forwarded-Proto and the site's Host "
                "header: check how the program handles them."
            )
            raise ReleaseFailed(service.name, machine, _unserved(outcome, said, remedy))

    def _until(self, group: str, machine: ReleaseMachine, wanted: set[str], deadline: float) -> tuple[str, str]:
        """The target's state and AWS's reason, when it is one of `wanted` or time is up."""
        elbv2 = self.release_target.run.client("elbv2")
        state = reason = ""
        for _ in Polling(self.release_target.run.polling.floor, 2.0).ticks(self.release_target.run.stop, deadline):
            asked = elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": machine.id}])
            found = asked["TargetHealthDescriptions"][0]["TargetHealth"]
            state, reason = found["State"], found.get("Description", "")
            if state in wanted or found.get("Reason") == "Target.InvalidState":  # AWS: stopped or terminated
                break
        return state, reason

    def _tidy(self, service: str) -> None:
        """Delete old archives; their commits are in git."""
        s3 = self.release_target.run.client("s3")
        for id in self.release_target.ids(service)[ARCHIVES_KEPT:]:
            for ending in (".json", ".tar.gz"):
                s3.delete_object(Bucket=self.release_target.artifacts, Key=f"releases/{service}/{id}{ending}")


def _same(now: dict[str, Any], manifest: Manifest) -> bool:
    """Check whether the current release has this commit, and what this manifest says of its setup."""
    wanted = manifest.document()
    # Releases of earlier versions do not have these fields.
    added: dict[str, Any] = {
        "health_status": Manifest.health_status,
        "health_protocol": Manifest.health_protocol,
        "keep_dev": Manifest.keep_dev,
        "variables": {},
        "node": wanted["node"] if manifest.node is None or manifest.node.is_default else None,
    }
    known = {**added, **now}
    fields = ("commit", "port", "behind", "health", *added)
    return all(known.get(name) == wanted[name] for name in fields)


def _unserved(outcome: Outcome, diagnosis: str, remedy: str) -> Outcome:
    """Outcome of a release that is healthy on the machine, but not through the load balancer."""
    return replace(outcome, outcome="failed", step="load balancer", diagnosis=diagnosis, remedy=remedy)


def _service_of(machine: Instance | AutoScalingGroup) -> str:
    return machine.service if isinstance(machine, Instance) else machine.template.service


def _everywhere(machines: list[ReleaseMachine], id: str) -> bool:
    return all(one.release == id for one in machines)
