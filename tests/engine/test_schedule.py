"""Order of work over a graph, and what becomes of the rest when a part fails or the run is stopped."""

from __future__ import annotations

import pytest

from awsdeploy.aws.waiting import Cancellation
from awsdeploy.engine import schedule
from awsdeploy.errors import AwsFailure, Interrupted

NEEDS: dict[str, set[str]] = {"vpc": set(), "subnet": {"vpc"}, "machine": {"subnet"}, "bucket": set()}


def test_what_needs_a_failed_one_is_skipped_and_the_rest_is_done() -> None:
    done, skipped = list[str](), list[str]()

    def work(node: str) -> None:
        if node == "vpc":
            raise AwsFailure("no more VPCs")
        done.append(node)

    errors = schedule.run(NEEDS, work, Cancellation(), skipped.append)
    assert list(errors) == ["vpc"]
    assert (done, skipped) == (["bucket"], ["subnet", "machine"])


def test_what_a_stopped_run_did_not_begin_is_not_called_skipped_for_a_failure() -> None:
    stop, skipped = Cancellation(), list[str]()

    def work(node: str) -> None:
        if node == "vpc":
            stop.abort(Interrupted("stopped"))
            stop.check()

    with pytest.raises(Interrupted):
        schedule.run(NEEDS, work, stop, skipped.append)
    assert skipped == []
