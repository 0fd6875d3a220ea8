"""Rows come to a recording: calls by operation, statuses by kind with their times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from awsdeploy.aws.calls import AnsweredCall
from awsdeploy.engine.resource import Observed
from awsdeploy.errors import UsageError
from awsdeploy.rehearsal import recording
from awsdeploy.rehearsal.recorder import Recorder
from awsdeploy.rehearsal.recording import Header, RecordedCommand
from awsdeploy.resources.database.instance import Database
from awsdeploy.resources.web.target_health import TargetsHealthy

HEADER = Header("other", "ap-northeast-2", 60.0, False, "2026-11-27")


def call(at: float, outcome: str = "ok", seconds: float = 0.1, **answer: Any) -> dict[str, Any]:
    row = {"at": at, "call": "ec2:DescribeVpcs", "outcome": outcome, "seconds": seconds}
    return row | ({"shape": answer} if outcome == "ok" else {})


def look(at: float, whole: bool = True, **states: str) -> dict[str, Any]:
    row = {"at": at, "kind": "Database", "region": "r", "states": states, "ready": ["available"]}
    return row | {"whole": whole}


def recorded(*rows: dict[str, Any]) -> dict[str, Any]:
    return recording.document(HEADER, [RecordedCommand("up", 0, 12.34, rows=rows)])


def test_calls_are_counted_by_operation() -> None:
    calls = recorded(call(1, A="string"), call(2, B="number", seconds=0.5), call(3, "Throttling", 0.2))["calls"]
    assert calls == {
        "ec2:DescribeVpcs": {
            "count": 3,
            "errors": {"Throttling": 1},
            "seconds": {"median": 0.2, "most": 0.5},
            "answer": {"A": "string", "B": "number"},
        }
    }


def test_statuses_have_their_times() -> None:
    rows = [look(100, a="creating"), look(400, a="backing-up"), look(430, a="available"), look(500), look(600)]
    assert recorded(*rows)["statuses"] == {
        "Database": {
            "creating": {"objects": 1, "after": 0, "lasted": 300, "then": ["backing-up"]},
            "backing-up": {"objects": 1, "after": 300, "lasted": 30, "then": ["available"]},
            "available": {"objects": 1, "after": 330, "then": ["gone"]},
        }
    }


def test_what_one_gate_observes_says_nothing_of_another() -> None:
    rows = [look(1, whole=False, a="initial"), look(2, whole=False, b="initial"), look(5, whole=False, a="healthy")]
    assert recorded(*rows)["statuses"]["Database"]["initial"]["then"] == ["healthy"]


def test_a_kind_to_which_aws_gives_no_status_is_left_out() -> None:
    assert recorded(look(1, a="available"))["statuses"] == {}


def test_an_act_says_how_it_ended() -> None:
    made = recording.document(HEADER, [RecordedCommand("kill", -9, 3.21, "ec2:RunInstances", (call(1), look(2)))])
    assert made["acts"] == [{"act": "kill", "exit": -9, "seconds": 3.2, "calls": 1, "killed_after": "ec2:RunInstances"}]
    assert (made["clock"], made["endpoint"], made["version"]) == (60.0, "other", 1)


def test_a_row_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('{"at": 1}\n{"at": 2, "ca')
    assert list(recording.rows(path)) == [{"at": 1}]
    assert list(recording.rows(tmp_path / "none")) == []


def test_only_words_are_recorded_of_codes_and_statuses(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    recorder = Recorder(path)
    for outcome in ("InvalidGroup.NotFound", "404", "no answer", "shop-prod", "123456789012", "<html>10.0.0.1</html>"):
        recorder.called(AnsweredCall("ec2", "DescribeVpcs", 0.1, outcome))
    observations = [
        Observed(Database, "database/mysql", f"db-{n}", status=said) for n, said in enumerate(("backing-up", "a.b"))
    ]
    recorder.looked(Database, "r", observations)
    rows = list(recording.rows(path))
    assert [row["outcome"] for row in rows[:-1]] == ["InvalidGroup.NotFound", "404", "no answer", *["unreadable"] * 3]
    assert sorted(rows[-1]["states"].values()) == ["backing-up", "unreadable"]
    assert "db-0" not in path.read_text()


def test_a_look_that_finds_the_same_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    recorder = Recorder(path)
    for status in ("initial", "initial", "healthy"):
        for id in ("one", "two"):
            recorder.looked(TargetsHealthy, "r", [Observed(TargetsHealthy, "web/x", id, status=status)])
    assert len(list(recording.rows(path))) == 4


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "it is not JSON"),
        ("[]", "is not a recording"),
        ('{"format": "x"}', "is not a recording"),
        (json.dumps({"format": recording.FORMAT, "version": 2}), "reads version 1"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=said) as refused:
        recording.read(path)
    assert refused.value.hint
