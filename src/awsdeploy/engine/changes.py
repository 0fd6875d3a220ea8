"""The changes of one resource that were sent to AWS: which to send now, and which to look for only.

Reads lag behind writes (docs/design.md): after a change AWS may show the old value for minutes, or the old and the new
one in turn. So a change that was sent is looked for; it is sent again when AWS does not show it in time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from awsdeploy.aws.session import AnswerLost
from awsdeploy.engine.events import ResourceEvent
from awsdeploy.engine.observed import Change, Observed
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsdeployError, AwsFailure, TimedOut

LIMIT = 5
"""Number of times that one change is sent at most."""

Identity = tuple[str, str, str, str, str]


class SentChanges:
    """Changes sent for one resource, how often and when. `settle` is in seconds: how long a change is looked for
    before it is sent again.

    A change is known by its field, its two values, its step and the status of the resource: the next step of a change
    that takes several (stop, modify, start) is another change and waits for nothing.
    """

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._sent: dict[Identity, tuple[int, float]] = {}

    def due(self, observed: Observed, changes: Sequence[Change], looked: float) -> list[Change]:
        """Those to send now, of several with one call the first, by a look that began at `looked` (`time.monotonic`).
        What AWS has begun counts as sent when it is first seen.

        Raises `AwsFailure` for a change that was sent `LIMIT` times, `TimedOut` for one that AWS does not finish.
        """
        for change in changes:
            if change.begun:
                self._sent.setdefault(_identity(observed, change), (1, looked))
        due: list[Change] = []
        tired: list[Change] = []
        for change in changes:
            times, last = self._sent.get(_identity(observed, change), (0, -math.inf))
            if looked - last >= self._settle:
                (tired if times >= LIMIT else due).append(change)
        if tired:
            raise self._failure(tired)
        return list({id(change.apply): change for change in due}.values())

    def send(self, run: Run, observed: Observed, changes: Sequence[Change], due: Sequence[Change]) -> bool:
        """Tell AWS what is `due` of the changes; True if it has made all of them. After a lost answer the next look
        decides.
        """
        run.stop.check()
        run.emit(ResourceEvent(observed.key, "changing", detail=", ".join(change.field for change in changes)))
        for change in due:
            try:
                with run.cache.changing(observed.kind, observed.region):
                    change.apply()
            except AnswerLost:
                return False
            finally:
                self.record(observed, changes, change)
        return {id(change.apply) for change in changes} == {id(change.apply) for change in due}

    def record(self, observed: Observed, changes: Sequence[Change], sent: Change) -> None:
        """Count all of `changes` that the call of `sent` made, which has ended: from now on AWS may show them."""
        for change in changes:
            if change.apply is sent.apply:
                identity = _identity(observed, change)
                times, _ = self._sent.get(identity, (0, 0.0))
                self._sent[identity] = (times + 1, time.monotonic())

    def _failure(self, changes: Sequence[Change]) -> AwsdeployError:
        minutes = LIMIT * self._settle / 60
        fields = ", ".join(dict.fromkeys(change.field for change in changes))
        if all(change.begun for change in changes):
            return TimedOut(
                f"AWS has not finished changing {fields} after {minutes:.0f} minutes; AWS continues.",
                "Run the same command again later: it continues to wait.",
            )
        values = ", ".join(f"{change.field} is {change.old}, not {change.new}" for change in changes)
        return AwsFailure(
            f"AWS still shows the old values, {minutes:.0f} minutes and {LIMIT} requests after the change: {values}.",
            "Something else may be changing them back: check the event history of CloudTrail. Then run the same "
            "command again.",
        )


def _identity(observed: Observed, change: Change) -> Identity:
    return (observed.status, change.field, str(change.old), str(change.new), change.step)
