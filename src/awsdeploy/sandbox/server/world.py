"""The simulated world: moto's models, the time, and what the corrections remember. One per process.

Everything is plain memory, so that a fork of the process is a second, independent world.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from moto import backends
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from awsdeploy.sandbox.server.call import ACCOUNT
from awsdeploy.sandbox.server.clock import Agenda, SandboxClock
from awsdeploy.sandbox.server.keys import Keys

T = TypeVar("T")


@dataclass
class Site:
    """Place of a world on this machine: its folder, its port, the lock of who changes it, and its keys."""

    folder: Path
    port: int
    lock: threading.RLock
    keys: Keys

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class World:
    """`agenda.now` is the time of the call being answered; `of` is the place to remember things."""

    def __init__(self, clock: SandboxClock, site: Site) -> None:
        self.clock = clock
        self.site = site
        self.agenda = Agenda(clock)
        self._memory: dict[type, object] = {}

    @property
    def now(self) -> float:
        return self.agenda.now

    def of(self, kind: type[T]) -> T:
        """The single object of this class in this world, created on first use without arguments."""
        if kind not in self._memory:
            self._memory[kind] = kind()
        return cast(T, self._memory[kind])

    def moto(self, service: str, region: str = "") -> Any:
        """moto's own model of a service in a region; of a global service without one."""
        return backends.get_backend(service)[ACCOUNT][region or "aws"]


def fresh(clock: SandboxClock, site: Site) -> World:
    """Forget everything moto knows, and begin again."""
    BackendDict.reset()
    reset_model_data()
    return World(clock, site)
