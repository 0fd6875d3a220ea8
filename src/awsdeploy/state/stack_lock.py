"""Two parameters of a stack: the record that it exists, and the lock that only one writer holds.

`/deploy/<name>/<environment>/stack` is the first write of `up` and is gone with the last write of
`destroy`. It tells a machine without state or config where to look, and each run that writes notes itself in it when it
ends (`run_record`). `…/lock` has exactly one winner:
PutParameter without Overwrite. The record comes first, so that a crash in between leaves nothing
that `destroy` would not find; both go in one call.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from awsdeploy import __version__
from awsdeploy.aws.session import AnswerLost, AwsRefusal, AwsSession, Client, tolerate
from awsdeploy.aws.waiting import Cancellation
from awsdeploy.config.stack import TAG_RESOURCE, TAG_STACK, Stack
from awsdeploy.errors import AwsdeployError, AwsFailure, Interrupted, StateLocked, WrongAccount, next_command
from awsdeploy.state.holder import STALE_AFTER, abandoned, age, describe, holder, machine
from awsdeploy.state.record import now
from awsdeploy.state.run_record import RunSummary, recorded

RENEW_EVERY = 60.0  # seconds
RECORD, LOCK = "stack/stack", "stack/lock"
"""Values of the tag `awsdeploy:resource` of the two parameters."""
DRILL = "drill"
"""Name of the parameter with the figures of the last restore drill. It goes with the record."""


class LockLost(StateLocked):
    """Another writer holds the stack now; this run has to stop."""


class StackLock:
    """The stack's record and lock in Parameter Store, in the stack's home region.

    `regions`: where the stack has resources, or is about to; they are stored in the record. `memory`: identifies the
    state file of the writer, so that a lock left by an earlier run with the same state file is recognised.
    """

    def __init__(
        self, session: AwsSession, stack: Stack, region: str, regions: Collection[str] = (), memory: str = ""
    ) -> None:
        self.session, self.stack, self.region = session, stack, region
        self.ssm: Client = session.client("ssm", region)
        self.me = uuid.uuid4().hex
        self.regions, self.memory = regions, memory
        self.left_by_our_own = False
        """True if the lock we took over belonged to a writer with the same record of intentions."""
        self.declared = False
        """True if this run has declared the stack, so it had no resources before."""
        self._crashed: float | None = None  # monotonic
        self._left: Mapping[str, Any] = {}  # the lock that we took over from a crashed writer
        self._known: Mapping[str, Any] = {}  # the record as it was written or read last

    @property
    def left_over_since(self) -> float | None:
        """Seconds since the crashed writer whose lock we took over last showed life, if there was one."""
        return None if self._crashed is None else time.monotonic() - self._crashed

    def record(self) -> dict[str, Any] | None:
        """Record that the first `up` wrote, or None where there is no such stack.

        Raises `WrongAccount` if the record is another account's.
        """
        found = self._read("stack")
        if found is not None and found.get("account") not in (None, self.session.account(self.region)):
            raise WrongAccount(
                f"{self.stack} was created in account {found['account']}.",
                "Use the credentials of that account.",
            )
        return found

    def write_record(self) -> bool:
        """Declare the stack, or add to its record the regions that are new. Regions are never taken away from it.

        Returns True if there was no record.
        """
        value = {
            "account": self.session.account(self.region),
            "regions": sorted({self.region, *self.regions}),
            "version": __version__,
            "since": now(),
        }
        try:
            _sent(lambda: self._put("stack", value))
            self._known = value
            return True
        except AwsRefusal as refusal:
            if refusal.code != "ParameterAlreadyExists":
                raise
            known = self._read("stack") or {}
            if new := set(value["regions"]) - set(known.get("regions", ())):
                regions = sorted({*known.get("regions", ()), *new})
                known = {**value, **known, "regions": regions}
                _sent(lambda: self._put("stack", known, overwrite=True))
            self._known = known
        return False

    @contextmanager
    def held(self, command: str, stop: Cancellation, told: Callable[[float], Mapping[str, Any]]) -> Iterator[None]:
        """Hold the lock, renewing it; a run that loses it is stopped. At the end the record notes the run.

        `told` gives, for the seconds that it took, what the record says of it: fields of `RunSummary`, and `monthly`.
        Raises `StateLocked` naming the holder.
        """
        self.acquire(command)
        done = threading.Event()

        def keep() -> None:
            renewed = time.monotonic()
            while not done.wait(RENEW_EVERY):
                try:
                    self.renew(command)
                    renewed = time.monotonic()
                except AwsdeployError as error:
                    # One answer that got lost is no reason to stop: the lock is ours until it is stale.
                    passes = type(error) is not LockLost and error.exit_code == AwsFailure.exit_code
                    if not passes or time.monotonic() - renewed > STALE_AFTER - 2 * RENEW_EVERY:
                        stop.abort(error)
                        return

        thread = threading.Thread(target=keep, name="stack lock", daemon=True)
        thread.start()
        outcome, begun = "failed", time.monotonic()
        try:
            yield
            outcome = "done"
        except Interrupted:
            outcome = "stopped"
            raise
        finally:
            done.set()
            thread.join()
            try:
                self.release(lambda: self._ended(command, outcome, told(time.monotonic() - begun)))
            except AwsdeployError as error:
                # A lock that is not released expires, and the run's own error is more important. But a user without
                # the permission to release it would block every following run, so that is reported.
                if outcome == "done" and isinstance(error, AwsRefusal) and error.action:
                    raise

    def acquire(self, command: str) -> None:
        """Write the record, then the lock. A lock left by a process that is gone is taken over."""
        self.declared = self.write_record()
        while not self._won(command):
            pass
        # A destroy that ended between our two writes took the record along.
        self.write_record()

    def _won(self, command: str) -> bool:
        """Try once. False if the lock vanished meanwhile."""
        try:
            # Sent twice after a lost answer, the second finds our own lock.
            _sent(lambda: self._put("lock", self._mine(command)))
            return True
        except AwsRefusal as refusal:
            if refusal.code != "ParameterAlreadyExists":
                raise
        found, version = self._read_version("lock")
        if found is None or found.get("id") == self.me:
            return found is not None
        if not abandoned(found):
            raise self._locked_by(found)
        # Of several who find it abandoned, the one whose write is the next version has it.
        if self._put("lock", self._mine(command), overwrite=True) != version + 1:
            winner, _ = self._read_version("lock", version + 1)
            if winner is None:
                self._drop("lock")
                return False
            self._put("lock", winner, overwrite=True)
            raise self._locked_by(winner)
        self._crashed = time.monotonic() - age(found)
        self._left = found
        self.left_by_our_own = (found.get("memory"), found.get("machine")) == (self.memory, machine())
        return True

    def renew(self, command: str) -> None:
        """Say that we are still at work. Raises `LockLost` if the lock is no longer ours."""
        found, version = self._read_version("lock")
        if found is None or found.get("id") != self.me:
            raise self._lost(found)
        if self._put("lock", self._mine(command), overwrite=True) != version + 1:
            raise self._lost(None)

    def _mine(self, command: str) -> dict[str, Any]:
        more = {"id": self.me, "renewed": now(), "machine": machine(), "memory": self.memory}
        return holder(command) | more

    def _locked_by(self, found: dict[str, Any]) -> StateLocked:
        return StateLocked(
            f"Another command is working on {self.stack}: {describe(json.dumps(found))}.",
            f"Wait for it to end. If that command is no longer running: {next_command('unlock', '--force')}",
        )

    def _lost(self, found: dict[str, Any] | None) -> LockLost:
        whom = describe(json.dumps(found)) if found else "someone else"
        return LockLost(
            f"The lock of {self.stack} was removed by {whom}.",
            "Check who is working on the stack, then run the same command again: it continues from here.",
        )

    def release(self, first: Callable[[], object] = lambda: None) -> None:
        """Give the lock back if it is still ours. `first` is done while nobody else can write."""
        found = self._read("lock")
        if found is not None and found.get("id") == self.me:
            try:
                first()
            finally:
                self._drop("lock")

    def _ended(self, command: str, outcome: str, told: Mapping[str, Any]) -> None:
        """Note the run in the record. Parameter Store keeps the version before, with the time and AWS's identity."""
        if not self._known:
            return
        before, us = RunSummary.read(self._known), holder(command)
        never_ended = self._left and (before is None or self._left.get("id") != before.id)
        fields = {name: value for name, value in told.items() if name != "monthly"}
        run = RunSummary(
            number=before.number + 1 if before else 1,
            command=command,
            outcome=outcome,
            who=us["who"],
            where=us["where"],
            version=__version__,
            interrupted=describe(json.dumps(self._left)) if never_ended else "",
            id=self.me,
            **fields,
        )
        monthly = {"monthly": told["monthly"]} if told.get("monthly") is not None else {}
        value = recorded({**self._known, **monthly}, run)
        _sent(lambda: self._put("stack", value, overwrite=True))

    def holder(self) -> str:
        """Holder of the lock, in words; empty if there is none."""
        found = self._read("lock")
        return "" if found is None else describe(json.dumps(found))

    def break_lock(self) -> None:
        """Remove the lock, whichever run holds it."""
        self._drop("lock")

    def remove(self) -> None:
        """The last write of a destroy: record and lock in one call."""
        names = [self.stack.parameter(name) for name in ("stack", "lock", DRILL)]
        _sent(lambda: self.ssm.delete_parameters(Names=names))

    def drill(self) -> dict[str, Any] | None:
        """Date and figures of the last restore drill, or None."""
        return self._read(DRILL)

    def record_drill(self, figures: dict[str, Any]) -> None:
        """Store the date and figures of a restore drill, in place of those of the last one."""
        try:
            _sent(lambda: self._put(DRILL, figures))
        except AwsRefusal as refusal:
            if refusal.code != "ParameterAlreadyExists":
                raise
            _sent(lambda: self._put(DRILL, figures, overwrite=True))

    def _read(self, name: str) -> dict[str, Any] | None:
        return self._read_version(name)[0]

    def _read_version(self, name: str, version: int = 0) -> tuple[dict[str, Any] | None, int]:
        place = self.stack.parameter(name) + (f":{version}" if version else "")
        try:
            found = self.ssm.get_parameter(Name=place)["Parameter"]
        except AwsRefusal as refusal:
            if refusal.code in ("ParameterNotFound", "ParameterVersionNotFound"):
                return None, 0
            raise
        try:
            value = json.loads(found["Value"])
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {}, int(found["Version"])

    def _put(self, name: str, value: dict[str, Any], overwrite: bool = False) -> int:
        """Returns the version AWS gave it: 1, 2, 3, … without gaps until it is deleted."""
        # AWS refuses tags together with Overwrite.
        tags = [{"Key": TAG_STACK, "Value": self.stack.tag}, {"Key": TAG_RESOURCE, "Value": f"stack/{name}"}]
        tags += self.stack.own_tags
        more: dict[str, Any] = {"Overwrite": True} if overwrite else {"Tags": tags}
        answer = self.ssm.put_parameter(Name=self.stack.parameter(name), Value=json.dumps(value), Type="String", **more)
        return int(answer["Version"])

    def _drop(self, name: str) -> None:
        with tolerate("ParameterNotFound"):
            _sent(lambda: self.ssm.delete_parameter(Name=self.stack.parameter(name)))


def _sent(write: Callable[[], object]) -> None:
    """Send a write that may be repeated, again if its answer was lost."""
    try:
        write()
    except AnswerLost:
        write()
