"""Find out what holds an object that AWS does not delete: once it has been stuck for a while, and again each minute."""

from __future__ import annotations

import time

from awsdeploy.aws.remedies import delete_data
from awsdeploy.aws.session import AwsRefusal
from awsdeploy.engine.resource import DestroyOptions, Observed
from awsdeploy.engine.run import Run
from awsdeploy.errors import AwsFailure

FEW = 3  # of the blockers are named one by one


class Blockage:
    """Blockers of one object, in words. AWS is asked first after half a minute of its time, by `Run.settle`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._words = ""
        self._next: float | None = None

    def words(self, observed: Observed, stuck: bool) -> str:
        """Describe the known blockers of an object that is `stuck` now; nothing for one that is not."""
        now = time.monotonic()
        if not stuck:
            self._words, self._next = "", None
        elif self._next is None:
            self._next = now + self.run.settle / 2
        elif now >= self._next:
            self._next = now + self.run.settle
            self._words = blocked_by(self.run, observed)
        return self._words


def blocked_by(run: Run, observed: Observed) -> str:
    """Ask for the blockers of an object; nothing where its kind knows none."""
    try:
        found = list(dict.fromkeys(map(str, observed.kind.blockers(run.view_of(observed), observed))))
    except AwsRefusal as refusal:
        return f"what blocks it could not be read: {refusal.action or refusal.text}"
    more = [f"and {len(found) - FEW} more"] if len(found) > FEW else []
    return f"Blocked by {'; '.join([*found[:FEW], *more])}" if found else ""


def explained(run: Run, observed: Observed, refusal: AwsRefusal, options: DestroyOptions) -> AwsFailure | None:
    """A refused delete that waiting does not help, as an error with what does; None: it is waited for."""
    if refusal.code in observed.kind.deletion.retry_on:
        if not observed.state.remedy:
            return None
        without = observed.kind.data and not options.data and ":Delete" in refusal.operation
        hint = f"{observed.remedy} {delete_data()}" if without else observed.remedy
        return AwsFailure(
            f"AWS refuses it in the status {observed.status} ({observed.explained}): {refusal.text}", hint
        )
    if not refusal.action and (words := blocked_by(run, observed)):
        refusal.message += f" {words}."
    return refusal
