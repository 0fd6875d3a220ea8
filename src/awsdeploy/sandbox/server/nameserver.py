"""The public DNS of the simulated world: a name server on loopback, at the port of the world's HTTP, over UDP."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Answering = Callable[[str, str], "list[str] | None"]
"""The values of a name and a type; None where there is no such name."""
LARGEST = 4096  # bytes of a question
TTL = 60  # seconds
log = logging.getLogger(__name__)


class NameServer:
    """Answers until it is closed. A world that cannot be asked (`deaf`) leaves every question unanswered."""

    def __init__(self, listening: socket.socket, answering: Answering) -> None:
        self.socket, self.answering = listening, answering
        self.deaf = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                asked, whom = self.socket.recvfrom(LARGEST)
                if not self.deaf:
                    self.socket.sendto(self._answer(asked), whom)
            except dns.exception.DNSException as wrong:
                log.warning("a question that is none: %s", wrong)
            except OSError:
                return

    def _answer(self, asked: bytes) -> bytes:
        question = dns.message.from_wire(asked)
        name, kind = question.question[0].name, question.question[0].rdtype
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        values = self.answering(name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(kind))
        if values is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif values:
            answer.answer.append(dns.rrset.from_text_list(name, TTL, "IN", kind, sorted(values)))
        return answer.to_wire()


def absolute(kind: str, values: Iterable[str]) -> list[str]:
    """Values as a zone's file has them: the name at the end of some types ends with a dot."""
    named = kind in ("NS", "CNAME", "MX", "PTR", "SRV")
    return [f"{value.rstrip('.')}." if named else value for value in values]
