"""Health checks of machines on which something really runs, as an application load balancer makes them.

A target is real as long as something listens on its port, and for good once a release was put on the machine. Of any
other the simulated word holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from awsdeploy.sandbox.load_balancer import wire
from awsdeploy.sandbox.load_balancer.routes import RoutedGroup, Table, Target

NOBODY = "127.255.255.254"
"""A loopback address that no machine has: what answers here listens on every address, and is none of ours."""
AGENT = [("Connection", "close"), ("User-Agent", "ELB-HealthChecker/2.0"), ("Accept-Encoding", "gzip, compressed")]
FAILED = ("Target.FailedHealthChecks", "Health checks failed")
TIMED_OUT = ("Target.Timeout", "Request timed out")
Key = tuple[str, str]
"""A target group's ARN and a machine's id."""


@dataclass
class Verdict:
    """Result of the checks of one real target, in AWS's words."""

    state: str = "initial"
    reason: str = "Elb.InitialHealthChecking"
    words: str = "Initial health checks in progress"
    row: int = 0  # of checks in a row that passed (above 0) or failed (below)

    def count(self, failure: tuple[str, str] | None, group: RoutedGroup) -> None:
        if failure is None:
            self.row = max(self.row, 0) + 1
            if self.row >= group.rises:
                self.state, self.reason, self.words = "healthy", "", ""
            return
        self.row = min(self.row, 0) - 1
        if -self.row >= group.falls or self.state == "unhealthy":
            self.state = "unhealthy"
            self.reason, self.words = failure


class Checks:
    """One task for each target of the table, as long as it is in there."""

    def __init__(self, on_verdict: Callable[[Key, Verdict | None], None]) -> None:
        self.table = Table()
        self.verdicts: dict[Key, Verdict] = {}
        self.on_verdict = on_verdict
        self.tasks: dict[Key, asyncio.Task[None]] = {}

    def use(self, table: Table) -> None:
        """Check what this table names, and nothing else."""
        self.table = table
        named = {(group.arn, target.id) for group in table.groups.values() for target in group.targets}
        for key in self.tasks.keys() - named:
            self.tasks.pop(key).cancel()
            self._forget(key)
        for key in named - self.tasks.keys():
            self.tasks[key] = asyncio.create_task(self._watch(key))

    def state(self, group: RoutedGroup, target: Target) -> str:
        verdict = self.verdicts.get((group.arn, target.id))
        return verdict.state if verdict and target.admitted else target.state

    async def real(self, group: RoutedGroup, target: Target) -> bool:
        """Check whether the application answers on this target, or at least a release of it should."""
        if target.released or (group.arn, target.id) in self.verdicts:
            return True
        return await listens(target.host, target.port, group.patience)

    def _now(self, key: Key) -> tuple[RoutedGroup, Target]:
        group = self.table.groups[key[0]]
        return group, next(one for one in group.targets if one.id == key[1])

    async def _watch(self, key: Key) -> None:
        while True:
            group, target = self._now(key)
            if target.released or await listens(target.host, target.port, group.patience):
                await self._check(key, group, target)
            else:
                self._forget(key)
            await asyncio.sleep(group.every)

    async def _check(self, key: Key, group: RoutedGroup, target: Target) -> None:
        if key not in self.verdicts:
            self.verdicts[key] = begun(target)
            self.on_verdict(key, self.verdicts[key])
        failure = await check(group, target)
        verdict = self.verdicts[key]
        before = (verdict.state, verdict.reason, verdict.words)
        verdict.count(failure, group)
        if before != (verdict.state, verdict.reason, verdict.words):
            self.on_verdict(key, verdict)

    def _forget(self, key: Key) -> None:
        if self.verdicts.pop(key, None):
            self.on_verdict(key, None)


def begun(target: Target) -> Verdict:
    """Initial verdict of a target; the application inherits the result of the placeholder."""
    if target.state == "healthy":
        return Verdict("healthy", "", "")
    return Verdict()


async def listens(host: str, port: int, seconds: float) -> bool:
    """Check whether a program listens at exactly this address."""
    if not host or not await _connects(host, port, seconds):
        return False
    return host == "127.0.0.1" or not await _connects(NOBODY, port, seconds)


async def _connects(host: str, port: int, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def check(group: RoutedGroup, target: Target) -> tuple[str, str] | None:
    """One health check: None if it passes, else AWS's reason and words."""
    writer = None
    try:
        async with asyncio.timeout(group.patience):
            reader, writer = await asyncio.open_connection(target.host, target.port)
            headers = [("Host", f"{target.host}:{target.port}"), *AGENT]
            writer.write(wire.written(f"GET {group.path} HTTP/1.1", headers))
            head = await wire.read_head(reader, group.patience)
            code = int(head.first[1]) if head else 0
    except TimeoutError:
        return TIMED_OUT
    except (OSError, ValueError, wire.Malformed):
        return FAILED
    finally:
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.transport.abort()
    if not code:
        return FAILED
    if group.accepts(code):
        return None
    return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]"
