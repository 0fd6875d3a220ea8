"""The plan of a new stack on one screen: the total and the time, a line for each documented step, then the notes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from awsdeploy.progress.steps import spell

if TYPE_CHECKING:
    from awsdeploy.architecture.differences_from_document import DifferenceFromDocument
    from awsdeploy.config import Settings
    from awsdeploy.cost.estimate import Line
    from awsdeploy.engine.plan import Plan, Step


def lines(title: str, settings: Settings, plan: Plan, bill: list[Line], seconds: float) -> Iterator[str]:
    """The first screen: what it costs, how long it takes, and what matters in each step."""
    from awsdeploy.cli.text.bill import closing

    yield title
    yield ""
    yield closing(settings, bill)
    yield f"{sum(item.action == 'create' for item in plan.items.values())} to create; usually {spell(seconds)}."
    yield ""
    for step in plan.steps:
        yield _step(step, shutil.get_terminal_size().columns)
    yield ""


def notes(differences: list[DifferenceFromDocument], more: str) -> Iterator[str]:
    """Notes that need a decision, and the number of the others."""
    decide = [one.sentence for one in differences if one.decision]
    if decide:
        yield "To decide:"
        yield from (f"  {one}" for one in decide)
    yield f"{len(differences) - len(decide)} notes only inform. Every resource, cost and note: {more}"


def _step(step: Step, width: int) -> str:
    """The step in one line: as many resources as fit, and the number of the others."""
    said, named = f"{step.title}: ", 0
    briefs = [brief for resource in step.resources if (brief := resource.brief())]
    total = len(step.resources)
    for brief in briefs:
        longer = f"{said}{', ' if named else ''}{brief}"
        if len(longer) + len(f", +{total} more") > width:
            break
        said, named = longer, named + 1
    if not named:
        return f"{said}{total} resources"
    return said + (f", +{total - named} more" if total > named else "")
