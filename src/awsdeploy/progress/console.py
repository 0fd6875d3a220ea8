"""Progress as people and programs see it: a live board on a terminal, plain lines elsewhere, JSON lines on request.

Writes to stderr only; the only place that imports rich. Knows events, nothing of how anything is done.
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
    KEYS,
    BoardRow,
    DisplayClock,
    Progress,
    Work,
    spell,
)

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

HEARTBEAT = 30.0  # seconds without a line before one says what is waited for
NAMED = 4  # how many names a heartbeat gives


@contextmanager
def watching(
    steps: Sequence[tuple[str, Sequence[BoardRow]]],
    *,
    clock: DisplayClock,
    as_json: bool = False,
    forecast: Forecast | None = None,
) -> Iterator[Emit]:
    """Show a run while it lasts; yields what the run tells its events to."""
    progress = Progress(steps, clock, forecast)
    if as_json:
        show: _Lines | Board = JsonLines(progress)
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        show = Board(progress)
    else:
        show = PlainLines(progress)
    with show:
        yield show.tell


class _Lines:
    """Writes from one thread, so that nothing that works ever waits for a slow reader."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._events: queue.SimpleQueue[ResourceEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="console", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._events.put(None)
        self._thread.join(timeout=5)

    def tell(self, event: ResourceEvent) -> None:
        self._events.put(event)

    def _write_all(self) -> None:
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
            with suppress(OSError, ValueError):  # nobody reads any more: the work goes on
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    def line(self, event: ResourceEvent) -> str:
        raise NotImplementedError

    def heartbeat(self) -> str:
        raise NotImplementedError


class PlainLines(_Lines):
    """A timestamped line for everything that changes, for logs and pipes."""

    def line(self, event: ResourceEvent) -> str:
        before = self.progress.works.get(event.key)
        was_idle = before is None or not before.at_work
        work = self.progress.take(event)
        if was_idle and event.phase == "ready":
            return ""  # it was so all along
        return self._stamped(f"{event.key:<{KEYS}} {self._said(work, event)}")

    def _said(self, work: Work, event: ResourceEvent) -> str:
        said = FINAL.get(event.phase, event.phase)
        if event.phase in ("ready", "gone") and work.begun is not None:
            return f"{said} after {spell(self.progress.took(work))}"
        more = ", ".join(part for part in (event.status, event.detail) if part)
        usual = f" (usually {spell(event.usual)})" if event.usual >= 10 and event.phase == "creating" else ""
        return f"{said}: {more}{usual}" if more else f"{said}{usual}"

    def heartbeat(self) -> str:
        waiting = [f"{work.row.key} ({work.status or work.phase})" for work in self.progress.at_work]
        more = f" and {len(waiting) - NAMED} more" if len(waiting) > NAMED else ""
        for_what = f"waiting for {', '.join(waiting[:NAMED])}{more}; " if waiting else ""
        return self._stamped(for_what + self.progress.footer)

    def _stamped(self, text: str) -> str:
        return f"{self.progress.clock.now():%H:%M:%S%z} {text}"


class JsonLines(_Lines):
    """One JSON object a line and event."""

    def line(self, event: ResourceEvent) -> str:
        work = self.progress.take(event)
        said = {
            "at": self.progress.clock.now().isoformat(timespec="seconds"),
            "step": work.step,
            "key": event.key,
            "phase": event.phase,
            "status": event.status,
            "detail": event.detail,
            "seconds": round(self.progress.took(work), 1),
        }
        return json.dumps(said, ensure_ascii=False)

    def heartbeat(self) -> str:
        waiting = [work.row.key for work in self.progress.at_work]
        left = self.progress.left
        said = {"phase": "heartbeat", "waiting": waiting, "left": None if left is None else round(left)}
        return json.dumps(said)


@dataclass
class Board:
    """The documented steps with what is at work in each, drawn four times a second."""

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
        if len(lines) > room:  # what is at work matters more than what is done or has not begun
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
            if work.at_work:
                lines.append(Text(f"    {work.row.key:<{KEYS}} {self._existing(work)}"))
            elif work.phase == "failed":
                lines.append(Text(f"    {work.row.key:<{KEYS}} FAILED: {work.detail}", style="red"))
        return lines

    def _existing(self, work: Work) -> str:
        said = work.status or work.phase
        if work.detail:
            said += f" ({work.detail})"
        usual = f" of about {spell(work.row.usual)}" if work.row.usual >= 10 else ""
        return f"{said:<24} {spell(self.progress.took(work))}{usual}"
