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
from collections.abc import Iterator
from pathlib import Path

MARK = "AWSDEPLOY_BOX"
"""Variable that names a machine's root folder, in the environment of everything that runs there."""
ROUNDS = 40
PAUSE = 0.05


def within(folder: Path) -> list[int]:
    """The processes of the machine with this root folder, or of all machines below it."""
    mark = f"{MARK}={folder}".encode()
    return sorted(
        pid
        for pid, variables in _environments()
        if pid != os.getpid() and any(one == mark or one.startswith(mark + b"/") for one in variables)
    )


def end(folder: Path) -> None:
    """Kill them all, as a machine that loses its power does.

    Who forks meanwhile is found in the next round; who is just becoming another program shows no environment, so that
    only two looks in a row that find nobody are believed.
    """
    quiet = 0
    for _ in range(ROUNDS):
        found = within(folder)
        quiet = 0 if found else quiet + 1
        if quiet == 2:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)


def _environments() -> Iterator[tuple[int, list[bytes]]]:
    proc = Path("/proc")
    if (proc / "self" / "environ").exists():
        for entry in proc.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # another user's, or gone meanwhile
                    yield int(entry.name), (entry / "environ").read_bytes().split(b"\0")
        return
    # macOS: -E shows the environment of one's own processes behind their command. Folders with spaces are cut short.
    listed = subprocess.run(["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, check=False)
    for line in listed.stdout.splitlines():
        pid, _, rest = line.strip().partition(b" ")
        yield int(pid), rest.split(b" ")


def main() -> None:
    folder = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
