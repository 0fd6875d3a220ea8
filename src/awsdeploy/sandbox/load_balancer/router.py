"""Process in which the simulated load balancers answer: `python -m awsdeploy.sandbox.load_balancer.router FD`.

Each has a port on loopback. What it needs to know comes as tables through the socket it inherits, one a line, and what
it finds out goes back the same way; it ends when that socket does. It never asks the simulated AWS for anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from awsdeploy.sandbox.load_balancer import routes
from awsdeploy.sandbox.load_balancer.forwarding import Exchange, Unanswered
from awsdeploy.sandbox.load_balancer.health_checks import Checks, Key, Verdict
from awsdeploy.sandbox.load_balancer.routes import Balancer, RoutedGroup, Table, Target
from awsdeploy.sandbox.load_balancer.wire import HEAD_LIMIT, Malformed, Pool, read_head

LOOPBACK = "127.0.0.1"
LIMIT = 16 * 1024 * 1024
"""Bytes of one table."""
BEAT = 1.0  # real seconds between two reports of how much was served


class Router:
    """The load balancers of one world."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.table = Table()
        self.checks = Checks(self._verdict)
        self.servers: dict[str, asyncio.Server] = {}
        self.pool = Pool()
        self.turns: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
        self.flying: Counter[Key] = Counter()
        self.told_draining: list[Key] = []
        self.served = 0

    async def use(self, table: Table) -> None:
        """Use this table from now on. Requests that have begun are finished with the old one."""
        self.table = table
        for name in self.servers.keys() - table.balancers.keys():
            self.servers.pop(name).close()
        for name in table.balancers.keys() - self.servers.keys():
            self.servers[name] = await asyncio.start_server(partial(self._serve, name), LOOPBACK, 0, limit=HEAD_LIMIT)
        self.checks.use(table)
        self.pool.keep_only({(target.host, target.port) for one in table.groups.values() for target in one.targets})
        ports = {name: server.sockets[0].getsockname()[1] for name, server in self.servers.items()}
        self.told_draining = self._draining()
        self._tell({"number": table.number, "ports": ports, "draining": self.told_draining})

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, request after request; each by the table that holds when it comes."""
        balancer = self.table.balancers.get(name)
        try:
            while balancer:
                try:
                    head = await read_head(reader, balancer.idle)
                except Malformed:
                    await Exchange(balancer, reader, writer).answer(400)
                    break
                balancer = self.table.balancers.get(name)
                if head is None or balancer is None:
                    break
                self.served += 1
                if not await self._answer(balancer, Exchange(balancer, reader, writer, head)):
                    break
        except (OSError, Malformed):
            pass
        finally:
            writer.close()

    async def _answer(self, balancer: Balancer, exchange: Exchange) -> bool:
        """Answer a request. Returns True if the connection may be used again."""
        if not exchange.host and exchange.head.first[2] == "HTTP/1.1":
            return await exchange.answer(400)
        rule = balancer.rule(exchange.method, exchange.host, exchange.path)
        if rule is None:
            return await exchange.answer(503)
        kind = rule.action["Type"]
        if kind == "redirect":
            return await exchange.redirect(rule.action["RedirectConfig"])
        if kind == "fixed-response":
            said = rule.action["FixedResponseConfig"]
            text = said.get("MessageBody", "")
            return await exchange.answer(int(said["StatusCode"]), text, said.get("ContentType", "text/plain"))
        found = self._turn(rule.action)
        if found is None:
            return await exchange.answer(503)
        exchange.sent = rule.rewritten(exchange.target)
        return await self._forward(exchange, *found)

    async def _forward(self, exchange: Exchange, group: RoutedGroup, target: Target) -> bool:
        key = (group.arn, target.id)
        self.flying[key] += 1
        try:
            if not target.admitted:
                return await exchange.answer(504)
            if not await self.checks.real(group, target):
                return await (exchange.placeholder() if target.placeholder else exchange.answer(502))
            return await exchange.forward(self.pool, target)
        except Unanswered as failure:
            if failure.refused and target.placeholder and not target.released:
                return await exchange.placeholder()
            return await exchange.answer(failure.status)
        finally:
            self.flying[key] -= 1
            if not self.flying[key]:
                del self.flying[key]
                self._tell_draining()

    def _turn(self, action: dict[str, Any]) -> tuple[RoutedGroup, Target] | None:
        """The next target in turn among the healthy. AWS: among all where none is ("fail open")."""
        named = (action.get("ForwardConfig") or {}).get("TargetGroups") or [action]
        shares = [one["TargetGroupArn"] for one in named for _ in range(int(one.get("Weight", 1)))]
        if not shares:
            return None
        group = self.table.groups.get(shares[next(self.turns[str(shares)]) % len(shares)])
        if group is None or not group.targets:
            return None
        healthy = [one for one in group.targets if self.checks.state(group, one) == "healthy"] or group.targets
        return group, healthy[next(self.turns[group.arn]) % len(healthy)]

    def _draining(self) -> list[Key]:
        """Targets that are no longer in the table and still have a request to finish."""
        named = {(group.arn, target.id) for group in self.table.groups.values() for target in group.targets}
        return sorted(self.flying.keys() - named)

    def _tell_draining(self) -> None:
        if self.told_draining and (now := self._draining()) != self.told_draining:
            self.told_draining = now
            self._tell({"draining": now})

    def _verdict(self, key: Key, verdict: Verdict | None) -> None:
        reported = None if verdict is None else [verdict.state, verdict.reason, verdict.words]
        self._tell({"verdict": [*key, reported]})

    def _tell(self, what: dict[str, Any]) -> None:
        self.writer.write(json.dumps(what).encode() + b"\n")

    async def beat(self) -> None:
        """Say now and then how much was served, and close what has been idle for too long."""
        before = 0
        while True:
            await asyncio.sleep(BEAT)
            if self.served != before:
                before = self.served
                self._tell({"served": before})
            self.pool.sweep()


async def main(descriptor: int) -> None:
    control = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=control, limit=LIMIT)
    router = Router(writer)
    beating = asyncio.create_task(router.beat())
    with contextlib.suppress(OSError):
        while line := await reader.readline():
            await router.use(routes.read(line))
    beating.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
