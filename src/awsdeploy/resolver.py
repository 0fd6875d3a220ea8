"""Asks public DNS: what the world sees of a name, whoever keeps it.

`AWSDEPLOY_NAMESERVER` (host:port) names the server to ask instead of the system's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dns.resolver

VARIABLE = "AWSDEPLOY_NAMESERVER"
PATIENCE = 2.0  # seconds for one question, repetitions included
AT_ONCE = 32

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
        found = _resolver().resolve(f"{name}.", kind, lifetime=PATIENCE, search=False)
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
    """The answers to several questions asked at once. Raises `Unasked` if one gets none."""
    asked = list(dict.fromkeys(questions))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dns")
    try:
        return dict(zip(asked, pool.map(lambda question: ask(*question), asked), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


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
