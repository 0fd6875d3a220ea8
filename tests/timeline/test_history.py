"""The file of the runs: written as a run goes on, read again after a crash, a full disk and damage."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.errors import Interrupted, Refused
from awsdeploy.progress.steps import DisplayClock
from awsdeploy.timeline import history
from awsdeploy.timeline.history import KEPT_RUNS, NEVER_ENDED
from awsdeploy.timeline.recorder import RunRecorder, recorded
from tests.timeline.made_up import ROWS

CLOCK = DisplayClock(speed=60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return history.path_of(tmp_path / ".awsdeploy" / "shop-prod.json")


def one_run(path: Path, command: str = "up", phases: tuple[str, ...] = ("creating", "ready")) -> RunRecorder:
    with recorded(path, command, ROWS, CLOCK) as recorder:
        for phase in phases:
            recorder.tell(ResourceEvent("network/vpc", phase, at=recorder._begun + 1))
    return recorder


def test_a_run_is_read_as_it_was_written(path: Path) -> None:
    written = one_run(path).run
    (run,) = history.read(path).runs
    assert (run.number, run.command, run.outcome, run.rows) == (1, "up", "done", ROWS)
    assert [(one.at, one.phase) for one in run.moments] == [(60.0, "creating"), (60.0, "ready")]
    assert (run.seconds, run.began) == (written.seconds, written.began)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_run_that_writes_nothing_is_not_recorded(path: Path) -> None:
    one_run(path, phases=("waiting", "ready"))
    assert not path.exists()


def test_the_last_runs_are_kept_and_their_numbers_go_on(path: Path) -> None:
    for _ in range(KEPT_RUNS + 2):
        one_run(path)
    assert [run.number for run in history.read(path).runs] == list(range(3, KEPT_RUNS + 3))


def test_a_run_that_is_killed_keeps_what_it_had(path: Path) -> None:
    one_run(path)
    with recorded(path, "up", ROWS, CLOCK) as recorder:
        recorder.tell(ResourceEvent("network/vpc", "creating", at=recorder._begun + 2))
        text = path.read_text()
    path.write_text(text + '[2, 130.5, "netw')  # as the process was killed while it wrote
    killed = history.read(path)
    assert [run.outcome for run in killed.runs] == ["done", NEVER_ENDED]
    assert (killed.runs[1].seconds, killed.damaged) == (120.0, 0)
    one_run(path)
    after = history.read(path)
    assert [(run.number, run.outcome) for run in after.runs] == [(1, "done"), (2, NEVER_ENDED), (3, "done")]
    assert after.damaged == 0


@pytest.mark.parametrize("outcome", ["failed", "stopped"])
def test_a_run_that_fails_says_so(path: Path, outcome: str) -> None:
    error = {"failed": ValueError("x"), "stopped": Interrupted("x")}[outcome]

    def run() -> None:
        with recorded(path, "up", ROWS, CLOCK) as recorder:
            recorder.tell(ResourceEvent("network/vpc", "creating"))
            raise error

    with pytest.raises(type(error)):
        run()
    assert history.read(path).runs[0].outcome == outcome


DAMAGE = [
    "rubbish",
    "{}",
    "[]",
    "null",
    '{"run": 9, "ended": 3, "outcome": "done"}',
    '[1, NaN, "network/vpc", "ready", ""]',
    '[1, -5, "network/vpc", "ready", ""]',
    '[1, 5, 7, "ready", ""]',
    '[1, 5, "network/vpc", "ready", "", "more"]',
    '{"run": 2, "version": 99, "command": "up", "began": "2026-11-28T03:00:00+00:00", "rows": []}',
    '{"run": 2, "version": 1, "command": "up", "began": "yesterday", "rows": []}',
    '{"run": 2, "version": 1, "command": "up", "began": 5, "rows": []}',
    '{"run": 2, "version": 1, "command": "up", "began": "2026-11-28T03:00:00+00:00", "rows": [5]}',
    "[" * 100_000,
    "\x00\x00\x00",
]


@pytest.mark.parametrize("line", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_line_is_left_out_and_removed_by_the_next_run(path: Path, line: str) -> None:
    one_run(path)
    good = path.read_text().splitlines(keepends=True)
    path.write_text(good[0] + good[1] + line + "\n" + "".join(good[2:]))
    found = history.read(path)
    assert (len(found.runs), found.damaged, found.runs[0].outcome) == (1, 1, "done")
    assert one_run(path).damaged == 1
    assert history.read(path).damaged == 0
    assert len(history.read(path).runs) == 2


def test_a_file_of_rubbish_is_no_failure(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 50 + b"\n")
    assert history.read(path).runs == []
    one_run(path)
    assert [run.number for run in history.read(path).runs] == [1]


def test_a_link_is_refused_before_the_run(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    (tmp_path / "elsewhere").write_text("precious")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="symbolic link"), recorded(path, "up", ROWS, CLOCK):
        pytest.fail("the run began")
    assert (tmp_path / "elsewhere").read_text() == "precious"


@pytest.mark.parametrize("where", ["folder", "full"])
def test_a_file_that_cannot_be_written_stops_no_run(path: Path, where: str) -> None:
    if where == "folder":
        path.mkdir(parents=True)
    with recorded(path, "up", ROWS, CLOCK) as recorder:
        recorder.tell(ResourceEvent("network/vpc", "creating"))
        if where == "full":
            recorder._file = open("/dev/full", "w")  # noqa: SIM115 - the disk is full from now on
        recorder.tell(ResourceEvent("network/vpc", "ready"))
    assert recorder.failure == {"folder": "Is a directory", "full": "No space left on device"}[where]


def test_many_threads_write_whole_lines(path: Path) -> None:
    with recorded(path, "up", ROWS, CLOCK) as recorder:

        def work(number: int) -> None:
            for phase in ("creating", "waiting", "ready"):
                recorder.tell(ResourceEvent(f"a/{number}", phase))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = history.read(path)
    assert (found.damaged, len(found.runs[0].moments)) == (0, 150)


def test_what_repeats_itself_is_recorded_once(path: Path) -> None:
    one_run(path, phases=("deleting", "deleting", "deleting", "gone"))
    assert [one.phase for one in history.read(path).runs[0].moments] == ["deleting", "gone"]


def test_messages_are_not_recorded(path: Path) -> None:
    with recorded(path, "up", ROWS, CLOCK) as recorder:
        recorder.tell(ResourceEvent("network/vpc", "creating", "pending", detail="hunter2"))
        recorder.tell(ResourceEvent("network/vpc", "failed", detail="password hunter2 refused"))
    assert "hunter2" not in path.read_text()


def test_the_run_before_is_the_last_of_the_same_command_that_ended(path: Path) -> None:
    for command in ("up", "destroy", "up"):
        one_run(path, command)
    found = history.read(path)
    assert found.before(found.runs[2]) is found.runs[0]
    assert found.before(found.runs[0]) is None
    found.runs[0].outcome = "failed"
    assert found.before(found.runs[2]) is None
