"""Moments that a person types: a period before now, or a date and time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from awsdeploy.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
YEARS = range(1970, 9999)
"""Years in which each moment exists in every time zone."""
PERIOD = re.compile(r"(\d{1,6})([smhdw])")


def moment(option: str, text: str, now: datetime, zone: tzinfo, speed: float = 1.0) -> datetime:
    """A moment from `30m`, `1h`, `2d`, or ISO 8601, in `zone` unless it names one. Raises `UsageError`.

    A period is time of this computer; AWS time passes `speed` times as fast. `option` is what the message names.
    """
    if found := PERIOD.fullmatch(text):
        try:
            return now - timedelta(seconds=int(found[1]) * UNITS[found[2]] * speed)
        except OverflowError:
            return datetime(1970, 1, 2, tzinfo=zone)
    try:
        given = datetime.fromisoformat(text)
        if given.year not in YEARS:
            raise ValueError(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: not a valid period or time.", "Examples: 30m, 1h, 2d, 2026-11-24, 2026-11-24T16:05."
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=zone)


def is_moment(text: str) -> bool:
    """True if `moment` understands the text."""
    if PERIOD.fullmatch(text):
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
