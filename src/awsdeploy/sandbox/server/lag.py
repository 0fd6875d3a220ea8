"""Reads that lag behind writes: answered by a copy of the world from before the writes of the last seconds.

A copy is a fork of the process, made before a write. It answers reads as the world was at that moment, so whatever is
read is stale in the same way: new objects are missing, deleted ones are there, attributes are old.
"""

from __future__ import annotations

import gc
import os
import pickle  # see _receive
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from awsdeploy.sandbox.server.call import ApiCall, Incoming, Outgoing

Answer = Callable[[Incoming], Outgoing]
LENGTH = struct.Struct("!I")

OBJECTS = frozenset("GetObject HeadObject ListObjectsV2 ListObjectVersions ListMultipartUploads".split())
"""Operations of S3 about objects, which AWS promises to be as after the last write; settings of buckets are not."""


def lags(call: ApiCall) -> bool:
    """True if what this call reads may be old."""
    return not call.write and call.service != "sts" and not (call.service == "s3" and call.operation in OBJECTS)


@dataclass
class Past:
    """The world as it was `at` that moment (AWS time), in the process `pid`."""

    at: float
    pid: int
    questions: BinaryIO = field(repr=False)
    answers: BinaryIO = field(repr=False)

    def ask(self, incoming: Incoming) -> Outgoing:
        _send(self.questions, incoming)
        answer: Outgoing = _receive(self.answers)
        return answer

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.leave()

    def leave(self) -> None:
        """Close our ends of the pipes in a fork."""
        self.questions.close()
        self.answers.close()


@dataclass
class Lag:
    """AWS seconds that reads lag behind writes; 0: not at all."""

    seconds: float = 0.0
    copies: list[Past] = field(default_factory=list)

    def before_write(self, now: float, begin: Callable[[], Answer]) -> None:
        """Keep a copy of the world, unless the last copy is recent enough. `begin` is called in the copy."""
        self._forget(now)
        if self.seconds and not (self.copies and now - self.copies[-1].at < self.seconds / 3):
            self.copies.append(self._copy(now, begin))

    def of(self, now: float) -> Past | None:
        """The world that reads are answered from; None for the present one."""
        self._forget(now)
        return self.copies[0] if self.copies else None

    def in_a_fork(self) -> Lag:
        """Close the inherited pipes and return an empty lag for a fork."""
        for past in self.copies:
            past.leave()
        return Lag(self.seconds)

    def change(self, seconds: float) -> None:
        self.end()
        self.seconds = seconds

    def end(self) -> None:
        while self.copies:
            self.copies.pop().end()

    def _forget(self, now: float) -> None:
        """End copies older than the lag."""
        while self.copies and self.copies[0].at <= now - self.seconds:
            self.copies.pop(0).end()

    def _copy(self, now: float, begin: Callable[[], Answer]) -> Past:
        theirs, ours = os.pipe()
        mine, back = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            os.close(mine)
            self.in_a_fork()
            _live_in_the_past(os.fdopen(theirs, "rb"), os.fdopen(back, "wb"), begin)
        os.close(theirs)
        os.close(back)
        return Past(now, pid, os.fdopen(ours, "wb"), os.fdopen(mine, "rb"))


def _live_in_the_past(questions: BinaryIO, answers: BinaryIO, begin: Callable[[], Answer]) -> None:
    """Answer calls in the child process until the pipe is closed. Never returns."""
    try:
        gc.disable()
        answer = begin()
        while True:
            _send(answers, answer(_receive(questions)))
    finally:
        os._exit(0)


def _send(stream: BinaryIO, what: object) -> None:
    data = pickle.dumps(what)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO) -> Any:
    """Return the next message. The stream is a pipe between this process and its own fork; nobody else can write."""
    data = _exactly(stream, LENGTH.unpack(_exactly(stream, LENGTH.size))[0])
    return pickle.loads(data)  # noqa: S301  # see above


def _exactly(stream: BinaryIO, size: int) -> bytes:
    got = stream.read(size)
    if len(got) < size:
        raise EOFError
    return got
