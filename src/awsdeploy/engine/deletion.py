"""Progress of deletions: what is under way, what waits for something else, and what AWS was asked to delete."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

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
    """The last accepted delete call of one object. AWS's lists can show the old state for a while, so the call is not
    repeated within `settle` seconds.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._last: tuple[str, Mapping[str, Any]] | None = None
        self._at = 0.0

    def is_due(self, observed: Observed, looked: float) -> bool:
        """Tell if AWS is to be asked, by a look that began at `looked` (`time.monotonic`)."""
        return self._last != (observed.status, observed.raw) or looked - self._at >= self._settle

    def of(self, observed: Observed) -> None:
        self._last, self._at = (observed.status, observed.raw), time.monotonic()
