"""A plan as JSON: the document of `plan --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from awsdeploy.cli.planning import bill_after, existing_bill, forecast
from awsdeploy.cli.session import Session
from awsdeploy.cli.text import bill
from awsdeploy.cli.text.changes import said

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Item, Plan


def document(at: Session, plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate

    planned = bill_after(plan, at)
    present = 0.0 if plan.new else estimate.total(existing_bill(plan, at))
    return {
        **at.header,
        "quiet": plan.quiet,
        "seconds": round(forecast(plan).longest),
        "monthly": round(estimate.total(planned), 2),
        "difference": round(estimate.total(planned) - present, 2),
        "bill": bill.to_json(planned),
        "beside": bill.to_json(differences_from_document.beside(at.settings)),
        "steps": [
            {"title": step.title, "resources": [_described(plan.items[resource]) for resource in step.resources]}
            for step in plan.steps
        ],
        "removals": [
            {"key": one.key, "kind": one.kind.__name__, "id": one.id, "data": one.kind.data} for one in plan.removals
        ],
        "obstacles": plan.conflicts,
        "ignored": list(at.settings.drift.ignore),
        "notes": [one.sentence for one in differences_from_document.differences(at.settings)],
    }


def _described(item: Item) -> dict[str, Any]:
    return {
        "key": item.resource.key,
        "kind": type(item.resource).__name__,
        "action": item.action,
        "changes": [
            {"field": one.field, "old": said(one.old), "new": said(one.new), "impact": one.impact}
            for one in item.changes
        ],
    }
