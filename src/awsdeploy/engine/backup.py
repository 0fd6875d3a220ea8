"""Copies of a stack's data on request: begun for everything that holds some, all at once, then waited for."""

from __future__ import annotations

from awsdeploy.aws.session import AnswerLost
from awsdeploy.engine import schedule
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.resource import KINDS, Observed
from awsdeploy.engine.run import Run
from awsdeploy.engine.summary import combined_error
from awsdeploy.errors import AwsFailure, NoSuchStack, TimedOut, next_command


def sources(run: Run) -> list[Observed]:
    """Everything of the stack that a copy can be made of. Raises `NoSuchStack` where there is nothing."""
    observations = [one for one in run.look_everywhere(run.read_record) if one.kind.copies]
    found = [one for one in observations if not one.state.leaving and not one.kind.kept_for(one)]
    if not found:
        raise NoSuchStack(
            f"Nothing in {run.stack} ({run.region}) can be backed up.",
            "Check name, environment, region and AWS_PROFILE.",
        )
    return found


def take(run: Run, observations: list[Observed], stamp: str) -> list[Observed]:
    """Copy each of `observations`; returns the copies as AWS has them when all are done.

    Raises, after everything possible is done, `AwsFailure` naming each cause once, `TimedOut`, or what stopped the run.
    """
    copies: dict[Observed, Observed] = {}

    def copy(observed: Observed) -> None:
        with run.reporting(observed.key):
            copies[observed] = _copied(run, observed, stamp)
        run.emit(ResourceEvent(observed.key, "ready", copies[observed].status, copies[observed].id))

    with run.writing("backup"):
        errors = schedule.run({one: set() for one in observations}, copy, run.stop)
    if errors:
        raise combined_error((observed.key, error) for observed, error in errors.items())
    return [copies[one] for one in observations]


def _copied(run: Run, observed: Observed, stamp: str) -> Observed:
    if observed.remedy:
        raise AwsFailure(
            f"AWS reports {observed.status}, which allows no snapshot: {observed.explained}", observed.remedy
        )
    view, kind = run.view_of(observed), KINDS[observed.kind.copies]
    run.emit(ResourceEvent(observed.key, "creating", usual=kind.wait.usual))
    try:
        id = observed.kind.back_up(view, observed, stamp)
    except AnswerLost:  # its name tells whether it was made
        id = observed.kind.back_up(view, observed, stamp)
    shown = ""
    for _ in run.polling.ticks(run.stop, kind.wait.deadline):
        seen = run.seen(kind, observed.region, id)
        if seen is None:
            continue
        if seen.state.usable:
            return seen
        if seen.remedy:
            raise seen.failure()
        if seen.status != shown:
            shown = seen.status
            run.emit(ResourceEvent(observed.key, "waiting", seen.status, id, kind.wait.usual))
    raise TimedOut(f"{id} is still {shown or 'not visible'}; AWS continues.", f"Check later: {next_command('backups')}")
