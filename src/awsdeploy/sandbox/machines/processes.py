"""The real processes of simulated machines: found by a mark in their environment, ended by their numbers.

A process manager daemonises what it starts, so neither a parent nor a process group is enough to find it; the
environment is inherited by all. Run as a program this is the guard: it ends what runs below a folder, and removes that,
as soon as nobody holds its standard input, so that nothing is left however the sandbox died. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

MARK = "AWSDEPLOY_HOST"
"""Variable that names a machine's root folder, in the environment of everything that runs there."""
ROUNDS = 40
PAUSE = 0.05


def within(folder: Path) -> list[int]:
    """The processes of the machine with this root folder, or of all machines below it.

    Who is just becoming another program shows no environment, but has a parent.
    """
    mark = f"{MARK}={folder}".encode()
    parents, found = {}, set()
    for pid, parent, variables in _running():
        parents[pid] = parent
        if any(one == mark or one.startswith(mark + b"/") for one in variables):
            found.add(pid)
    below = {pid for pid in parents if found & set(_ancestors(pid, parents))}
    return sorted((found | below) - {os.getpid()})


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while (pid := parents.get(pid, 0)) > 1:
        yield pid


def end(folder: Path) -> None:
    """Kill them all, as a machine that loses its power does: first they are held, so that none starts another."""
    held: set[int] = set()
    for _ in range(ROUNDS):
        news = set(within(folder)) - held
        _signal(news, signal.SIGSTOP)
        held |= news
        if not news:
            break
    _signal(held, signal.SIGKILL)
    quiet = 0
    for _ in range(ROUNDS):
        found = within(folder)
        quiet = 0 if found else quiet + 1
        if quiet == 2:
            return
        _signal(found, signal.SIGKILL)
        time.sleep(PAUSE)


def _signal(pids: Iterable[int], what: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def _running() -> Iterator[tuple[int, int, list[bytes]]]:
    """Every process that has not ended: its number, its parent's, its variables as far as they may be read."""
    proc = Path("/proc")
    if (proc / "self" / "environ").exists():
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # another user's, or gone meanwhile
                    state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                    if state not in "ZX":
                        yield int(entry.name), int(parent), (entry / "environ").read_bytes().split(b"\0")
        return
    # macOS: -E shows the environment of one's own processes behind their command. Folders with spaces are cut short.
    command = ["/bin/ps", "-axwwE", "-o", "pid=,ppid=,stat=,command="]
    listed = subprocess.run(command, capture_output=True, check=False)
    for line in listed.stdout.splitlines():
        pid, above, status, *rest = line.split()
        if not status.startswith(b"Z"):
            yield int(pid), int(above), rest


def main() -> None:
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
