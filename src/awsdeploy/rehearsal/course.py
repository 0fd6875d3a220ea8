"""The course of a rehearsal: its commands one after the other, each a process that records itself, and the destroy.

Knows no AWS: what it learns is what the commands wrote down. The destroy is run whatever happened before it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from awsdeploy.aws.waiting import handled
from awsdeploy.rehearsal import recording
from awsdeploy.rehearsal.project import Project
from awsdeploy.rehearsal.recorder import VARIABLE
from awsdeploy.rehearsal.recording import Act

KILL_AFTER = "ec2:RunInstances"
"""The write after which a process is killed: a second machine must not become a third."""

LOOK = 0.02  # seconds between two looks at the rows of a command that is to be killed
ROWS = "rehearsal"  # the folder of the rows, in the project's
DESTROYED = (0, 6)  # exit codes: gone, and nothing was there
ATTEMPTS = 2  # of the destroy


@dataclass
class Course:
    """A rehearsal under way. `say` is told what begins; `acts` are those that have ended."""

    project: Project
    say: Callable[[str], None]
    command: tuple[str, ...] = (sys.executable, "-P", "-m", "awsdeploy")
    acts: list[Act] = field(default_factory=list)
    stopped: bool = False
    """Ctrl-C or SIGTERM came: no command but the destroy begins."""
    destroyed: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """All of it; the first failing `up` skips to the status and the destroy. Ends with the destroy, always."""
        with self._signals():
            try:
                self._rehearse()
            finally:
                self._destroy()

    @property
    def failed(self) -> list[Act]:
        """The acts that did not end as they should have."""
        return [act for act in self.acts if act.exit != (-signal.SIGKILL if act.killed_after else 0)]

    def _rehearse(self) -> None:
        if self._act("up", UP):
            self._act("deploy", ("deploy",))  # what follows does not need the application
            self.project.change_in_place()
            if self._act("change", UP):
                self.project.add_machine()
                self._act("kill", UP, kill_after=KILL_AFTER)
                self._act("again", UP)
        self._act("status", ("status",))

    def _destroy(self) -> None:
        stack = str(self.project.settings.stack)
        self.stopped, stopped = False, self.stopped
        for number in range(ATTEMPTS):
            name = "destroy" if number == 0 else f"destroy-{number + 1}"
            self._act(name, ("destroy", "--confirm", stack, "--everything"))
            self.destroyed = self.acts[-1].exit in DESTROYED
            if self.destroyed or self.stopped:
                break
        self.stopped |= stopped

    def _act(self, name: str, words: Sequence[str], kill_after: str = "") -> bool:
        """Run a command; whether it ended well. Nothing is begun once somebody has stopped the rehearsal."""
        if self.stopped:
            return False
        self.say(f"{name}: awsdeploy {' '.join(words)}" + (f", killed after {kill_after}" if kill_after else ""))
        rows = self.project.folder / ".awsdeploy" / ROWS / f"{len(self.acts)}-{name}.jsonl"
        rows.parent.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        process = subprocess.Popen(
            [*self.command, *words],
            cwd=self.project.folder,
            env=_environment(os.environ, rows),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C reaches it once, from here
        )
        self._process = process
        if self.stopped:  # since it was last looked at
            process.send_signal(signal.SIGINT)
        try:
            killed = bool(kill_after) and _killed(process, rows, kill_after)
            code = process.wait()
        finally:
            self._process = None
        seconds = time.monotonic() - begun
        self.acts.append(Act(name, code, seconds, kill_after if killed else "", tuple(recording.rows(rows))))
        return code == 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Pass Ctrl-C and SIGTERM on to the command that runs, each time."""

        def handle(number: int, _frame: FrameType | None) -> None:
            self.stopped = True
            if self._process is not None:
                self._process.send_signal(number)

        with handled(handle):
            yield


UP = ("up", "--yes")


def _environment(given: Mapping[str, str], rows: Path) -> dict[str, str]:
    """The commands' environment: what leads here to a sandbox has led there already."""
    return {**{name: value for name, value in given.items() if name != "AWSDEPLOY_SANDBOX"}, VARIABLE: str(rows)}


def _killed(process: subprocess.Popen[bytes], rows: Path, operation: str) -> bool:
    """Kill the process as soon as it has recorded a call of the operation; False where it ended before."""
    mark = f'"call": "{operation}"'.encode()
    while process.poll() is None:
        if rows.exists() and mark in rows.read_bytes():
            process.kill()
            return True
        time.sleep(LOOK)
    return False
