"""The process that plays AWS: answers AWS calls and the control calls under `/_sandbox/`, one at a time."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from awsdeploy import __version__
from awsdeploy.sandbox.load_balancer.routing import Routing
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.server import access, answering, faults, lag
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server.call import ApiCall, Incoming, Outgoing
from awsdeploy.sandbox.server.clock import SandboxClock
from awsdeploy.sandbox.server.faults import Faults
from awsdeploy.sandbox.server.http import HttpServer, listening_sockets
from awsdeploy.sandbox.server.keys import HEADER, Keys
from awsdeploy.sandbox.server.nameserver import NameServer
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import Site, World

log = logging.getLogger(__name__)

CONTROL = "/_sandbox/"
ADDRESS = f"{CONTROL}address"
LINK = f"{CONTROL}link/"
CLIENT = "198.51.100.7"
"""Address from which a client of the sandbox seems to come; as plain text, as checkip.amazonaws.com says it."""


class ControlCalls(Protocol):
    """Answers the control calls of one server. Raises `ValueError` or `KeyError` for one that makes no sense."""

    def handle(self, method: str, path: str, value: Mapping[str, Any]) -> dict[str, Any]: ...


class SandboxServer:
    """One world behind one port. `idle`: real seconds without a request of the owner's before the process ends.

    `home` is the folder in which the machines of the world have theirs.
    """

    def __init__(
        self, port: int, speed: float, idle: float, home: Path, control: Callable[[SandboxServer], ControlCalls]
    ) -> None:
        self.control = control(self)
        self.lock = threading.RLock()
        self.home = home
        self.keys = Keys.new()
        self.started = time.time()
        self.idle = idle
        self.last_request = time.monotonic()
        self.faults = Faults()
        self.children: set[int] = set()
        self.clock = SandboxClock(speed)
        self.world: World
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.routing = Routing(self)
        self._listen(*listening_sockets(port))

    def prepare(self) -> None:
        """Load moto and make the world: a second's work, while the client still imports boto3."""
        try:
            answering.load()
            self.world = answering.begin(self.clock, self._site())
            answering.warm(self.world)
        except BaseException:
            log.exception("the world could not be made")
            os._exit(1)
        self.ready.set()

    def _listen(self, listening: Any, datagrams: Any) -> None:
        self.listener = HttpServer(self.application, listening)
        self.nameserver = NameServer(datagrams, self._public)
        self.port: int = listening.getsockname()[1]

    def _site(self) -> Site:
        return Site(self.home, self.port, self.lock, self.keys)

    def status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "port": self.port,
            "speed": self.clock.speed,
            "started": self.started,
            "version": __version__,
            "now": self.clock.read(),
            "secret": self.keys.secret,
        }

    def application(self, incoming: Incoming) -> Outgoing | None:
        if wrong := access.foreign(incoming, self.port):
            return Outgoing(403, {"Content-Type": "text/plain"}, f"{wrong}\n".encode())
        if incoming.path.startswith(CONTROL):
            return self._control(incoming)
        self.ready.wait()
        if self.faults.latency:
            time.sleep(self.faults.latency)
        with self.lock:
            outgoing = self._aws(access.from_query(incoming))
            self.routing.changed()
            return outgoing

    def _aws(self, incoming: Incoming) -> Outgoing | None:
        call: ApiCall | None = None
        known = False
        hit = ""
        try:
            self.world.agenda.catch_up()
            call = calls.routed(incoming)
            self._authenticate(call, incoming)
            calls.parse(call)
            known = True
            hit = self.faults.claim(call)
            if hit == "kill-before":
                self._kill(call, incoming)
                return None
            self.faults.refuse(call)
            outgoing = self._answer(call, incoming)
            outcome = "ok" if outgoing.status < 300 else str(outgoing.status)
        except AwsRefuses as refusal:
            outgoing, outcome = calls.refused(call, refusal), refusal.code
        except Exception:  # noqa: BLE001 - a mistake of the sandbox: the client sees AWS's InternalFailure, the log why
            log.error("%s\n%s", call, traceback.format_exc())
            broken = AwsRefuses("InternalFailure", "The sandbox made a mistake; see its log.", 500)
            outgoing, outcome = calls.refused(call, broken), broken.code
        if call is not None and known:
            self.faults.record(call, outcome, self.world.now)
            if hit == "kill-after":
                self._kill(call, incoming)
        return None if hit else outgoing

    def _answer(self, call: ApiCall, incoming: Incoming) -> Outgoing:
        """The present world's answer, or that of the one before, where reads lag. Raises `AwsRefuses`."""
        if call.write:
            self.faults.lag.before_write(self.world.now, self._stand_still)
        elif lag.lags(call) and (past := self.faults.lag.of(self.world.now)):
            return past.ask(incoming)
        return answering.answer(self.world, call)

    def _stand_still(self) -> lag.Answer:
        """Stop all activity in a copy of the process, in which only this thread exists."""
        self.listener.abandon()
        self.nameserver.close()
        self.routing.abandon()

        def answer(incoming: Incoming) -> Outgoing:
            call = calls.read(incoming)
            try:
                return answering.answer(self.world, call)
            except AwsRefuses as refusal:
                return calls.refused(call, refusal)

        return answer

    def _authenticate(self, call: ApiCall, incoming: Incoming) -> None:
        """Raise `AwsRefuses` if neither the owner nor a machine signed. For anonymous calls see `anonymous_access`.

        Calls of machines and anonymous calls do not count as use of the sandbox, which ends when its owner is idle.
        """
        if call.anonymous:
            return
        access.verify(incoming, self.keys, call.protocol)
        if call.key == self.keys.owner:
            self.last_request = time.monotonic()

    def _kill(self, call: ApiCall, incoming: Incoming) -> None:
        if not faults.kill_client(incoming.headers):
            log.error("%s should have killed its client, which does not name itself", call.name)

    def _control(self, incoming: Incoming) -> Outgoing:
        address = urlsplit(incoming.path)
        if (incoming.method, address.path) == ("GET", ADDRESS):
            return Outgoing(200, {"Content-Type": "text/plain"}, f"{CLIENT}\n".encode())
        if (incoming.method, address.path) == ("GET", f"{LINK}{self.keys.link}"):
            return self._link(parse_qs(address.query).get("name", [""])[0])
        if not access.controls(incoming, self.keys):
            said = f"Control calls carry the sandbox's secret in {HEADER}.\n"
            return Outgoing(403, {"Content-Type": "text/plain"}, said.encode())
        self.last_request = time.monotonic()
        try:
            value: Mapping[str, Any] = json.loads(incoming.body or b"{}")
            status, answer = 200, self.control.handle(incoming.method, incoming.path, value)
        except (KeyError, ValueError, TypeError) as wrong:
            status, answer = 400, {"error": f"{type(wrong).__name__}: {wrong}"}
        return Outgoing(status, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _link(self, name: str) -> Outgoing:
        """Address of a load balancer on this machine, as plain text."""
        self.last_request = time.monotonic()
        self.ready.wait()
        address = self.routing.addresses().get(name)
        return Outgoing(200 if address else 404, {"Content-Type": "text/plain"}, f"{address or ''}\n".encode())

    def _public(self, name: str, kind: str) -> list[str] | None:
        """Records of public DNS."""
        from awsdeploy.sandbox.aws.dns import public_dns

        self.ready.wait()
        with self.lock:
            self.world.agenda.catch_up()
            return public_dns.answer(self.world, name, kind)

    def reset(self) -> None:
        self.ready.wait()
        with self.lock:
            hosts.end(self.world)
            self.faults.lag.end()
            self.faults = Faults()
            self.routing.stop()
            self.world = answering.begin(self.clock, self._site())
            self.routing = Routing(self)

    def fork(self) -> tuple[int, int]:
        """Fork this world into a separate process; return its pid and port."""
        self.ready.wait()
        listening, datagrams = listening_sockets()
        with self.lock:
            self.world.agenda.catch_up()
            gc.freeze()  # a collection in the child would copy all that it shares
            pid = os.fork()
            if pid == 0:
                self._live_on(listening, datagrams)
        listening_port: int = listening.getsockname()[1]
        listening.close()
        datagrams.close()
        self.children.add(pid)
        return pid, listening_port

    def _live_on(self, listening: Any, datagrams: Any) -> None:
        """Serve in the child until stopped; only this thread exists there."""
        self.listener.abandon()
        self.nameserver.close()
        self.routing.abandon()
        self.routing = Routing(self)
        self.lock, self.ended = threading.RLock(), threading.Event()
        self.children = set()
        self.faults.log, self.faults.lag = [], self.faults.lag.in_a_fork()
        self.last_request = time.monotonic()
        self._listen(listening, datagrams)
        self.home = self.home / "forks" / str(os.getpid())
        self.world.site = self._site()
        answering.leave_behind(self.world)
        try:
            self.run()
        finally:
            os._exit(0)

    def run(self) -> None:
        """Serve until stopped. The main thread only waits: a signal's handler must not start threads."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        threading.Thread(target=self._watch, daemon=True).start()
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()
        self.ended.wait()
        self.listener.shutdown()
        self.routing.stop()
        if self.ready.is_set():
            hosts.end(self.world)
            self.faults.lag.end()
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    def advance(self, seconds: float) -> None:
        self.ready.wait()
        with self.lock:
            answering.before_leap(self.world)
            self.clock.advance(seconds)
            self.world.agenda.catch_up()
            self.routing.changed()

    def stop(self) -> None:
        self.ended.set()

    def _watch(self) -> None:
        while time.monotonic() - self.last_request < self.idle:
            time.sleep(min(1.0, self.idle / 4))
            for child in list(self.children):
                if os.waitpid(child, os.WNOHANG)[0]:
                    self.children.discard(child)
        self.stop()
