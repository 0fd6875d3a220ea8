"""One request through a load balancer: passed on to a target and its answer passed back, or answered here.

As an application load balancer does it: nothing is sent twice, so a target that hangs up on a kept connection before it
answers costs the client a 502; the headers of the hop are replaced, `X-Forwarded-*` are added.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import secrets
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from awsdeploy.sandbox.load_balancer.routes import Balancer, Target
from awsdeploy.sandbox.load_balancer.wire import (
    CHUNKED,
    PIECE,
    UNTIL_CLOSED,
    Head,
    Headers,
    Malformed,
    Pool,
    TargetConnection,
    pieces,
    read_head,
    relay,
    write,
    written,
)

CONNECTING = 10.0  # seconds. AWS: a target that has not accepted by then is a 504
LINGER = 5.0  # seconds that a client may go on sending what nobody wants any more
PAGE = "<!doctype html><title>nothing deployed yet</title><p>nothing deployed yet</p>"
TITLES = {503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
"""AWS's names for status codes, where they differ from the usual ones."""
VALID = re.compile(r"[-A-Za-z0-9]+")
"""AWS: the header names that stay with `routing.http.drop_invalid_header_fields.enabled`."""


class Unanswered(Exception):
    """The target did not answer. The client gets `status`. `refused`: nothing listens on the port."""

    def __init__(self, status: int, refused: bool = False) -> None:
        super().__init__(status)
        self.status, self.refused = status, refused


