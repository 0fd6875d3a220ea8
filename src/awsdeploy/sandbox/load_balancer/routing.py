"""The simulated AWS's side of its router: starts the process that answers for the load balancers, tells it what
changes, and hears from it which machines are well.

The router is started by the first who asks for an address, or by the first machine on which something runs; most worlds
of the tests never need one. A forked world starts its own.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from awsdeploy.sandbox.load_balancer.routes import Balancer, RoutedGroup, RoutingRule, Table, Target
from awsdeploy.sandbox.machines import hosts

if TYPE_CHECKING:
    from awsdeploy.sandbox.server.world import World

DEADLINE = 10.0
"""Real seconds in which the router must have answered."""
EVERY = 0.1
"""Real seconds between two looks at what has changed by itself."""
SHORTEST = 0.2
"""Real seconds between two health checks at least, however fast the world's time runs."""
TIMEOUT_SECONDS = 2.0
"""Minimum timeout of a health check in real seconds: the applications are as slow as elsewhere."""


class Simulation(Protocol):
    """The server whose load balancers are answered for."""

    lock: threading.RLock
    ended: threading.Event
    last_request: float

    @property
    def world(self) -> World: ...


class Routing:
    """One world's router, not running until it is needed."""

    def __init__(self, server: Simulation) -> None:
        self.server = server
        self.control: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.sent = Table()
        self.heard = threading.Condition()
        self.number = 0
        self.ports: dict[str, int] = {}

    def addresses(self) -> dict[str, str]:
        """Address of each load balancer, by name. Starts the router."""
        with self.server.lock:
            self.server.world.agenda.catch_up()
            self._start()
            number = self._publish()
        self._wait(number)
        return {name: f"http://127.0.0.1:{port}" for name, port in sorted(self.ports.items())}

    def changed(self) -> None:
        """Update the router after each call, under the server's lock and before the client gets the response."""
        if self.control is None and self.server.world.of(hosts.Hosts).running:
            self._start()
        if self.control is not None and (number := self._publish()) > self.number:
            self._wait(number)

    def abandon(self) -> None:
        """Forget the router in a forked child: it belongs to the parent."""
        if self.control is not None:
            self.control.close()

    def stop(self) -> None:
        control, self.control = self.control, None
        if control is not None:
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_RDWR)
            control.close()
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(DEADLINE)

    def _start(self) -> None:
        if self.control is not None:
            return
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE)
        command = [sys.executable, "-P", "-m", "awsdeploy.sandbox.load_balancer.router", str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.control, self.sent, self.number, self.ports = ours, Table(), 0, {}
        threading.Thread(target=self._listen, args=(ours,), daemon=True).start()
        threading.Thread(target=self._look, args=(ours,), daemon=True).start()

    def _publish(self) -> int:
        """Send what is so now, if it differs from what was sent; the number of the table that holds."""
        assert self.control is not None  # noqa: S101  # tells mypy
        world = self.server.world
        if world.of(hosts.Hosts).running:
            for port in set(self.ports.values()) - world.of(hosts.Hosts).allowed_ports:
                hosts.allow_port(world, port)
        now = table(world)
        if self.sent.number == 0 or replace(now, number=self.sent.number) != self.sent:
            self.sent = replace(now, number=self.sent.number + 1)
            with contextlib.suppress(OSError):
                self.control.sendall(self.sent.written().encode() + b"\n")
        return self.sent.number

    def _wait(self, number: int) -> None:
        with self.heard:
            self.heard.wait_for(lambda: self.number >= number or self.control is None, DEADLINE)

    def _look(self, control: socket.socket) -> None:
        """Update what changes without a call: a machine has booted, a load balancer has become active."""
        while self.control is control and not self.server.ended.is_set():
            time.sleep(EVERY)
            with self.server.lock:
                if self.control is control:
                    self.server.world.agenda.catch_up()
                    self._publish()

    def _listen(self, control: socket.socket) -> None:
        world = self.server.world
        for message in _lines(control):
            self._hear(world, message)
        with self.heard:
            if self.control is control:
                self.control = None
            self.heard.notify_all()

    def _hear(self, world: World, message: dict[str, Any]) -> None:
        from awsdeploy.sandbox.aws.web.checked import Checked

        checked = world.of(Checked)
        if "verdict" in message:
            arn, id, said = message["verdict"]
            if said is None:
                checked.verdicts.pop((arn, id), None)
            else:
                checked.verdicts[arn, id] = tuple(said)
        if "draining" in message:
            checked.draining = {(arn, id) for arn, id in message["draining"]}
        if "served" in message:
            self.server.last_request = time.monotonic()
        if "number" in message:
            with self.heard:
                self.number, self.ports = message["number"], message["ports"]
                self.heard.notify_all()


def _lines(control: socket.socket) -> Iterator[dict[str, Any]]:
    control.settimeout(None)
    with contextlib.suppress(OSError, ValueError), control.makefile("rb") as heard:
        for line in heard:
            yield json.loads(line)


def table(world: World) -> Table:
    """Table of the world as it is now, for the router."""
    from moto import backends

    from awsdeploy.sandbox.server.call import ACCOUNT

    balancers: dict[str, Balancer] = {}
    groups: dict[str, RoutedGroup] = {}
    for region, elb in list(backends.get_backend("elbv2")[ACCOUNT].items()):
        for balancer in elb.load_balancers.values():
            if found := _balancer(world, balancer):
                balancers[found.name] = found
        for group in elb.target_groups.values():
            if group.load_balancer_arns:
                groups[group.arn] = _group(world, region, group)
    return Table(0, balancers, groups)


def _balancer(world: World, balancer: Any) -> Balancer | None:
    """Balancer with the HTTPS listener if there is one: people see what HTTP redirects to."""
    from awsdeploy.sandbox.aws.web.load_balancers import Balancers

    if balancer.arn not in world.of(Balancers).active_since or balancer.arn in world.of(Balancers).leaving:
        return None
    chosen = sorted(balancer.listeners.values(), key=lambda one: (one.protocol != "HTTPS", int(one.port)))
    if not chosen:
        return None
    listener, attributes = chosen[0], balancer.attrs
    rules = sorted(listener.rules.values(), key=lambda one: (one.priority == "default", _number(one.priority)))
    return Balancer(
        balancer.name,
        listener.protocol == "HTTPS",
        int(listener.port),
        float(attributes.get("idle_timeout.timeout_seconds") or 60),
        str(attributes.get("routing.http.drop_invalid_header_fields.enabled")).lower() == "true",
        _added(listener.attributes),
        tuple(RoutingRule(_conditions(one), dict(one.actions[-1].data), _rewrites(one)) for one in rules),
    )


def _added(attributes: Any) -> tuple[tuple[str, str], ...]:
    """The headers that a listener puts on every answer."""
    start, end = "routing.http.response.", ".header_value"
    return tuple(
        (key.removeprefix(start).removesuffix(end).replace("_", "-").title(), value)
        for key, value in sorted(attributes.items())
        if key.startswith(start) and key.endswith(end) and value
    )


def _number(priority: object) -> int:
    return 0 if priority == "default" else int(str(priority))


def _conditions(rule: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    read = []
    for one in rule.conditions or ():
        configs = [part for name, part in one.items() if name.endswith("Config") and isinstance(part, dict)]
        values = one.get("Values") or (configs[0].get("Values") if configs else None) or ()
        read.append((str(one["Field"]), tuple(str(value) for value in values)))
    return tuple(read)


def _rewrites(rule: Any) -> tuple[tuple[str, str], ...]:
    """Rewrites of the URL."""
    configs = [one.get("UrlRewriteConfig") or {} for one in getattr(rule, "transforms", ())]
    return tuple((one["Regex"], one["Replace"]) for config in configs for one in config.get("Rewrites", ()))


def _group(world: World, region: str, group: Any) -> RoutedGroup:
    from awsdeploy.sandbox.aws.web import targets

    interval, timeout = float(group.health_check_interval_seconds), float(group.health_check_timeout_seconds)
    speed = world.clock.speed
    return RoutedGroup(
        group.arn,
        group.health_check_path or "/",
        str(group.matcher.get("HttpCode", "200")),
        min(max(interval / speed, SHORTEST), interval),
        min(max(timeout / speed, TIMEOUT_SECONDS), timeout),
        int(group.healthy_threshold_count),
        int(group.unhealthy_threshold_count),
        tuple(
            Target(
                one.id,
                *_place(world, one.id, one.port),
                one.state,
                one.placeholder,
                one.released,
                one.admitted,
            )
            for one in targets.serving(world, region, group)
        ),
    )


def _place(world: World, id: str, port: int) -> tuple[str, int]:
    """Real address of a machine's port; none if nothing was ever run on it."""
    from awsdeploy.sandbox.aws.web.checked import real

    return (hosts.address_of(world, id), hosts.port_of(world, id, port)) if real(world, id) else ("", port)
