"""Backups as text and JSON: what each is, how old, and what it costs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from awsdeploy.cli.session import Session
from awsdeploy.progress.steps import KEY_WIDTH

if TYPE_CHECKING:
    from awsdeploy.engine.resource import Restorable

DAY = 86400


def line(at: Session, one: Restorable) -> str:
    """One backup in a line."""
    said = []
    if one.since and one.at:
        said.append(f"{_moment(at, one.since)} to {_moment(at, one.at)}")
    elif one.at:
        said.append(f"{_moment(at, one.at)} ({age((at.clock.now() - one.at).total_seconds())} old)")
    if one.gb:
        said.append(f"{one.gb:g} GB")
        said.append("cost unknown" if one.monthly is None else f"${one.monthly:.2f} a month")
    if one.note:
        said.append(one.note)
    if one.status not in ("available", "active", "versioned"):
        said.append(f"is {one.status}")
    return f"  {one.of:<{KEY_WIDTH}} {one.id}: {', '.join(said)}"


def _moment(at: Session, moment: datetime) -> str:
    return f"{moment.astimezone(at.settings.tz):%Y-%m-%d %H:%M%z}"


def age(seconds: float) -> str:
    """An age in words: 5 min, 3 h, 12 d."""
    from awsdeploy.progress.steps import spell

    return f"{seconds / DAY:.0f} d" if seconds >= 2 * DAY else spell(max(0.0, seconds))


def described(one: Restorable) -> dict[str, Any]:
    return {
        "what": one.what,
        "of": one.of,
        "id": one.id,
        "status": one.status,
        "since": one.since.isoformat() if one.since else None,
        "at": one.at.isoformat() if one.at else None,
        "gb": one.gb,
        "monthly": one.monthly,
        "note": one.note,
    }
