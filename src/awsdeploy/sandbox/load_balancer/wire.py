"""HTTP/1.1 between sockets: heads, and bodies that are passed on piece by piece."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Container, Iterable
from dataclasses import dataclass, field

PIECE = 65_536
HEAD_LIMIT = 65_536
"""Bytes of one head. AWS: 64 KB."""
HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer transfer-encoding "
    "upgrade".split()
)
CHUNKED, UNTIL_CLOSED = -1, -2
"""Length of a body without Content-Length."""
Headers = list[tuple[str, str]]


class Malformed(Exception):
    """Message that is not HTTP, or ends in the middle."""


@dataclass
class Head:
    """A first line in its three parts, and the headers as they came."""

    first: tuple[str, str, str]
    headers: Headers = field(default_factory=list)

    def get(self, name: str) -> str:
        return ", ".join(value for one, value in self.headers if one.lower() == name)

    def says(self, name: str, token: str) -> bool:
        """Check whether a header that is a list of words contains this one."""
        return token in [word.strip().lower() for word in self.get(name).split(",")]

    def end_to_end(self) -> Headers:
        """The headers that are meant for the other end. RFC 9110: what `Connection` names is not."""
        named = {word.strip().lower() for word in self.get("connection").split(",")}
        return [(name, value) for name, value in self.headers if name.lower() not in HOP_BY_HOP | named]

    def length(self, otherwise: int) -> int:
        if self.says("transfer-encoding", "chunked"):
            return CHUNKED
        said = {value.strip() for name, value in self.headers if name.lower() == "content-length"}
        if len(said) > 1 or any(not one.isdigit() for one in said):
            raise Malformed("content-length")
        return int(said.pop()) if said else otherwise


async def read_head(reader: asyncio.StreamReader, seconds: float) -> Head | None:
    """The next head; None if the connection ended before it. Raises `Malformed`, `TimeoutError`, `OSError`."""
    try:
        async with asyncio.timeout(seconds):
            text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as ended:
        if ended.partial.strip():
            raise Malformed("head") from None
        return None
    except asyncio.LimitOverrunError:
        raise Malformed("head") from None
    first, *lines = text.lstrip("\r\n").removesuffix("\r\n\r\n").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) == 2 and parts[0].startswith("HTTP/"):
        parts.append("")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or any(one.isspace() for one in name):
            raise Malformed("header")
        headers.append((name, value.strip()))
    if len(parts) != 3:
        raise Malformed("first line")
    return Head((parts[0], parts[1], parts[2]), headers)


def written(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def pieces(reader: asyncio.StreamReader, length: int, seconds: float) -> AsyncIterator[bytes]:
    """A body as it comes; `seconds` may pass between two pieces. Raises `Malformed`, `TimeoutError`, `OSError`."""
    if length != CHUNKED:
        async for piece in _some(reader, length, seconds):
            yield piece
        return
    while size := await _size(reader, seconds):
        async for piece in _some(reader, size, seconds):
            yield piece
        await _line(reader, seconds)
    while await _line(reader, seconds):
        pass


async def _some(reader: asyncio.StreamReader, length: int, seconds: float) -> AsyncIterator[bytes]:
    left = length
    while left:
        async with asyncio.timeout(seconds):
            piece = await reader.read(PIECE if left < 0 else min(PIECE, left))
        if not piece:
            if length == UNTIL_CLOSED:
                return
            raise Malformed("body ended early")
        left -= len(piece) if left > 0 else 0
        yield piece


async def _size(reader: asyncio.StreamReader, seconds: float) -> int:
    try:
        return int((await _line(reader, seconds)).split(b";")[0], 16)
    except ValueError:
        raise Malformed("chunk") from None


async def _line(reader: asyncio.StreamReader, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return (await reader.readuntil(b"\r\n")).strip()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise Malformed("chunk") from None


async def write(writer: asyncio.StreamWriter, body: AsyncIterator[bytes], chunked: bool) -> None:
    """Pass a body on. Raises what reading it raises, and `OSError`."""
    async for piece in body:
        if chunked:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        else:
            writer.write(piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Yield bytes as they come, until the sender closes."""
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()


@dataclass
class TargetConnection:
    """A connection to a server; `since` when it has been idle."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0

    @property
    def lost(self) -> bool:
        """The other end has hung up, and we have heard of it."""
        return self.reader.at_eof() or self.writer.is_closing()

    def close(self) -> None:
        self.writer.transport.abort()


IDLE = 60.0  # seconds. AWS: the load balancer's idle timeout, also towards targets


@dataclass
class Pool:
    """Connections that are kept open between requests, by address."""

    kept: defaultdict[tuple[str, int], list[TargetConnection]] = field(default_factory=lambda: defaultdict(list))

    async def get(self, host: str, port: int, seconds: float) -> TargetConnection:
        """One that was kept, or a new one. Raises `OSError` (a `TimeoutError` is one)."""
        kept = self.kept[host, port]
        while kept:
            one = kept.pop()
            if not one.lost and time.monotonic() - one.since < IDLE:
                return one
            one.close()
        async with asyncio.timeout(seconds):
            return TargetConnection(*await asyncio.open_connection(host, port, limit=HEAD_LIMIT))

    def put(self, host: str, port: int, one: TargetConnection) -> None:
        one.since = time.monotonic()
        self.kept[host, port].append(one)

    def sweep(self) -> None:
        """Close connections that were idle for too long."""
        for kept in self.kept.values():
            for one in [one for one in kept if one.lost or time.monotonic() - one.since >= IDLE]:
                kept.remove(one)
                one.close()

    def keep_only(self, places: Container[tuple[str, int]]) -> None:
        """Close what is kept to any other address."""
        for place in [place for place in self.kept if place not in places]:
            for one in self.kept.pop(place):
                one.close()