class Exchange:
    """A request of a client, and the ways to answer it: each says whether the connection may be used again."""

    def __init__(
        self,
        balancer: Balancer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: Head | None = None,
    ) -> None:
        self.balancer, self.reader, self.writer = balancer, reader, writer
        self.head = head or Head(("GET", "/", "HTTP/1.1"))
        self.body_begun = self.body_read = False
        self.sent = self.target
        """Path and query as the target gets them."""

    @property
    def method(self) -> str:
        return self.head.first[0]

    @property
    def host(self) -> str:
        """The name asked for, without a port."""
        return re.sub(r":\d+$", "", self.head.get("host"))

    @property
    def target(self) -> str:
        """Path and query as they came."""
        said = self.head.first[1]
        if said.startswith(("http://", "https://")):
            parts = urlsplit(said)
            return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return said

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def keeps(self) -> bool:
        return self.head.first[2] == "HTTP/1.1" and not self.head.says("connection", "close")

    async def answer(
        self, status: int, text: str | None = None, kind: str = "text/html", more: Headers | None = None
    ) -> bool:
        """Answer here, by default with a page as AWS shows it."""
        title = f"{status} {TITLES.get(status) or http.client.responses.get(status, 'Unknown')}"
        if text is None:
            text = (
                f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
                f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
            )
        keeps = await self._body_is_over() and status != 400
        body = text.encode()
        headers = [("Server", "awselb/2.0"), ("Date", formatdate(usegmt=True)), ("Content-Type", kind)]
        headers += [("Content-Length", str(len(body))), *(more or ()), *self.balancer.headers, _connection(keeps)]
        self.writer.write(written(f"HTTP/1.1 {title}", headers) + (b"" if self.method == "HEAD" else body))
        await self.writer.drain()
        if not keeps:
            await self._part()
        return keeps

    async def placeholder(self) -> bool:
        """Answer of a machine on which nothing runs yet."""
        if self.method not in {"GET", "HEAD"}:
            return await self.answer(501)
        more = [("Cache-Control", "no-store"), ("X-Robots-Tag", "noindex")]
        return await self.answer(200, PAGE, "text/html; charset=utf-8", more)

    async def redirect(self, to: dict[str, Any]) -> bool:
        """AWS: `#{protocol}`, `#{host}`, `#{port}`, `#{path}` (without its slash), `#{query}` are the request's own."""
        own = {
            "protocol": "HTTPS" if self.balancer.secure else "HTTP",
            "host": self.host,
            "port": str(self.balancer.port),
            "path": self.path.removeprefix("/"),
            "query": self.target.partition("?")[2],
        }
        defaults = {"Protocol": "#{protocol}", "Host": "#{host}", "Port": "#{port}"}
        defaults |= {"Path": "/#{path}", "Query": "#{query}"}
        parts = {
            name: re.sub(r"#\{(\w+)\}", lambda found: own.get(found[1], ""), str(to.get(name) or value))
            for name, value in defaults.items()
        }
        query = f"?{parts['Query']}" if parts["Query"] else ""
        place = f"{parts['Protocol'].lower()}://{parts['Host']}:{parts['Port']}{parts['Path']}{query}"
        status = 302 if to.get("StatusCode") == "HTTP_302" else 301
        return await self.answer(status, more=[("Location", place)])

    async def forward(self, pool: Pool, target: Target) -> bool:
        """Raises `Unanswered` as long as the client has not been told anything, then `OSError` or `Malformed`."""
        try:
            there = await pool.get(target.host, target.port, CONNECTING)
        except TimeoutError:
            raise Unanswered(504) from None
        except OSError:
            raise Unanswered(502, refused=True) from None
        done = False
        length = self.head.length(0)
        sending: asyncio.Task[bool] | None = None
        try:
            there.writer.write(written(f"{self.method} {self.sent} HTTP/1.1", self._request_headers(length)))
            if length:
                sending = asyncio.create_task(self._send(there, length))
            answer = await self._first_words(there)
            if answer.first[1] == "101":
                await self._switch(answer, there)
                return False
            done = await self._pass_back(answer, there)
            sent = sending is None or await _over(sending)
            done = done and sent and answer.first[0] == "HTTP/1.1" and not answer.says("connection", "close")
            return self.keeps and sent and self.head.first[2] == "HTTP/1.1"
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.wait([sending])
            if done:
                pool.put(target.host, target.port, there)
            else:
                there.close()

    def _request_headers(self, length: int) -> Headers:
        ours = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "expect"}
        if length == CHUNKED:
            ours.add("content-length")
        kept = [
            (name, value)
            for name, value in self.head.end_to_end()
            if name.lower() not in ours and (VALID.fullmatch(name) or not self.balancer.plain_headers)
        ]
        client = self.writer.get_extra_info("peername")[0]
        kept += [
            ("X-Forwarded-For", ", ".join(filter(None, [self.head.get("x-forwarded-for"), client]))),
            ("X-Forwarded-Proto", "https" if self.balancer.secure else "http"),
            ("X-Forwarded-Port", str(self.balancer.port)),
        ]
        if not self.head.get("x-amzn-trace-id"):
            kept.append(("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"))
        if length == CHUNKED:
            kept.append(("Transfer-Encoding", "chunked"))
        if self.head.says("connection", "upgrade") and self.head.get("upgrade"):
            kept += [("Connection", "Upgrade"), ("Upgrade", self.head.get("upgrade"))]
        return kept

    async def _send(self, there: TargetConnection, length: int) -> bool:
        """The request's body to the target; whether all of it went."""
        self.body_begun = True
        if self.head.says("expect", "100-continue"):
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = pieces(self.reader, length, self.balancer.idle)
        try:
            await write(there.writer, body, length == CHUNKED)
            self.body_read = True
        except (OSError, Malformed):
            if self.reader.at_eof() or self.reader.exception():
                there.close()
        return self.body_read

    async def _first_words(self, there: TargetConnection) -> Head:
        try:
            while True:
                head = await read_head(there.reader, self.balancer.idle)
                if head is None:
                    raise Unanswered(502)
                if not head.first[0].startswith("HTTP/"):
                    raise Unanswered(502)
                if head.first[1] == "101" or not head.first[1].startswith("1"):
                    int(head.first[1])
                    head.length(0)
                    return head
        except TimeoutError:
            raise Unanswered(504) from None
        except (OSError, ValueError, Malformed):
            raise Unanswered(502) from None

    async def _pass_back(self, answer: Head, there: TargetConnection) -> bool:
        """Pass the answer back. Returns True if the target's connection can be used again."""
        status = answer.first[1]
        bare = self.method == "HEAD" or status in {"204", "304"}
        length = 0 if bare else answer.length(UNTIL_CLOSED)
        modern = self.head.first[2] == "HTTP/1.1"
        chunked = length < 0 and modern
        # AWS: a header that the listener adds takes the place of the target's own.
        ours = {name.lower() for name, _ in self.balancer.headers} | ({"content-length"} if length < 0 else set())
        headers = [one for one in answer.end_to_end() if one[0].lower() not in ours] + list(self.balancer.headers)
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        headers.append(_connection(self.keeps))
        self.writer.write(written(f"HTTP/1.1 {status} {answer.first[2]}", headers))
        await write(self.writer, pieces(there.reader, length, self.balancer.idle), chunked)
        await self.writer.drain()
        return length != UNTIL_CLOSED

    async def _switch(self, answer: Head, there: TargetConnection) -> None:
        """The client and the target speak something else from here on, such as WebSocket."""
        upgraded = [("Connection", "Upgrade"), ("Upgrade", answer.get("upgrade"))]
        self.writer.write(written("HTTP/1.1 101 Switching Protocols", [*answer.end_to_end(), *upgraded]))
        both = [
            asyncio.create_task(relay(self.reader, there.writer)),
            asyncio.create_task(relay(there.reader, self.writer)),
        ]
        _, pending = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in pending:
            one.cancel()
        for one in both:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await one

    async def _body_is_over(self) -> bool:
        """Read what the client still sends, for a moment; whether its connection may be used again."""
        try:
            length = self.head.length(0)
            if length and not self.body_read:
                if self.body_begun or self.head.says("expect", "100-continue"):
                    return False
                async with asyncio.timeout(LINGER):
                    async for _ in pieces(self.reader, length, LINGER):
                        pass
        except (OSError, Malformed):
            return False
        return self.keeps

    async def _part(self) -> None:
        """End the response and read the rest of the request: otherwise the client would lose the response."""
        with contextlib.suppress(OSError):
            if self.writer.can_write_eof():
                self.writer.write_eof()
            async with asyncio.timeout(LINGER):
                while await self.reader.read(PIECE):
                    pass


def _connection(keeps: bool) -> tuple[str, str]:
    return "Connection", "keep-alive" if keeps else "close"


async def _over(sending: asyncio.Task[bool]) -> bool:
    """Check whether the request's body has been sent completely, at the latest in a moment."""
    await asyncio.wait([sending], timeout=LINGER)
    return sending.done() and not sending.cancelled() and sending.result()
