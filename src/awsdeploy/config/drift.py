"""Settings of drift: attributes of resources that their owner changes by hand."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from awsdeploy.config.values import Frozen, pattern
from awsdeploy.config.wrong import Wrong

ENTRY = r"[^\s:]+:[^:]+"


def entry(value: str) -> str:
    """An entry `KEY:ATTRIBUTE`. Raises `Wrong`. The engine checks if both exist: they depend on the other settings."""
    if not re.fullmatch(ENTRY, value):
        raise Wrong('KEY:ATTRIBUTE as the command drift shows them, such as "web/alb:idle_timeout"')
    return value


class DriftSettings(Frozen):
    """Differences that plan, up, status and drift do not count."""

    ignore: tuple[Annotated[str, AfterValidator(entry), pattern(ENTRY)], ...] = ()
    """Attributes that you change by hand, as KEY:ATTRIBUTE. What you add or change stays as it is."""


def is_ignored(ignored: tuple[str, ...], key: str, attribute: str) -> bool:
    """True if an entry of `ignored` names this attribute: `idle_timeout` stands for `idle_timeout.timeout_seconds`."""
    for one in ignored:
        of, _, name = one.partition(":")
        if of == key and (attribute == name or attribute.startswith(f"{name}.")):
            return True
    return False
