"""Figures of a restore drill as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from awsdeploy.cli.session import Session

if TYPE_CHECKING:
    from awsdeploy.operations.drill import DrillResult


def lines(at: Session, drill: DrillResult) -> Iterator[str]:
    """Date, RTO, RPO and rows of a drill."""
    from awsdeploy.progress.steps import spell

    moment = datetime.fromisoformat(drill.at).astimezone(at.settings.tz)
    rto = "unknown (it was interrupted)" if drill.rto is None else spell(drill.rto)
    rpo = "" if drill.rpo is None else f", data of the last {spell(drill.rpo)} would be lost (RPO)"
    yield f"  {moment:%Y-%m-%d %H:%M%z}, restored to {drill.to}: {drill.tables} tables, {drill.rows} rows"
    yield f"  it took {rto} until it answered (RTO){rpo}"
