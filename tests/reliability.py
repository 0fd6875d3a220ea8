"""Table of what `make torture` found, written into docs/reliability.md.

A test that counts objects that exist twice or were left behind records both numbers before it fails because of them.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

ROWS = (
    ("`up` killed before a write reaches AWS", "test_every_crash_is_survived[up-kill-before-"),
    ("`up` killed after a write, before its answer", "test_every_crash_is_survived[up-kill-after-"),
    ("`up`: the answer to a write is lost", "test_every_crash_is_survived[up-lost-answer-"),
    ("`destroy` killed before a write reaches AWS", "test_every_crash_is_survived[destroy-kill-before-"),
    ("`destroy` killed after a write, before its answer", "test_every_crash_is_survived[destroy-kill-after-"),
    ("`destroy`: the answer to a write is lost", "test_every_crash_is_survived[destroy-lost-answer-"),
    ("Auto Scaling: any of the three, at each write it adds", "scaling/test_scaling_crashes.py"),
    ("`deploy`: client, agent or machine lost, at each step", "cli/test_deploy_interrupted.py"),
    ("a release killed on the machine, at each step", "machine/test_release_interrupted.py"),
    ("a release that fails to build or to answer", "machine/test_release_failures.py"),
    ("each database status, during `plan`, `up`, `destroy`", "system/test_database_statuses.py"),
    ("each attribute changed by hand", "system/drift/test_drift.py"),
    ("each permission missing", "permissions/test_policy.py"),
    ("each documented value altered in the code", "system/mutants/test_mutants.py"),
    ("other variants that `make test` leaves out", ""),
)
"""Each disturbance, and the part of a test's id that tells it. The first that fits counts."""
BEGIN, END = "<!-- the last run -->\n", "<!-- end of the last run -->\n"


@dataclass
class Outcomes:
    """Outcomes of one kind of disturbance; `counted` has how many objects existed twice or were left behind."""

    by_outcome: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    counts: bool = False


@dataclass
class Reliability:
    """Collects the reports of a run, and writes the table at its end."""

    file: Path
    started: float = field(default_factory=monotonic)
    rows: dict[str, Outcomes] = field(default_factory=lambda: {what: Outcomes() for what, _ in ROWS})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.add(report.nodeid, report.outcome, dict(report.user_properties))

    def add(self, id: str, outcome: str, properties: Mapping[str, object]) -> None:
        """`properties` are those that the test recorded, of which `twins` and `leaks` are numbers of objects."""
        row = self.rows[next(what for what, part in ROWS if part in id)]
        row.by_outcome[outcome] += 1
        for name in ("twins", "leaks"):
            if name in properties:
                row.counts = True
                row.counted[name] += int(str(properties[name]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(self.table())
        self.write()

    def write(self) -> None:
        """Replace the table of the run before."""
        before, _, rest = self.file.read_text().partition(BEGIN)
        self.file.write_text(f"{before}{BEGIN}{self.run()}\n\n{self.table()}\n{END}{rest.partition(END)[2]}")

    def run(self) -> str:
        """Sentence about the run: commit, date, duration in minutes."""
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=True
        ).stdout.strip()
        minutes = (monotonic() - self.started) / 60
        today = datetime.now(UTC).date()
        return f"Commit {commit}, {today}, {minutes:.0f} minutes. Every point was tried: no seed was drawn."

    def table(self) -> str:
        lines = ["| what | points | recovered | skipped | twins | leaks |", "|---|---|---|---|---|---|"]
        for what, row in self.rows.items():
            objects = [str(row.counted[name]) if row.counts else "–" for name in ("twins", "leaks")]
            numbers = [row.by_outcome.total(), row.by_outcome["passed"], row.by_outcome["skipped"]]
            lines.append(f"| {' | '.join([what, *map(str, numbers), *objects])} |")
        return "\n".join(lines)
