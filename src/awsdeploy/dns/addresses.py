"""Addresses at which people reach the application, decided in this one place.

`AWSDEPLOY_LINKS` may name a service that knows better, such as a tunnel or a stand-in for AWS: asked with
`?name=<load balancer>` it answers with the address to give to people instead. Knows nothing of who that is.
"""

from __future__ import annotations

import http.client
import os
import re
import urllib.request
from urllib.parse import urlencode

VARIABLE = "AWSDEPLOY_LINKS"
TIMEOUT = 5.0  # seconds
ADDRESS = re.compile(r"https?://[^\s/]+\S*")


def address(balancer: str, dns_name: str, domain: str | None = None) -> str:
    """The application's address, without a slash at the end: who stands in for it, its domain, or its load balancer.

    `balancer` is the load balancer's name, `dns_name` its own address.
    """
    return linked(balancer) or (f"https://{domain}" if domain else f"http://{dns_name}")


def linked(balancer: str) -> str | None:
    """Answer of the service in `AWSDEPLOY_LINKS`; None without such a service or a usable answer."""
    place = os.environ.get(VARIABLE)
    if not place:
        return None
    question = f"{place}{'&' if '?' in place else '?'}{urlencode({'name': balancer})}"
    try:
        said = fetched(question, most=2000)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return said.rstrip("/") if ADDRESS.fullmatch(said) else None


def fetched(url: str, most: int) -> str:
    """Return the text at an http or https address, at most `most` bytes of it. urllib would also read a file.

    Raises `ValueError` for any other address, `OSError` and `HTTPException` where there is no answer within 5 s.
    """
    if not ADDRESS.fullmatch(url):
        raise ValueError("not an http or https address")
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  # the scheme is checked above
        return str(answer.read(most).decode("utf-8", "replace")).strip()
