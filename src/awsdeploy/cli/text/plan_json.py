"""A plan as JSON: the document of `plan --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from awsdeploy.cli.planning import bill_after, existing_bill, forecast
from awsdeploy.cli.session import Session
from awsdeploy.cli.text import bill
from awsdeploy.cli.text.changes import said

if TYPE_CHECKING:
    from awsdeploy.engine.observed import Danger
    from awsdeploy.engine.plan import Item, Plan


def document(at: Session, plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate
    from awsdeploy.engine import danger

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
            {"title": step.title, "resources": [_described(plan, plan.items[resource]) for resource in step.resources]}
            for step in plan.steps
        ],
        "removals": [
            {
                "key": one.key,
                "kind": one.kind.__name__,
                "id": one.id,
                "data": one.kind.data,
                "danger": _word(danger.of_removal(plan, one)),
            }
            for one in plan.removals
        ],
        "obstacles": plan.conflicts,
        "ignored": list(at.settings.drift.ignore),
        "notes": [one.sentence for one in differences_from_document.differences(at.settings)],
    }


def _word(danger: Danger) -> str:
    """none, replacement, outage or data-loss."""
    return danger.name.lower().replace("_", "-")


def _described(plan: Plan, item: Item) -> dict[str, Any]:
    from awsdeploy.engine import danger

    return {
        "key": item.resource.key,
        "kind": type(item.resource).__name__,
        "action": item.action,
        "danger": _word(danger.of_item(plan, item)),
        "outage_seconds": round(danger.outage_of(item)),
        "changes": [
            {
                "field": one.field,
                "old": said(one.old),
                "new": said(one.new),
                "impact": one.impact,
                "danger": _word(one.danger),
                "outage_seconds": round(one.outage),
            }
            for one in item.changes
        ],
    }
