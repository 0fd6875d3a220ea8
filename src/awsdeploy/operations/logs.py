"""Logs of services, machines and the database in CloudWatch, and of the load balancer in S3.

Reads only. How it is printed is no concern of this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from awsdeploy.aws.session import tolerate
from awsdeploy.config import Settings
from awsdeploy.engine.run import Run
from awsdeploy.errors import UsageError
from awsdeploy.operations.entries import LogEvent
from awsdeploy.release.machines import ReleaseMachine
from awsdeploy.resources.monitoring.log_group import DatabaseLog

DATABASE, BALANCER, BOOTSTRAP, NGINX = "rds", "alb", "bootstrap", "nginx"
OTHERS = (DATABASE, BALANCER, BOOTSTRAP, NGINX)
"""Sources of logs other than the services."""

LATE = 60_000
"""Milliseconds by which an event may come late: agents send what they have every few seconds."""


@dataclass
class Tail:
    """One log group, read on from where it was left. `source` is what people call it."""

    run: Run
    group: str
    source: str
    start: int
    """Milliseconds since 1970."""
    _seen: dict[str, int] = field(default_factory=dict)

    def read(self) -> list[LogEvent]:
        """New lines of all sources."""
        found: list[LogEvent] = []
        logs = self.run.client("logs")
        with tolerate("ResourceNotFoundException"):
            for one in logs.pages("filter_log_events", "events", logGroupName=self.group, startTime=self.start):
                if one["eventId"] not in self._seen:
                    self._seen[one["eventId"]] = one["timestamp"]
                    found.append(
                        LogEvent(self.source, one["logStreamName"], one["timestamp"], one["message"], one["eventId"])
                    )
        if self._seen:
            self.start = max(self.start, max(self._seen.values()) - LATE)
            self._seen = {id: at for id, at in self._seen.items() if at >= self.start}
        return found


def tails(run: Run, settings: Settings, source: str, start: datetime) -> list[Tail]:
    """The log groups of a source; of all services for none. Raises `UsageError` for one that does not exist."""
    first = int(start.timestamp() * 1000)
    if source in settings.services or source in (BOOTSTRAP, NGINX):
        return [Tail(run, run.stack.parameter(source), source, first)]
    if source == DATABASE:
        observations = run.all(DatabaseLog)
        return [
            Tail(run, observed.id, f"{DATABASE} {observed.key.rpartition('/')[2]}", first) for observed in observations
        ]
    if source:
        known = ", ".join([*settings.services, *OTHERS])
        raise UsageError(f"{source} is not a valid log name.", f"Logs: {known}.")
    return [Tail(run, run.stack.parameter(name), name, first) for name in settings.services]


def read(run: Run, tails: Sequence[Tail]) -> list[LogEvent]:
    """Return the lines since the last call, also late ones, and each line once."""
    return [event for events in run.session.each(lambda one: one.read(), list(tails)) for event in events]


def machine(stream: str, machines: Sequence[ReleaseMachine]) -> str:
    """Name of the machine that writes this stream: the stream's name begins with the machine's id."""
    found = re.match(r"i-[0-9a-f]+", stream)
    if not found:
        return ""
    return next((one.name for one in machines if one.id == found[0]), found[0])


def silence(settings: Settings, source: str, machines: Sequence[ReleaseMachine]) -> Iterator[str]:
    """Possible reasons for an empty log, in sentences."""
    if source == BALANCER:
        yield "AWS delivers the load balancer's log every five minutes, and only if there were requests."
    elif source == DATABASE:
        yield "The database logs errors and slow queries only."
    elif source == NGINX:
        yield "nginx writes to this log if a release uses nginx."
    elif source == BOOTSTRAP:
        yield "Machines write to this log during their setup."
    else:
        for name in [source] if source else settings.services:
            mine = [one for one in machines if one.service == name]
            if not mine:
                yield f"{name} has no machine."
            elif failed := [one for one in mine if one.failed]:
                yield from (f"{name}: {one.failed}" for one in failed)
            elif not any(one.release for one in mine):
                yield f"{name}: nothing has been released yet, and the placeholder page writes no log."
