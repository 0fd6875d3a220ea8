"""Check of a service through the load balancer: it can fail although the machine itself is healthy."""

from __future__ import annotations

import fnmatch
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from awsdeploy.config import Service

TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class PublicAnswer:
    """Result of the requests: the first bad answer, or the reason why none could be sent from here."""

    bad: str = ""
    unasked: str = ""


def served_by(services: Iterable[Service], path: str) -> str:
    """Service to which the load balancer sends a path: the one with the longest matching pattern."""
    fitting = [(len(form), one.name) for one in services for form in one.paths if fnmatch.fnmatchcase(path, form)]
    return max(fitting)[1] if fitting else ""


def ask(url: str, times: int, healthy: Callable[[int], bool]) -> PublicAnswer:
    """Ask so often that each machine behind the load balancer has been asked; redirects are answers.

    `healthy` tells whether a status code is healthy. What is below 400 always is: it comes from the load balancer too.
    """
    opener = urllib.request.build_opener(_Unmoved)
    for _ in range(times):
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "awsdeploy"})  # noqa: S310  # always http(s)
            with opener.open(request, timeout=TIMEOUT):
                pass
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.code >= 400 and not healthy(answer.code):
                    return PublicAnswer(bad=f"{url} answers {answer.code}")
        except (OSError, ValueError) as error:
            return PublicAnswer(unasked=str(getattr(error, "reason", error)))
    return PublicAnswer()


class _Unmoved(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A redirect is an answer, not an address."""
