"""The critical path of a run that was computed by hand, and of runs that ended early."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from awsdeploy.timeline.critical_path import UNFINISHED, bars, critical_path
from awsdeploy.timeline.history import Moment, RecordedRun, RunRow
from tests.timeline.made_up import LEGS, ROWS, run


def test_the_critical_path_is_what_a_hand_computes_and_as_long_as_the_run() -> None:
    path = critical_path(run())
    assert [(leg.name, leg.seconds) for leg in path if leg.seconds] == LEGS
    assert sum(leg.seconds for leg in path) == 60.0
    assert all(one.end == after.begin for one, after in itertools.pairwise(path))


def test_what_ended_before_but_is_not_needed_is_not_on_the_path() -> None:
    made = run()
    rows = tuple(replace(row, needs=("network/vpc",)) if row.key == "dns/example.com" else row for row in ROWS)
    names = [leg.name for leg in critical_path(replace(made, rows=rows))]
    assert "database/mysql" not in names
    assert names[:3] == ["start of the run", "network/vpc", "dns/example.com"]


def test_what_is_replaced_is_deleted_after_everything_else() -> None:
    old = next(leg for leg in critical_path(run()) if leg.name == "machines/disk (old)")
    assert (old.begin, old.end) == (50.0, 58.0)


def test_a_bar_consists_of_its_statuses() -> None:
    (database,) = [bar for bar in bars(run()) if bar.name == "database/mysql"]
    assert [(span.name, span.begin, span.end) for span in database.spans] == [
        ("creating", 6.0, 40.0),
        ("backing-up", 40.0, 46.0),
    ]


def test_a_run_that_was_killed_ends_where_its_record_ends() -> None:
    killed = run(outcome="never ended", seconds=30.0)
    (database,) = [bar for bar in bars(killed) if bar.name == "database/mysql"]
    assert (database.result, database.end) == (UNFINISHED, 30.0)
    assert sum(leg.seconds for leg in critical_path(killed)) == 30.0


def test_a_resource_that_is_deleted_first_and_made_again_waits_for_itself() -> None:
    words = [(1, "deleting"), (9, "gone"), (10, "creating"), (30, "ready")]
    made = RecordedRun(
        1,
        "up",
        run().began,
        (RunRow("a/b", "x", "A"),),
        [Moment(at, "a/b", phase) for at, phase in words],
        30.0,
        "done",
    )
    assert [(leg.name, leg.seconds) for leg in critical_path(made)] == [
        ("start of the run", 1),
        ("a/b (old)", 8),
        ("a/b", 21),
    ]


@pytest.mark.parametrize("needs", [("a/b",), ("a/c",)])
def test_a_circle_in_a_file_that_was_edited_ends(needs: tuple[str, ...]) -> None:
    rows = (RunRow("a/b", "x", "A", needs), RunRow("a/c", "x", "A", ("a/b",)))
    moments = [Moment(0.0, key, "ready") for key in ("a/b", "a/c")]
    assert critical_path(RecordedRun(1, "up", run().began, rows, moments, 5.0, "done"))[-1].seconds == 5.0


def test_a_run_without_resources_has_a_path() -> None:
    (leg,) = critical_path(RecordedRun(1, "destroy", run().began, (), [], 3.0, "done"))
    assert leg.seconds == 3.0
