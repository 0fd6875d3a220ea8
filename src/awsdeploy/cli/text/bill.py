"""Bills as text: lines in columns, the total in a sentence, and what a change does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.cost.estimate import Line


def to_json(bill: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as JSON."""
    return [{"what": one.what, "monthly": _cents(one.monthly), "note": one.note} for one in bill]


def closing(settings: Settings, bill: list[Line]) -> str:
    """The sum in a sentence, and what is not in it."""
    from awsdeploy.aws import prices
    from awsdeploy.cost import estimate

    unknown = [one.what for one in bill if one.monthly is None]
    if len(unknown) == len(bill):
        return f"The cost in {settings.region} is unknown: awsdeploy has no price list for this region."
    said = f"About ${estimate.total(bill):,.2f} a month before VAT and traffic, at AWS list prices of {prices.READ_ON}"
    return f"{said}; of unknown price: {', '.join(unknown)}." if unknown else f"{said}."


def difference(before: list[Line], after: list[Line]) -> list[str]:
    """Effect of a change on the bill of an existing stack: each line that is added, removed or changed, and the sum."""
    from awsdeploy.cost import estimate

    was, will = {one.what: one for one in before}, {one.what: one for one in after}
    gone = [f"  - {one.what}: {_dollars(one.monthly)}" for what, one in was.items() if what not in will]
    come = [f"  + {one.what}: {_dollars(one.monthly)}" for what, one in will.items() if what not in was]
    if not gone and not come:
        return ["The fixed monthly cost does not change."]
    changed = [one for one in before if one.what not in will] + [one for one in after if one.what not in was]
    if unknown := [one.what for one in changed if one.monthly is None]:
        first = f"How this changes the bill is not known: there is no price at hand for {', '.join(unknown)}:"
        return [first, *gone, *come]
    more = estimate.total(after) - estimate.total(before)
    sign = "-" if more < 0 else "+"
    first = f"This changes the bill by {sign}${abs(more):,.2f} a month; currently ${estimate.total(before):,.2f}:"
    return [first, *gone, *come]


def table(bill: Sequence[Line]) -> list[str]:
    """Lines in columns; what is unknown says so."""
    widest = max((len(one.what) for one in bill), default=0)
    return [
        f"  {one.what:<{widest}}  {_figure(one.monthly):>9}" + (f"  {one.note}" if one.note else "") for one in bill
    ]


def _figure(monthly: float | None) -> str:
    return "unknown" if monthly is None else f"{monthly:,.2f}"


def _dollars(monthly: float | None) -> str:
    return "unknown" if monthly is None else f"${monthly:,.2f}"


def _cents(monthly: float | None) -> float | None:
    return None if monthly is None else round(monthly, 2)
