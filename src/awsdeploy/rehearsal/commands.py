"""The commands of a rehearsal, run one after the other, each as a process that records its own calls.

This module does not call AWS; it reads what the commands recorded. `destroy` always runs at the end.
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
from awsdeploy.rehearsal.recording import RecordedCommand

KILL_AFTER = "ec2:RunInstances"
"""The process is killed after this call. The next `up` must find the machine, and must not create one more."""

POLL_SECONDS = 0.02  # interval between two reads of the rows of a command that is to be killed
ROWS_FOLDER = "rehearsal"  # below .awsdeploy/ of the project
DESTROYED_CODES = (0, 6)  # exit codes: deleted, and nothing to delete
DESTROY_ATTEMPTS = 2


@dataclass
class Rehearsal:
    """A running rehearsal. `say` gets a line for each command that starts; `commands` are those that have ended."""

    project: Project
    say: Callable[[str], None]
    program: tuple[str, ...] = (sys.executable, "-P", "-m", "awsdeploy")
    commands: list[RecordedCommand] = field(default_factory=list)
    stopped: bool = False
    """Ctrl-C or SIGTERM was received: only `destroy` is started after that."""
    destroyed: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Run all commands. If an `up` fails, `status` and `destroy` are next. `destroy` always runs."""
        with self._signals():
            try:
                self._rehearse()
            finally:
                self._destroy()

    @property
    def failed(self) -> list[RecordedCommand]:
        """Commands with an unexpected exit code."""
        return [one for one in self.commands if one.exit != (-signal.SIGKILL if one.killed_after else 0)]

    def _rehearse(self) -> None:
        if self._run_command("up", UP):
            self._run_command("deploy", ("deploy",))  # what follows does not need the application
            self.project.change_in_place()
            if self._run_command("change", UP):
                self.project.add_machine()
                self._run_command("kill", UP, kill_after=KILL_AFTER)
                self._run_command("again", UP)
        self._run_command("status", ("status",))

    def _destroy(self) -> None:
        stack = str(self.project.settings.stack)
        self.stopped, stopped = False, self.stopped
        for number in range(DESTROY_ATTEMPTS):
            name = "destroy" if number == 0 else f"destroy-{number + 1}"
            self._run_command(name, ("destroy", "--confirm", stack, "--everything"))
            self.destroyed = self.commands[-1].exit in DESTROYED_CODES
            if self.destroyed or self.stopped:
                break
        self.stopped |= stopped

    def _run_command(self, name: str, words: Sequence[str], kill_after: str = "") -> bool:
        """Run a command and return whether it succeeded. Does nothing after the rehearsal was stopped."""
        if self.stopped:
            return False
        self.say(f"{name}: awsdeploy {' '.join(words)}" + (f", killed after {kill_after}" if kill_after else ""))
        rows = self.project.folder / ".awsdeploy" / ROWS_FOLDER / f"{len(self.commands)}-{name}.jsonl"
        rows.parent.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        process = subprocess.Popen(
            [*self.program, *words],
            cwd=self.project.folder,
            env=_environment(os.environ, rows),
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C reaches it only once, from `_signals`
        )
        self._process = process
        if self.stopped:  # a signal came while the process started
            process.send_signal(signal.SIGINT)
        try:
            killed = bool(kill_after) and _kill_after_call(process, rows, kill_after)
            code = process.wait()
        finally:
            self._process = None
        seconds = time.monotonic() - begun
        after = kill_after if killed else ""
        self.commands.append(RecordedCommand(name, code, seconds, after, tuple(recording.rows(rows))))
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
    """Environment of the commands. Without AWSDEPLOY_SANDBOX: the other variables already lead to that sandbox."""
    return {**{name: value for name, value in given.items() if name != "AWSDEPLOY_SANDBOX"}, VARIABLE: str(rows)}


def _kill_after_call(process: subprocess.Popen[bytes], rows: Path, operation: str) -> bool:
    """Kill the process as soon as it has recorded a call of the operation. Returns False if it ended before that."""
    mark = f'"call": "{operation}"'.encode()
    while process.poll() is None:
        if rows.exists() and mark in rows.read_bytes():
            process.kill()
            return True
        time.sleep(POLL_SECONDS)
    return False
