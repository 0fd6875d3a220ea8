"""Output of a run: forecast, plain lines, JSON lines, the board."""

from __future__ import annotations

import io
import json
import re
import time
from datetime import timedelta, timezone

import pytest
from rich.console import Console

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.progress import console
from awsdeploy.progress.console import Board
from awsdeploy.progress.forecast import Forecast
from awsdeploy.progress.steps import BoardRow, DisplayClock, Progress, spell

STEPS = [
    ("VPC and subnets", [BoardRow("network/vpc", "VPC", 2), BoardRow("network/nat", "NAT gateway", 105)]),
    ("RDS database", [BoardRow("database/mysql", "database", 600)]),
]
CHAIN = Forecast(
    {"network/vpc": set(), "network/nat": {"network/vpc"}, "database/mysql": {"network/vpc"}},
    {"network/vpc": 2, "network/nat": 105, "database/mysql": 600},
)


@pytest.fixture
def output(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capfd


def test_forecast_is_the_longest_chain_left() -> None:
    assert CHAIN.longest == 602
    assert CHAIN.left({"network/vpc"}, {"database/mysql": 590.0, "network/nat": 5.0}) == 100
    assert CHAIN.left({"network/vpc", "database/mysql"}, {}) == 105
    assert CHAIN.left(set(CHAIN._usual), {}) == 0


def test_forecast_of_something_late_is_not_over() -> None:
    assert CHAIN.left({"network/vpc", "network/nat"}, {"database/mysql": 900.0}) == 60


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59.6, "1 min"), (250, "4 min 10 s"), (3600, "1 h"), (3900, "1 h 5 min")]
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert spell(seconds) == said


def test_the_clock_shown_is_the_sandboxs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWSDEPLOY_CLOCK", f"60:{time.time()}:0")
    clock = DisplayClock.given(timezone(timedelta(hours=9)))
    assert clock.of(2) == 120
    assert f"{clock.now():%Y-%m-%d %H %z}" == "1970-01-01 09 +0900"


@pytest.mark.parametrize("said", ["", "fast", "60", "0:1:2", "60:x:y", "-1:0:0"])
def test_a_clock_that_makes_no_sense_is_ours(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("AWSDEPLOY_CLOCK", said)
    clock = DisplayClock.given()
    assert clock.of(2) == 2
    assert abs(clock.now().timestamp() - time.time()) < 60


def test_plain_lines_where_there_is_no_terminal(output: pytest.CaptureFixture[str]) -> None:
    with console.show_progress(STEPS, clock=DisplayClock(60)) as emit:
        emit(ResourceEvent("network/vpc", "ready"))
        emit(ResourceEvent("database/mysql", "creating", usual=600, at=0))
        emit(ResourceEvent("database/mysql", "waiting", "backing-up"))
        emit(ResourceEvent("database/mysql", "ready", "available", at=10))
        emit(ResourceEvent("network/nat", "failed", detail="The limit is reached."))
    out, err = output.readouterr()
    assert out == ""
    lines = [re.sub(r"^\d\d:\d\d:\d\d\+0000 ", "", line) for line in err.splitlines()]
    assert [" ".join(line.split()) for line in lines] == [
        "database/mysql creating (usually 10 min)",
        "database/mysql waiting: backing-up",
        "database/mysql ready after 10 min",
        "network/nat FAILED: The limit is reached.",
    ]


def test_heartbeat_says_what_is_waited_for(output: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "HEARTBEAT", 0.02)
    err = ""
    with console.show_progress(STEPS, clock=DisplayClock(1), forecast=CHAIN) as emit:
        emit(ResourceEvent("database/mysql", "waiting", "creating"))
        deadline = time.monotonic() + 20
        while err.count("waiting for") < 2 and time.monotonic() < deadline:
            err += output.readouterr().err
    assert re.search(r"waiting for database/mysql \(creating\); \d s so far, about 10 min 2 s left", err)


def test_json_lines_are_json(output: pytest.CaptureFixture[str]) -> None:
    with console.show_progress(STEPS, clock=DisplayClock(), as_json=True) as emit:
        emit(ResourceEvent("database/mysql", "waiting", "creating"))
        emit(ResourceEvent("unheard/of", "gone"))
    first, second = (json.loads(line) for line in output.readouterr().err.splitlines())
    assert (first["step"], first["key"], first["phase"], first["status"]) == (
        "RDS database",
        "database/mysql",
        "waiting",
        "creating",
    )
    assert second["step"] == "Other"


def drawn(progress: Progress, height: int = 40, width: int = 100) -> str:
    paper = io.StringIO()
    Console(file=paper, width=width, height=height, color_system=None, legacy_windows=False).print(Board(progress))
    return paper.getvalue()


def test_board_groups_by_step_and_shows_what_is_at_work() -> None:
    progress = Progress(STEPS, DisplayClock(60), CHAIN)
    for event in (
        ResourceEvent("network/vpc", "creating", at=0),
        ResourceEvent("network/vpc", "ready", at=1),
        ResourceEvent("network/nat", "ready"),
        ResourceEvent("database/mysql", "waiting", "creating", at=time.monotonic() - 5),
    ):
        progress.take(event)
    lines = drawn(progress).splitlines()
    assert re.fullmatch(r"✓ VPC and subnets +2 of 2", lines[0])
    assert re.fullmatch(r"… RDS database +0 of 1", lines[1])
    assert re.fullmatch(r" +database/mysql +creating +5 min( \d s)? of about 10 min", lines[2])
    assert re.search(r"so far, about [45] min( \d+ s)? left", lines[3])


def test_board_fits_any_terminal() -> None:
    steps = [(f"Step {number}", [BoardRow(f"step/{number}", "thing")]) for number in range(60)]
    progress = Progress(steps, DisplayClock())
    progress.take(ResourceEvent("step/59", "waiting", "pending"))
    board = drawn(progress, height=10, width=40)
    assert len(board.splitlines()) <= 10
    assert max(map(len, board.splitlines())) <= 40
    assert "step/59" in board
    assert "so far" in board


def test_a_failure_stays_on_the_board_with_its_cause() -> None:
    progress = Progress(STEPS, DisplayClock())
    progress.take(ResourceEvent("database/mysql", "failed", detail="no such class"))
    assert "✗ RDS database" in drawn(progress)
    assert "FAILED: no such class" in drawn(progress)
