"""Rules for the health check of a service: the path, and the status codes that mean healthy."""

from __future__ import annotations

import re

from awsdeploy.config.wrong import Wrong

TCP = "tcp"
"""Instead of a path: every answer counts."""
CODES = r"[0-9]{3}(-[0-9]{3})?(,[0-9]{3}(-[0-9]{3})?)*"
_PATH = re.compile(r"/[!-~]*")


def path(value: str) -> str:
    """Path of a health check, or "tcp". AWS: at most 1,024 visible ASCII characters, `/` first."""
    if value == TCP:
        return value
    if not _PATH.fullmatch(value) or len(value) > 1024:
        raise Wrong('a path such as "/api/health"', "" if value.startswith("/") else 'it begins with "/"')
    if "*" in value:
        raise Wrong("one exact path", "a health check takes no wildcard")
    return value


def codes(value: str) -> str:
    """Status codes that count as healthy. AWS: values and ranges from 200 to 499."""
    tidy = value.replace(" ", "")
    ranges = ranges_of(tidy) if re.fullmatch(CODES, tidy) else []
    if not ranges or any(not 200 <= low <= high <= 499 for low, high in ranges):
        raise Wrong('status codes from 200 to 499, such as "200-399" or "200,404"')
    if not any(low == 200 for low, _ in ranges):
        raise Wrong("status codes that include 200", "the page before the first release answers 200")
    return tidy


def ranges_of(value: str) -> list[tuple[int, int]]:
    """First and last status code of each part of a list such as `200-299,404`."""
    parts = (part.partition("-") for part in value.split(","))
    return [(int(low), int(high or low)) for low, _, high in parts]
