"""Turns: changes that interrupt a resource are made to one resource of a group at a time, while the others serve."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from awsdeploy.aws.waiting import Cancellation
from awsdeploy.engine.observed import OTHERS, Change

LOOK = 0.2  # seconds until a thread that waits for its turn looks for a cancellation


class Turns:
    """Turns of one run, by the `turn` of changes."""

    def __init__(self, stop: Cancellation) -> None:
        self.stop = stop
        self.locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def one(self) -> Iterator[Turn]:
        """Turn of one resource. It is given back at the end of the block."""
        turn = Turn(self)
        try:
            yield turn
        finally:
            turn.give_back()


class Turn:
    """Turn of one resource: `held` names the one that it has, if any."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.held = ""

    def taken_for(self, changes: Sequence[Change]) -> bool:
        """Take the turn that these changes need, or give it back to others. True if one was taken now."""
        if any(change.step == OTHERS for change in changes):
            self.give_back()
            return False
        wanted = next((change.turn for change in changes if change.turn), "")
        if not wanted or self.held:
            return False
        while not self.turns.locks[wanted].acquire(timeout=LOOK):
            self.turns.stop.check()
        self.held = wanted
        return True

    def give_back(self) -> None:
        if self.held:
            self.turns.locks[self.held].release()
            self.held = ""
