"""Running awsdeploy as users do, in a process of its own, and reading what it cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from awsdeploy.sandbox import control

SCRIPT = Path(sys.executable).with_name("awsdeploy")
READS = ("Describe", "Get", "List", "Head")


@dataclass(frozen=True)
class Cost:
    """One process: wall seconds, peak memory in MB, exit code, and AWS calls by operation."""

    wall: float
    memory: float
    code: int
    calls: Counter[str]

    @property
    def reads(self) -> int:
        return sum(count for name, count in self.calls.items() if name.split(":")[1].startswith(READS))

    @property
    def writes(self) -> int:
        return self.calls.total() - self.reads


def process(words: Sequence[str], folder: Path, environment: dict[str, str]) -> tuple[float, float, int]:
    """Wall seconds, peak memory (MB) and exit code of one command; what it prints goes to a file beside it."""
    begun = time.perf_counter()
    with (folder / "output.txt").open("wb") as output:
        child = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
    return time.perf_counter() - begun, peak, child.returncode


def client_of(server: control.RunningSandbox) -> dict[str, str]:
    """The environment of a process whose AWS is `server`."""
    given = control.environment(server)
    kept = {name: value for name, value in os.environ.items() if name not in given}
    return {**kept, **{name: value for name, value in given.items() if value is not None}}


def awsdeploy(server: control.RunningSandbox, folder: Path, *words: str) -> Cost:
    """Run the installed command against `server` and count what it asked of AWS."""
    environment = client_of(server)
    control.call(server, "DELETE", "calls")
    wall, memory, code = process([str(SCRIPT), *words], folder, environment)
    calls = Counter(control.call(server, "GET", "calls")["counts"])
    if code != 0:
        raise SystemExit(f"{' '.join(words)} ended with {code}:\n{(folder / 'output.txt').read_text()}")
    return Cost(wall, memory, code, calls)


def median(times: int, once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(times))
