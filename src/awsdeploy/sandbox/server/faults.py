"""Faults that can be switched on: killed clients, lost, late and stale answers, refusals; and the log of calls."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.server import authorization
from awsdeploy.sandbox.server.call import ApiCall
from awsdeploy.sandbox.server.lag import Lag
from awsdeploy.sandbox.server.organisation import Organisation
from awsdeploy.sandbox.server.refusal import AwsRefuses

KINDS = ("kill-before", "kill-after", "lost-answer")
CLIENT = re.compile(r"app/awsdeploy-(\d+)")


@dataclass
class Fault:
    """Happens once, at the `write`-th write from now; counts only `operation` if it is given."""

    kind: str
    write: int
    operation: str = ""


@dataclass
class Refuse:
    """AWS refuses `operation` this many `times` more."""

    operation: str
    code: str
    message: str
    status: int
    times: int


@dataclass
class Faults:
    """Everything switched on in this process, and the calls it has answered."""

    lag: Lag = field(default_factory=Lag)
    latency: float = 0.0  # real seconds added to every AWS call
    fault: Fault | None = None
    refusals: list[Refuse] = field(default_factory=list)
    denied: frozenset[str] = frozenset()  # IAM actions that nobody is allowed
    organisation: Organisation = field(default_factory=Organisation)
    log: list[dict[str, Any]] = field(default_factory=list)

    def claim(self, call: ApiCall) -> str:
        """The kind of fault that hits this call, or ""."""
        fault = self.fault
        if fault is None or not call.write or fault.operation not in ("", call.name):
            return ""
        fault.write -= 1
        if fault.write > 0:
            return ""
        self.fault = None
        return fault.kind

    def refuse(self, call: ApiCall) -> None:
        if self.denied and (action := authorization.denied(call, self.denied)):
            raise authorization.refuse(call, action)
        if self.organisation.refuses(call):
            raise authorization.refuse(call, authorization.asked(call)[0], authorization.BY_ORGANISATION)
        for row in self.refusals:
            if row.operation == call.name and row.times > 0:
                row.times -= 1
                raise AwsRefuses(row.code, row.message, row.status)

    def record(self, call: ApiCall, outcome: str, now: float) -> None:
        actions = authorization.asked(call)
        self.log.append({"call": call.name, "write": call.write, "outcome": outcome, "at": now, "actions": actions})


def kill_client(headers: Mapping[str, str]) -> bool:
    """SIGKILL the process that names itself in the request's User-Agent. False: it names none."""
    client = CLIENT.search(headers.get("User-Agent", ""))
    if client is None or int(client[1]) in (0, 1, os.getpid()):
        return False
    try:
        os.kill(int(client[1]), signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
