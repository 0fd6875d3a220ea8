"""Public URL of the application.

`AWSDEPLOY_LINKS` can contain the URL of a service that knows another address, such as a tunnel or a simulated AWS. It
gets `?name=<load balancer>` and answers with the URL to show instead.
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
    """Return the application's URL without a slash at the end: from `AWSDEPLOY_LINKS`, its domain or its load balancer.

    `balancer` is the load balancer's name, `dns_name` its hostname.
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
