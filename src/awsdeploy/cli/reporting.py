"""Data of a report, collected from the plan that `status` makes, from the backups, and from the recorded runs.

It holds names, ids, statuses and the names of settings that differ, never their values.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

from awsdeploy import __version__
from awsdeploy.cli.session import Session
from awsdeploy.cli.stack_state import StackState, look
from awsdeploy.cli.text import backups, bill

if TYPE_CHECKING:
    from awsdeploy.diagram.model import Picture
    from awsdeploy.diagram.reading import Reading
    from awsdeploy.engine.plan import Plan
    from awsdeploy.timeline.history import History


def collected(at: Session, history: History, language: str = "en") -> tuple[Picture, dict[str, Any]]:
    """The picture and everything else of a report; `history` has the recorded runs. Raises `NoSuchStack`."""
    from awsdeploy.diagram import picture
    from awsdeploy.diagram.reading import Reading
    from awsdeploy.diagram.words import words
    from awsdeploy.operations import backups as operations
    from awsdeploy.report import rows

    state = look(at)
    reading = Reading(state.plan, at.settings.region, words(language))
    drawn = picture.of(at.settings, state.plan, at.run.state.account or "", language)
    existing = state.document()
    now = at.clock.now()
    document = {
        **at.header,
        "awsdeploy": __version__,
        "made_at": f"{now:%Y-%m-%d %H:%M%z}",
        "state": drawn.state.value,
        **{name: existing[name] for name in ("resources", "releases", "failed_releases", "facts", "notices")},
        "diagram": drawn.document(),
        "drift": _drift(state),
        "bill": _bill(at, state.plan),
        "certificate": _certificate(reading, now),
        "alarms": _alarms(at, reading),
        "backups": [
            backups.described(one) | {"age": backups.age((now - one.at).total_seconds()) if one.at else ""}
            for one in operations.restorable(at.run)
        ],
        **_runs(history),
        "rows": [dataclasses.asdict(row) for row in rows.states(at.settings, reading, existing["releases"])],
    }
    return drawn, document


def recorded_runs(at: Session) -> History:
    """The runs that are recorded on this computer; none if the record cannot be read."""
    from awsdeploy.timeline import history

    try:
        return history.read(history.path_of(at.run.state.path))
    except OSError:
        return history.History()


def _runs(history: History) -> dict[str, Any]:
    """The timeline of the last run, and all runs, newest first."""
    from awsdeploy.cli.text import timeline

    last = timeline.document(history, history.runs[-1]) if history.runs else None
    return {"timeline": last, "runs": [timeline.described(run) for run in reversed(history.runs)]}


def bars(history: History, language: str) -> tuple[str, str]:
    """HTML of the last run's bars, and its style sheet; empty if no run is recorded."""
    from awsdeploy.timeline import page

    if not history.runs:
        return "", ""
    run = history.runs[-1]
    return page.timeline(run, history.before(run), language), page.STYLE


def _drift(state: StackState) -> list[dict[str, Any]]:
    """Differences: names of settings, never values, which may be secret."""
    found = [
        {"key": item.resource.key, "action": item.action, "fields": [change.field for change in item.changes]}
        for item in state.differing
    ]
    return found + [{"key": one.key, "action": "remove", "fields": []} for one in state.plan.removals]


def _bill(at: Session, plan: Plan) -> dict[str, Any]:
    """The bill of what exists."""
    from awsdeploy.cli.planning import existing_bill
    from awsdeploy.cost import estimate

    lines = existing_bill(plan, at)
    unused = {one.what for one in lines if one.note == estimate.UNUSED}
    return {
        "monthly": round(estimate.total(lines), 2),
        "lines": [one | {"unused": one["what"] in unused} for one in bill.to_json(lines)],
        "said": bill.closing(at.settings, lines),
    }


def _certificate(reading: Reading, now: datetime) -> dict[str, Any] | None:
    observed = reading.observed("tls/certificate")
    until = observed.raw.get("NotAfter") if observed else None
    return {"until": f"{until:%Y-%m-%d}", "days": (until - now).days} if until else None


def _alarms(at: Session, reading: Reading) -> dict[str, Any]:
    from awsdeploy.resources.monitoring.alarm import Alarm
    from awsdeploy.resources.monitoring.topic import confirmed

    alarms = [item for item in reading.items.values() if isinstance(item.resource, Alarm)]
    wanted = at.settings.monitoring.emails
    return {
        "all": len(alarms),
        "ringing": reading.ringing(alarms),
        "recipients": len(wanted),
        "confirmed": len(confirmed(reading.observed("monitoring/topic"), wanted)),
    }
