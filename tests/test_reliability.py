"""The table of `make torture`, from reports to the file."""

from __future__ import annotations

from pathlib import Path

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
