"""A real name server over UDP that answers only so many questions at once and drops the others, as resolvers do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answering = Callable[[str, str], list[str]]
ANSWERING_TAKES = 0.005  # seconds


class DroppingServer:
    """Answers `most` questions at a time, and never those that are `silent`. `answering` says what."""

    def __init__(self, answering: Answering, most: int, silent: Callable[[str, str], bool]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.answering, self.silent = answering, silent
        self.free = threading.Semaphore(most)
        self.dropped = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asked, whom = self.socket.recvfrom(4096)
            except OSError:
                return
            if not asked:  # closed while it waited
                return
            question = dns.message.from_wire(asked)
            if self.silent(*_asked(question)) or not self.free.acquire(blocking=False):
                self.dropped += 1
                continue
            threading.Timer(ANSWERING_TAKES, self._answer, (question, whom)).start()

    def _answer(self, question: dns.message.Message, whom: tuple[str, int]) -> None:
        answer = dns.message.make_response(question)
        if values := self.answering(*_asked(question)):
            asked = question.question[0]
            answer.answer.append(dns.rrset.from_text_list(asked.name, 60, "IN", asked.rdtype, values))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.free.release()
        self.socket.sendto(answer.to_wire(), whom)


def _asked(question: dns.message.Message) -> tuple[str, str]:
    one = question.question[0]
    return one.name.to_text().rstrip("."), dns.rdatatype.to_text(one.rdtype)


@contextmanager
def dropping(
    answering: Answering, most: int, silent: Callable[[str, str], bool] = lambda _name, _kind: False
) -> Iterator[DroppingServer]:
    server = DroppingServer(answering, most, silent)
    try:
        yield server
    finally:
        server.socket.close()
