"""Progress of deletions: what is under way, what waits for something else, and what AWS was asked to delete."""

from __future__ import annotations

import threading
import time
from typing import Any

from awsdeploy.aws.waiting import Polling
from awsdeploy.engine.resource import Observed


class DeletionProgress:
    """Deletions that run at once, and which of them wait, mostly because something else still uses the object."""

    def __init__(self) -> None:
        self.failed = False
        self._under_way: set[Observed] = set()
        self._waiting: set[Observed] = set()
        self._guard = threading.Lock()

    def started(self, observed: Observed, waits: bool) -> None:
        with self._guard:
            self._under_way.add(observed)
            (self._waiting.add if waits else self._waiting.discard)(observed)

    def finished(self, observed: Observed) -> None:
        with self._guard:
            self._under_way.discard(observed)
            self._waiting.discard(observed)

    @property
    def stuck(self) -> bool:
        """True if a deletion failed and every other one waits, so none of them can succeed."""
        with self._guard:
            return self.failed and self._under_way == self._waiting


class Asked:
    """The last delete call of one object, and what AWS showed of the object then.

    A call that was accepted is not repeated within `settle` seconds as long as AWS shows the same: its lists can be
    late. One that was refused is not repeated before it has waited for a share of the time that this has lasted.
    """

    def __init__(self, settle: float, polling: Polling) -> None:
        self._settle, self._polling = settle, polling
        self._shown: tuple[str, dict[str, Any]] | None = None
        self._since = self._at = 0.0
        self.refusal = ""
        """AWS's words, if it refused the last call."""

    def is_due(self, observed: Observed, looked: float) -> bool:
        """Tell if AWS is to be asked, by a look that began at `looked` (`time.monotonic`)."""
        if self._shown != _state(observed):
            return True
        if self.refusal:
            return time.monotonic() - self._at >= self._polling.refused(self._at - self._since)
        return looked - self._at >= self._settle

    def of(self, observed: Observed, refusal: str = "") -> bool:
        """Note a call for what a look showed; True if it is the first one for that."""
        shown, self._at = _state(observed), time.monotonic()
        first = shown != self._shown or bool(refusal) != bool(self.refusal)
        if first:
            self._since = self._at
        self._shown, self.refusal = shown, refusal
        return first


def _state(observed: Observed) -> tuple[str, dict[str, Any]]:
    """Return what a deletion changes of an object, without what AWS changes by itself."""
    raw = {name: value for name, value in observed.raw.items() if name not in observed.kind.volatile}
    return observed.status, raw
