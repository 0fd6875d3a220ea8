"""Recorder of a run: writes each event to the file of the runs as it comes, so a killed process loses nothing.

A run that writes nothing to AWS is not recorded. The file holds keys, kinds, phases and AWS's words for a status: no
values, no messages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from awsdeploy.engine.events import ResourceEvent
from awsdeploy.errors import Interrupted
from awsdeploy.progress.steps import DisplayClock
from awsdeploy.state import files
from awsdeploy.state.record import write_durably
from awsdeploy.timeline import history
from awsdeploy.timeline.history import KEPT_RUNS, Moment, RecordedRun, RunRow

WRITES = ("creating", "changing", "deleting")
"""Phases in which AWS is told to change something."""


@dataclass
class RunRecorder:
    """Takes the events of one run, from many threads. It never stops the run: `failure` says why nothing is kept."""

    path: Path
    run: RecordedRun
    clock: DisplayClock
    damaged: int = 0
    """Lines of the file that could not be read, which the record of this run replaces."""
    failure: str = ""
    _begun: float = field(default_factory=time.monotonic)
    _shown: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _file: TextIO | None = None

    def tell(self, event: ResourceEvent) -> None:
        """Record an event; one that repeats the phase and status of its resource is left out."""
        with self._lock:
            if self._shown.get(event.key) == (event.phase, event.status):
                return
            self._shown[event.key] = event.phase, event.status
            moment = Moment(self._since(event.at), event.key, event.phase, event.status)
            self.run.moments.append(moment)
            if self._file is not None:
                self._write(history.passing(self.run, moment))
            elif event.phase in WRITES and not self.failure:
                self._start()

    def close(self, outcome: str) -> None:
        """End the record: `outcome` is one of `history.OUTCOMES`."""
        with self._lock:
            self.run.seconds, self.run.outcome = self._since(time.monotonic()), outcome
            if self._file is not None:
                self._write(history.ending(self.run))
            if self._file is not None:
                self._file.close()
                self._file = None

    def _since(self, at: float) -> float:
        return round(max(0.0, self.clock.of(at - self._begun)), 3)

    def _start(self) -> None:
        """Make room for this run in the file, and write what has happened so far."""
        try:
            known = history.read(self.path)
            self.run.number = known.next_number
            if not known.whole or len(known.runs) >= KEPT_RUNS:
                write_durably(self.path, history.text_of(known.runs[1 - KEPT_RUNS :]))
            self.damaged = known.damaged
            files.own_folder(self.path.parent)
            self._file = open(self.path, "a", encoding="utf-8", opener=files.unlinked)  # noqa: SIM115 - see `close`
        except OSError as error:
            self.failure = error.strerror or str(error)
            return
        self._write(history.beginning(self.run), *(history.passing(self.run, one) for one in self.run.moments))

    def _write(self, *lines: str) -> None:
        """Append to the file, at once. After a failure no more is tried."""
        if self._file is None:
            return
        try:
            self._file.write("".join(f"{line}\n" for line in lines))
            self._file.flush()
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._file = None


@contextmanager
def recorded(path: Path, command: str, rows: Sequence[RunRow], clock: DisplayClock) -> Iterator[RunRecorder]:
    """Record the run in the block. `path`: see `history.path_of`. Raises `Refused` where the file is a link."""
    with suppress(OSError):  # `failure` says so, if the run has anything to record
        history.read(path)  # a link is refused before the run, not in the middle
    recorder = RunRecorder(path, RecordedRun(0, command, clock.now().replace(microsecond=0), tuple(rows)), clock)
    outcome = "failed"
    try:
        yield recorder
        outcome = "done"
    except Interrupted:
        outcome = "stopped"
        raise
    finally:
        recorder.close(outcome)
