"""Queries to public DNS: the records of a name as everyone sees them.

`AWSDEPLOY_NAMESERVER` (host:port) names the server to ask instead of the system's.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.resolver

VARIABLE = "AWSDEPLOY_NAMESERVER"
TIMEOUT_SECONDS = 2.0  # for one query with its repetitions
AT_ONCE = 16
TIMES = 3  # how often a question is asked that gets no answer
LONGEST = 20.0  # seconds for all questions together

Question = tuple[str, str]
"""A name and a type of record."""


class Unasked(Exception):
    """No name server answered: nothing is known, neither good nor bad."""


def ask(name: str, kind: str) -> tuple[str, ...]:
    """The values of a name, in DNS's own notation, names in lower case and without the last dot; () if it has none.

    A name whose own servers fail has none. Raises `Unasked`.
    """
    import dns.exception
    import dns.resolver

    try:
        chosen = _resolver()
        chosen.timeout = TIMEOUT_SECONDS / 2  # so that it is sent twice
        found = chosen.resolve(f"{name}.", kind, lifetime=TIMEOUT_SECONDS, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except dns.resolver.NoNameservers as failed:
        # A resolver that answers SERVFAIL was reached: it is the name's own servers that fail.
        if any(error[4] is not None for error in failed.kwargs.get("errors", ())):
            return ()
        raise Unasked(str(failed)) from None
    except (dns.exception.DNSException, OSError, ValueError) as failed:
        raise Unasked(str(failed) or type(failed).__name__) from None
    plain = kind in ("NS", "CNAME")
    return tuple(sorted(one.to_text().rstrip(".").lower() if plain else one.to_text() for one in found))


def ask_all(questions: Iterable[Question]) -> dict[Question, tuple[str, ...]]:
    """The answers to several questions. One that got none, also when it was asked again, has no entry.

    Resolvers drop questions when many come at once: what was dropped is asked again, half as many at once. Takes
    `LONGEST` seconds at most. Raises `Unasked` if no question was answered.
    """
    waiting = list(dict.fromkeys(questions))
    found: dict[Question, tuple[str, ...]] = {}
    asked: Counter[Question] = Counter()
    at_once, begun = AT_ONCE, time.monotonic()
    while waiting and time.monotonic() - begun < LONGEST:
        batch, waiting = waiting[:at_once], waiting[at_once:]
        dropped: dict[Question, Unasked] = {}
        with ThreadPoolExecutor(at_once, thread_name_prefix="dns") as pool:
            for question, answer in zip(batch, pool.map(_answer, batch), strict=True):
                if isinstance(answer, Unasked):
                    dropped[question] = answer
                else:
                    found[question] = answer
        if dropped and not found:
            raise next(iter(dropped.values()))
        asked.update(batch)
        waiting += [question for question in dropped if asked[question] < TIMES]
        if dropped:
            at_once = max(at_once // 2, 1)
    return found


def _answer(question: Question) -> tuple[str, ...] | Unasked:
    try:
        return ask(*question)
    except Unasked as unasked:
        return unasked


def _resolver() -> dns.resolver.Resolver:
    """Raises `ValueError` for a server that is none, and the library's own error where the system names none."""
    import dns.resolver

    given = os.environ.get(VARIABLE, "")
    if not given:
        return dns.resolver.Resolver()
    place, _, port = given.rpartition(":")
    if not place or not port.isdecimal():
        raise ValueError(f"{VARIABLE} is {given!r}, and should be host:port")
    chosen = dns.resolver.Resolver(configure=False)
    chosen.nameservers, chosen.port = [place.strip("[]")], int(port)
    return chosen
