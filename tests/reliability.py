"""Selection of what `make torture` tries within an hour, and the table of what it found, for docs/reliability.md.

All points of a large family do not fit in an hour: some are drawn by a seed, others by the next one.
A test that counts objects that exist twice or were left behind records both numbers before it fails because of them.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest


@dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance; `part` of a test's id tells it. `drawn` points fit in the hour, all of them if None."""

    what: str
    part: str
    drawn: int | None = None


CRASH = "test_every_crash_is_survived"
ROWS = (
    Disturbance("`up` killed before a write reaches AWS", f"{CRASH}[up-kill-before-", 45),
    Disturbance("`up` killed after a write, before its answer", f"{CRASH}[up-kill-after-", 45),
    Disturbance("`up`: the answer to a write is lost", f"{CRASH}[up-lost-answer-", 45),
    Disturbance("`destroy` killed before a write reaches AWS", f"{CRASH}[destroy-kill-before-", 45),
    Disturbance("`destroy` killed after a write, before its answer", f"{CRASH}[destroy-kill-after-", 45),
    Disturbance("`destroy`: the answer to a write is lost", f"{CRASH}[destroy-lost-answer-", 45),
    Disturbance("Auto Scaling: any of the three, at each write it adds", "scaling/test_scaling_crashes.py"),
    Disturbance("`deploy`: client, agent or machine lost, at each step", "cli/test_deploy_interrupted.py"),
    Disturbance("a release killed on the machine, at each step", "machine/test_release_interrupted.py"),
    Disturbance("a release that fails to build or to answer", "machine/test_release_failures.py"),
    Disturbance("each database status, during `plan`, `up`, `destroy`", "system/test_database_statuses.py"),
    Disturbance("each attribute changed by hand", "system/drift/test_drift.py", 60),
    Disturbance("each permission missing", "permissions/test_policy.py", 60),
    Disturbance("each documented value altered in the code", "system/mutants/test_mutants.py"),
    Disturbance("a generated application: two releases and a rollback", "example/test_scaffolds.py", 2),
    Disturbance("other variants that `make test` leaves out", ""),
)
"""The first that fits a test counts."""
BEGIN, END = "<!-- the last run -->\n", "<!-- end of the last run -->\n"


@dataclass
class Outcomes:
    """Outcomes of one kind of disturbance; `counted` has how many objects existed twice or were left behind."""

    by_outcome: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    counts: bool = False


@dataclass(eq=False)
class Reliability:
    """Draws the points of a run, collects their reports, and writes the table at its end.

    With several processes, each worker draws the same points, and the process that started them does the rest.
    """

    file: Path
    seed: int | None = None
    """None: every point is tried."""
    started: float = field(default_factory=monotonic)
    rows: dict[Disturbance, Outcomes] = field(default_factory=lambda: {row: Outcomes() for row in ROWS})
    points: Mapping[str, int] = field(default_factory=dict)
    """Number of points that exist of each row, by the row's text."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Draw from what a choice by mark has left."""
        chosen = self.choose([item.nodeid for item in items])
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in chosen])
        items[:] = [item for item in items if item.nodeid in chosen]

    def choose(self, ids: list[str]) -> set[str]:
        """Return the tests to run, and remember how many there are."""
        points: dict[Disturbance, list[str]] = defaultdict(list)
        for id in ids:
            points[row_of(id)].append(id)
        self.points = {row.what: len(found) for row, found in points.items()}
        return {id for row, found in points.items() for id in self.draw(row, found)}

    def draw(self, row: Disturbance, found: list[str]) -> list[str]:
        if self.seed is None or row.drawn is None or row.drawn >= len(found):
            return found
        return random.Random(f"{self.seed} {row.what}").sample(found, row.drawn)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if told := getattr(session.config, "workeroutput", None):
            told["points"] = self.points

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker, once it has ended, how many points there are."""
        self.points = getattr(node, "workeroutput", {}).get("points", self.points)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.add(report.nodeid, report.outcome, dict(report.user_properties))

    def add(self, id: str, outcome: str, properties: Mapping[str, object]) -> None:
        """`properties` are those that the test recorded, of which `twins` and `leaks` are numbers of objects."""
        row = self.rows[row_of(id)]
        row.by_outcome[outcome] += 1
        for name in ("twins", "leaks"):
            if name in properties:
                row.counts = True
                row.counted[name] += int(str(properties[name]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if hasattr(terminalreporter.config, "workerinput"):
            return
        terminalreporter.write_line(self.table())
        self.write()

    def write(self) -> None:
        """Replace the table of the run before."""
        before, _, rest = self.file.read_text().partition(BEGIN)
        self.file.write_text(f"{before}{BEGIN}{self.run()}\n\n{self.table()}\n{END}{rest.partition(END)[2]}")

    def run(self) -> str:
        """Sentences about the run: commit, date, duration in minutes, seed."""
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=True
        ).stdout.strip()
        minutes = (monotonic() - self.started) / 60
        today = datetime.now(UTC).date()
        which = "Every point was tried." if self.seed is None else f"Seed {self.seed} drew the points."
        return f"Commit {commit}, {today}, {minutes:.0f} minutes. {which}"

    def table(self) -> str:
        lines = ["| what | points | tried | recovered | skipped | twins | leaks |", "|---|---|---|---|---|---|---|"]
        for row, found in self.rows.items():
            outcomes = found.by_outcome
            numbers = [self.points.get(row.what, 0), outcomes.total(), outcomes["passed"], outcomes["skipped"]]
            objects = [str(found.counted[name]) if found.counts else "–" for name in ("twins", "leaks")]
            lines.append(f"| {' | '.join([row.what, *map(str, numbers), *objects])} |")
        return "\n".join(lines)


def row_of(id: str) -> Disturbance:
    return next(row for row in ROWS if row.part in id)
