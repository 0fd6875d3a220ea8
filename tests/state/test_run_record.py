"""A run in a stack's record: it always fits, and what cannot be read is no run."""

from __future__ import annotations

import json

import pytest

from awsdeploy.state.run_record import LARGEST, RunSummary, recorded

RECORD = {
    "account": "123456789012",
    "regions": ["ap-northeast-2"],
    "version": "1",
    "since": "2026-11-28T10:00:00+00:00",
}
KEYS = tuple(f"monitoring/alarms/service-{number}-memory" for number in range(500))


def run(**more: object) -> RunSummary:
    return RunSummary(3, "up", "done", 12.5, "kim", "laptop", "1.0", **more)  # type: ignore[arg-type]


def test_a_run_is_read_as_it_was_written() -> None:
    made = run(counts={"created": 1}, created=["web/alb"], interrupted="`up` by kim")
    assert RunSummary.read(json.loads(json.dumps(recorded(RECORD, made)))) == made


def test_a_run_of_many_changes_fits_a_parameter_and_says_how_many_there_were() -> None:
    value = recorded(
        RECORD, run(counts={"created": 500, "deleted": 500}, created=KEYS, deleted=KEYS, interrupted="x" * 99)
    )
    assert len(json.dumps(value).encode()) <= LARGEST
    read = RunSummary.read(value)
    assert read is not None
    assert read.counts == {"created": 500, "deleted": 500}
    assert 10 < len(read.created) < 500
    assert value["account"] == RECORD["account"]


def test_the_record_of_the_stack_itself_stays() -> None:
    assert {name: recorded(RECORD, run())[name] for name in RECORD} == RECORD


@pytest.mark.parametrize(
    "record", [None, {}, {"run": 3}, {"run": {"number": "3"}}, {"run": {"number": 3, "of_another_version": True}}]
)
def test_what_cannot_be_read_is_no_run(record: dict[str, object] | None) -> None:
    assert RunSummary.read(record) is None
