"""A run that is shown while it lasts and recorded for `timeline`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.session import Session

if TYPE_CHECKING:
    from awsdeploy.engine.events import ResourceEvent
    from awsdeploy.engine.resource import Observed, Resource
    from awsdeploy.progress.forecast import Forecast
    from awsdeploy.progress.steps import BoardRow
    from awsdeploy.timeline.history import RunRow
    from awsdeploy.timeline.recorder import RunRecorder


@contextmanager
def watched(
    at: Session,
    command: str,
    steps: Sequence[tuple[str, Sequence[BoardRow]]],
    needs: Mapping[str, Collection[str]],
    *,
    as_json: bool,
    forecast: Forecast | None = None,
    removals: Sequence[Observed] = (),
) -> Iterator[None]:
    """Show and record the events of the run in the block.

    `needs`: the keys that each key of the `steps` waits for. `removals`: what the run deletes, apart from the steps.
    """
    from awsdeploy.progress.console import show_progress
    from awsdeploy.timeline.history import RunRow, path_of
    from awsdeploy.timeline.recorder import recorded

    deletes = command == "destroy"
    rows = [
        RunRow(row.key, row.what, title, tuple(sorted(needs.get(row.key, ()))), deletes)
        for title, some in steps
        for row in some
    ]
    rows += deletions(removals)
    with recorded(path_of(at.run.state.path), command, rows, at.clock) as recorder:
        try:
            with show_progress(steps, clock=at.clock, as_json=as_json, forecast=forecast) as emit:

                def tell(event: ResourceEvent) -> None:
                    recorder.tell(event)
                    emit(event)

                at.run.listener = tell
                yield
        finally:
            _complain(recorder)


def steps_of(kinds: Mapping[str, type[Resource]]) -> list[tuple[str, list[BoardRow]]]:
    """Rows of a run by the documented step: for each key the kind that is made or changed."""
    from awsdeploy.architecture import title_of
    from awsdeploy.progress.steps import BoardRow

    rows: dict[str, list[BoardRow]] = {}
    for key, kind in kinds.items():
        rows.setdefault(title_of(key), []).append(BoardRow(key, kind.noun(), kind.wait.usual))
    return list(rows.items())


def deletions(observations: Sequence[Observed]) -> list[RunRow]:
    """The rows of objects to delete: each waits for those that are deleted before it."""
    from awsdeploy.architecture import title_of
    from awsdeploy.engine import teardown
    from awsdeploy.timeline.history import RunRow

    users: dict[str, set[str]] = {}
    for observed, before in teardown.order(observations).items():
        users.setdefault(observed.key, set()).update({one.key for one in before} - {observed.key})
    nouns = {one.key: one.kind.noun() for one in observations}
    return [RunRow(key, nouns[key], title_of(key), tuple(sorted(before)), True) for key, before in users.items()]


def _complain(recorder: RunRecorder) -> None:
    """Say what went wrong with the record; the run itself did not notice."""
    path = recorder.path
    if recorder.failure:
        click.echo(f"The times of this run are not recorded: {path} cannot be written: {recorder.failure}.", err=True)
    if recorder.damaged:
        click.echo(
            f"{path} was damaged: {recorder.damaged} lines were removed. It only holds the times of runs.", err=True
        )
