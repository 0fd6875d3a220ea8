"""Pause of a stack: what is billed by the hour and can be stopped is stopped, and nothing that holds data is deleted.

AWS: a stopped machine keeps its disk and gives back its public address. A stopped database keeps its storage and its
backups, and RDS starts it by itself after seven days (Amazon RDS User Guide, Stopping a DB instance temporarily).
`up` starts everything again: a stopped object differs from what is declared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.engine import schedule
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import Aws, Observed, Resource
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import combined_error
from awsdeploy.errors import TimedOut
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup, autoscaling
from awsdeploy.resources.compute.instance import Instance, disks
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.database.deletion import BUSY
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.monitoring.alarm import Alarm

STARTS_AGAIN = timedelta(days=7)
"""Time after which RDS starts a stopped database by itself."""
DEADLINE = 1800.0
"""Seconds until a stop is given up. AWS: minutes, for a database too."""
STOPPED = "stopped"


@dataclass(frozen=True)
class Pausable:
    """Way in which objects of a kind are paused."""

    is_paused: Callable[[Observed], bool]
    stop: Callable[[Aws, Observed], object]
    effect: str
    """Effect on the object, for people: a verb and more."""
    refusal: str = ""
    """AWS's code while it is at work on the object: the call is sent again."""


def _silence(aws: Aws, alarm: Observed) -> None:
    def silence_all(names: Sequence[str]) -> None:
        aws.client("cloudwatch").disable_alarm_actions(AlarmNames=list(names))

    aws.together("paused alarms", alarm.id, silence_all, most=100)


def _stop_machine(aws: Aws, machine: Observed) -> None:
    aws.ec2.stop_instances(InstanceIds=[machine.id])


def _end_members(aws: Aws, group: Observed) -> None:
    autoscaling(aws).update_auto_scaling_group(AutoScalingGroupName=group.id, MinSize=0, DesiredCapacity=0)


def _stop_database(aws: Aws, database: Observed) -> None:
    aws.rds.stop_db_instance(DBInstanceIdentifier=database.id)


HOW: Mapping[type[Resource], Pausable] = {
    Alarm: Pausable(lambda one: not one.raw.get("ActionsEnabled"), _silence, "sends no messages"),
    Instance: Pausable(lambda one: one.status == STOPPED, _stop_machine, "stops", "IncorrectInstanceState"),
    AutoScalingGroup: Pausable(
        lambda one: not one.raw.get("MinSize") and not one.raw.get("Instances"),
        _end_members,
        "ends its machines, and starts new ones later",
        "ScalingActivityInProgress",
    ),
    Database: Pausable(lambda one: one.status == STOPPED, _stop_database, "stops", BUSY),
}


def running(run: Run) -> list[Observed]:
    """Objects of the stack that a pause stops, and alarms that it silences. Raises `NoSuchStack`."""
    observations = run.look_everywhere(run.read_record)
    if not observations and run.record is None:
        raise run.missing
    return [one for one in observations if _can_be_paused(one) and not HOW[one.kind].is_paused(one)]


def is_paused(observations: Iterable[Observed]) -> bool:
    """Check whether all machines and the database are stopped."""
    found = [one for one in observations if _can_be_paused(one) and one.kind is not Alarm]
    return bool(found) and all(HOW[one.kind].is_paused(one) for one in found)


def after(observations: Sequence[Observed]) -> list[Observed]:
    """Objects as they are after a pause: machines of Auto Scaling groups are gone, with their disks."""
    stopping = (Instance, Database)
    members = [one for one in observations if one.kind is Member]
    gone = {one.id for one in members} | {disk for one in members for disk in disks(one)}
    return [
        dataclasses.replace(one, status=STOPPED) if one.kind in stopping and _can_be_paused(one) else one
        for one in observations
        if one.id not in gone
    ]


def pause(run: Run, observations: Sequence[Observed]) -> None:
    """Silence the alarms, then stop everything at once and wait.

    Raises, after everything possible is done, `AwsFailure` naming each cause once, `TimedOut`, or what stopped the run.
    """
    alarms = {one for one in observations if one.kind is Alarm}
    needs = {one: set() if one in alarms else alarms for one in observations}

    def stop(observed: Observed) -> None:
        with run.reporting(observed.key):
            _stop(run, observed)
        run.emit(ResourceEvent(observed.key, "ready", STOPPED))

    with run.writing("pause"):
        errors = schedule.run(needs, stop, run.stop)
    if errors:
        raise combined_error((observed.key, error) for observed, error in errors.items())


def _stop(run: Run, observed: Observed) -> None:
    how, view, shown, sent = HOW[observed.kind], run.view_of(observed), observed.status, False
    for _ in run.polling.ticks(run.stop, DEADLINE):
        if how.is_paused(observed):
            return
        if observed.remedy:
            raise observed.failure()
        if not sent and observed.state.usable:
            try:
                run.emit(ResourceEvent(observed.key, "changing", detail=how.effect))
                how.stop(view, observed)
                sent = True
            except AwsRefusal as refusal:
                if refusal.code != how.refusal:
                    raise
        observed = run.seen(observed.kind, observed.region, observed.id) or observed
        if observed.status != shown and not how.is_paused(observed):
            shown = observed.status
            run.emit(ResourceEvent(observed.key, "waiting", shown, usual=observed.kind.wait.usual))
    raise TimedOut(f"{observed.id} is still {observed.status}; AWS continues.", "Run the same command again later.")


def _can_be_paused(observed: Observed) -> bool:
    """Not what is being deleted, and not a database beside the stack's own: a restore or a drill uses it."""
    return observed.kind in HOW and not observed.state.leaving and not observed.kind.kept_for(observed)
