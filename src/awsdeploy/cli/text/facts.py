"""Facts about a stack that exists: its endpoints and where to reach the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from awsdeploy.cli.session import Session

if TYPE_CHECKING:
    from awsdeploy.engine.plan import Plan


def found_out(at: Session, plan: Plan) -> dict[str, str]:
    """Endpoints of an existing stack, the application's URL first."""
    url, facts = address(at, plan), {}
    for resource, item in plan.items.items():
        observed = at.run.observations.get(resource)
        if observed is not None and observed.raw:
            view = at.run.view_of(resource)
            for what, value in resource.facts(view, observed).items():
                if value != url:
                    facts[f"{item.resource.key} {what}"] = value
    return {"url": url, **facts} if url else facts


def address(at: Session, plan: Plan) -> str:
    """URL of the application; "" as long as there is no load balancer."""
    from awsdeploy.resources.web.listener import Listener, url
    from awsdeploy.resources.web.load_balancer import LoadBalancer

    observations = at.run.observations
    listeners = [observations[one] for one in observations if isinstance(one, Listener)]
    for resource in plan.items:
        observed = observations.get(resource)
        if isinstance(resource, LoadBalancer) and observed is not None and observed.raw:
            return url(observed, listeners, at.settings.domain)
    return ""
