"""Display of progress: a live board on a terminal, plain lines elsewhere, JSON lines on request.

Writes to stderr only. This is the only module that imports rich.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from awsdeploy.engine.events import Emit, ResourceEvent
from awsdeploy.progress import streams
from awsdeploy.progress.forecast import Forecast
from awsdeploy.progress.steps import (
    FINAL,
    KEY_WIDTH,
    BoardRow,
    DisplayClock,
    Progress,
    Work,
    spell,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

HEARTBEAT = 30.0  # seconds without an event until a line says what is waited for
NAMES_IN_HEARTBEAT = 4  # how many keys that line contains


@contextmanager
def show_progress(
    steps: Sequence[tuple[str, Sequence[BoardRow]]],
    *,
    clock: DisplayClock,
    as_json: bool = False,
    forecast: Forecast | None = None,
) -> Iterator[Emit]:
    """Show a run while it lasts; yield the function that receives its events."""
    progress = Progress(steps, clock, forecast)
    if as_json:
        show: _LineWriter | Board = JsonLines(progress)
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        show = Board(progress)
    else:
        show = PlainLines(progress)
    with show:
        yield show.tell


class _LineWriter:
    """Base of displays that write lines, from one thread: so a slow terminal or pipe does not delay the run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._events: queue.SimpleQueue[ResourceEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._events.put(None)
        self._thread.join(timeout=5)

    def tell(self, event: ResourceEvent) -> None:
        self._events.put(event)

    def _run(self) -> None:
        while True:
            try:
                event = self._events.get(timeout=HEARTBEAT)
            except queue.Empty:
                self._write(self.heartbeat())
                continue
            if event is None:
                return
            self._write(self.line(event))

    def _write(self, line: str) -> None:
        if line:
            with suppress(OSError, ValueError):  # the reader has closed the pipe; the run continues
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    def line(self, event: ResourceEvent) -> str:
        raise NotImplementedError

    def heartbeat(self) -> str:
        raise NotImplementedError


class PlainLines(_LineWriter):
    """One line with a time for each change, for logs and pipes."""

    def line(self, event: ResourceEvent) -> str:
        before = self.progress.works.get(event.key)
        was_idle = before is None or not before.running
        work = self.progress.take(event)
        if was_idle and event.phase == "ready":
            return ""  # it was ready before the run
        return self._with_time(f"{event.key:<{KEY_WIDTH}} {self._event_text(work, event)}")

    def _event_text(self, work: Work, event: ResourceEvent) -> str:
        said = FINAL.get(event.phase, event.phase)
        if event.phase in ("ready", "gone") and work.begun is not None:
            return f"{said} after {spell(self.progress.elapsed_of(work))}"
        more = ", ".join(part for part in (event.status, event.detail) if part)
        usual = f" (usually {spell(event.usual)})" if event.usual >= 10 and event.phase == "creating" else ""
        return f"{said}: {more}{usual}" if more else f"{said}{usual}"

    def heartbeat(self) -> str:
        waiting = [f"{work.row.key} ({work.status or work.phase})" for work in self.progress.running]
        more = f" and {len(waiting) - NAMES_IN_HEARTBEAT} more" if len(waiting) > NAMES_IN_HEARTBEAT else ""
        for_what = f"waiting for {', '.join(waiting[:NAMES_IN_HEARTBEAT])}{more}; " if waiting else ""
        return self._with_time(for_what + self.progress.footer)

    def _with_time(self, text: str) -> str:
        return f"{self.progress.clock.now():%H:%M:%S%z} {text}"


class JsonLines(_LineWriter):
    """One JSON object for each event, on one line."""

    def line(self, event: ResourceEvent) -> str:
        work = self.progress.take(event)
        said = {
            "at": self.progress.clock.now().isoformat(timespec="seconds"),
            "step": work.step,
            "key": event.key,
            "phase": event.phase,
            "status": event.status,
            "detail": event.detail,
            "seconds": round(self.progress.elapsed_of(work), 1),
        }
        return json.dumps(said, ensure_ascii=False)

    def heartbeat(self) -> str:
        waiting = [work.row.key for work in self.progress.running]
        left = self.progress.left
        said = {"phase": "heartbeat", "waiting": waiting, "left": None if left is None else round(left)}
        return json.dumps(said)


@dataclass
class Board:
    """The documented steps with the running resources of each, drawn four times a second."""

    progress: Progress
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        terminal = Console(file=streams.terminal())
        self._live = Live(self, console=terminal, refresh_per_second=4, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def tell(self, event: ResourceEvent) -> None:
        with self._lock:
            self.progress.take(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        with self._lock:
            lines = [line for title in self.progress.titles for line in self._step(title)]
            footer = self.progress.footer
        room = max(4, options.max_height or console.height) - 2
        if len(lines) > room:  # show running resources before finished and waiting ones
            lines = [line for line in lines if line.plain.startswith(" ") or line.plain.startswith("…")] or lines
        for line in lines[:room]:
            line.plain = streams.printable(line.plain)
            line.truncate(options.max_width, overflow="ellipsis")
            yield line
        yield Text(footer, style="bold")

    def _step(self, title: str) -> list[Text]:
        from rich.text import Text

        works = [work for work in self.progress.works.values() if work.step == title]
        done = sum(work.done for work in works)
        failed = any(work.phase in ("failed", "skipped") for work in works)
        mark, style = ("…", "") if any(work.begun for work in works) else ("·", "dim")
        if done == len(works):
            mark, style = ("✗", "red") if failed else ("✓", "green")
        lines = [Text(f"{mark} {title:<44} {done} of {len(works)}", style=style)]
        for work in works:
            if work.running:
                lines.append(Text(f"    {work.row.key:<{KEY_WIDTH}} {self._status_text(work)}"))
            elif work.phase == "failed":
                lines.append(Text(f"    {work.row.key:<{KEY_WIDTH}} FAILED: {work.detail}", style="red"))
        return lines

    def _status_text(self, work: Work) -> str:
        said = work.status or work.phase
        if work.detail:
            said += f" ({work.detail})"
        usual = f" of about {spell(work.row.usual)}" if work.row.usual >= 10 else ""
        return f"{said:<24} {spell(self.progress.elapsed_of(work))}{usual}"
