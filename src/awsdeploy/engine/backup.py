"""Copies of a stack's data on request: begun for everything that holds some, all at once, then waited for."""

from __future__ import annotations

from awsdeploy.aws.session import AnswerLost
from awsdeploy.engine import schedule
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import KINDS, Observed
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import summed_up
from awsdeploy.errors import AwsdeployError, AwsFailure, NoSuchStack, TimedOut, next_command


def sources(run: Run) -> list[Observed]:
    """Everything of the stack that a copy can be made of. Raises `NoSuchStack` where there is nothing."""
    lives = [live for live in run.look_everywhere(run.read_record) if live.kind.copies]
    found = [live for live in lives if not live.state.leaving]
    if not found:
        raise NoSuchStack(
            f"Nothing in {run.stack} ({run.region}) can be backed up.",
            "Check name, environment, region and AWS_PROFILE.",
        )
    return found


def take(run: Run, lives: list[Observed], stamp: str) -> list[Observed]:
    """Copy each of `lives`; returns the copies as AWS has them when all are done.

    Raises, after everything possible is done, `AwsFailure` naming each cause once, `TimedOut`, or what stopped the run.
    """
    copies: dict[Observed, Observed] = {}

    def copy(live: Observed) -> None:
        try:
            copies[live] = _copied(run, live, stamp)
        except AwsdeployError as error:
            if not run.stop.stopped:
                run.emit(ResourceEvent(live.key, "failed", detail=error.message))
            raise
        run.emit(ResourceEvent(live.key, "ready", copies[live].status, copies[live].id))

    with run.stack_lock.held("backup", run.stop):
        errors = schedule.run({live: set() for live in lives}, copy, run.stop)
    if errors:
        raise summed_up((live.key, error) for live, error in errors.items())
    return [copies[live] for live in lives]


def _copied(run: Run, live: Observed, stamp: str) -> Observed:
    if live.remedy:
        raise AwsFailure(f"AWS reports {live.status}, which allows no snapshot: {live.explained}", live.remedy)
    view, kind = run.view_of(live), KINDS[live.kind.copies]
    run.emit(ResourceEvent(live.key, "creating", usual=kind.wait.usual))
    try:
        id = live.kind.back_up(view, live, stamp)
    except AnswerLost:  # its name tells whether it was made
        id = live.kind.back_up(view, live, stamp)
    shown = ""
    for _ in run.polling.ticks(run.stop, kind.wait.deadline):
        seen = run.seen(kind, live.region, id)
        if seen is None:
            continue
        if seen.state.usable:
            return seen
        if seen.remedy:
            raise seen.failure()
        if seen.status != shown:
            shown = seen.status
            run.emit(ResourceEvent(live.key, "waiting", seen.status, id, kind.wait.usual))
    raise TimedOut(f"{id} is still {shown or 'not visible'}; AWS continues.", f"Check later: {next_command('backups')}")
