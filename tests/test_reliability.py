"""The table of `make torture`, from reports to the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability import BEGIN, END, ROWS, Reliability

CRASH = "tests/system/test_crashes.py::test_every_crash_is_survived"


def test_twins_and_leaks_are_counted_where_tests_record_them(tmp_path: Path) -> None:
    found = Reliability(tmp_path / "unused")
    found.add(f"{CRASH}[up-kill-before-1]", "passed", {"twins": 0, "leaks": 0})
    found.add(f"{CRASH}[up-kill-before-2]", "failed", {"twins": 2, "leaks": 1})
    found.add("tests/aws/test_credentials.py::test_any", "skipped", {})
    found.points = {ROWS[0].what: 130, ROWS[-1].what: 1}
    lines = found.table().splitlines()
    assert lines[2] == "| `up` killed before a write reaches AWS | 130 | 2 | 1 | 0 | 2 | 1 |"
    assert lines[-1] == "| other variants that `make test` leaves out | 1 | 1 | 0 | 1 | – | – |"
    assert len(lines) == 2 + len(ROWS)


EVERY = [*(f"{CRASH}[up-kill-before-{number}]" for number in range(100)), "tests/aws/test_credentials.py::test_any"]


def test_a_seed_draws_as_many_points_of_a_row_as_fit() -> None:
    first, again, other = (Reliability(Path("unused"), seed) for seed in (1, 1, 2))
    chosen = first.choose(EVERY)
    assert len(chosen) == (ROWS[0].drawn or 0) + 1
    assert EVERY[-1] in chosen
    assert chosen == again.choose(EVERY)
    assert chosen != other.choose(EVERY)
    assert first.points == {ROWS[0].what: 100, ROWS[-1].what: 1}


def test_without_a_seed_every_point_is_tried() -> None:
    assert Reliability(Path("unused")).choose(EVERY) == set(EVERY)


def test_the_file_keeps_its_text_and_gets_the_last_run(tmp_path: Path) -> None:
    file = tmp_path / "reliability.md"
    file.write_text(f"Words.\n{BEGIN}{END}More.\n")
    found = Reliability(file)
    found.write()
    found.write()
    text = file.read_text()
    assert text.startswith("Words.\n" + BEGIN + "Commit ")
    assert text.endswith(END + "More.\n")
    assert text.count("| what | points | tried |") == 1


SUITE = {
    "conftest.py": """
from pathlib import Path
from tests.reliability import Reliability

def pytest_configure(config):
    config.pluginmanager.register(Reliability(Path({file!r}), seed=1))
""",
    "test_above.py": "def test_passes(): pass\n\ndef test_is_not_chosen(): pass",
    "folder/conftest.py": "",
    "folder/test_below.py": "def test_fails(): assert False",
}


def test_several_workers_report_to_one_table(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """A conftest for one folder only: it makes pytest compare its plugins at each report."""
    file = tmp_path / "reliability.md"
    file.write_text(f"{BEGIN}{END}")
    for name, text in SUITE.items():
        path = tmp_path / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{file!r}", repr(str(file))))
    command = [sys.executable, "-m", "pytest", "-n", "2", "-k", "passes or fails", str(tmp_path / "suite")]
    done = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "| 2 | 2 | 1 | 0 | – | – |" in file.read_text()
