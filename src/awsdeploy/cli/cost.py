"""`cost`: what the stack costs a month by AWS's list prices, and with --actual what AWS has billed so far.

Without --actual it reads the settings only and asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import JSON_VERSION, print_lines

if TYPE_CHECKING:
    from awsdeploy.billed import Billed
    from awsdeploy.config import Settings
    from awsdeploy.estimate import Line

EXAMPLES = """\
  awsdeploy cost
  awsdeploy cost -e dev
  awsdeploy cost --actual           also asks Cost Explorer; AWS charges $0.01
  awsdeploy cost --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@click.option("--actual", is_flag=True, help="Also ask AWS what it has billed this month; AWS charges $0.01 for it.")
@json_option
@shared_options()
def command(given: Given, actual: bool, as_json: bool) -> None:
    """Estimate the monthly cost of the stack in config.toml, line by line, at AWS list prices.

    Makes no AWS calls, except with --actual.
    """
    settings = given.settings()
    found = _asked(settings) if actual else None
    if as_json:
        told = _document(settings) | ({} if found is None else {"billed": _billed_document(found)})
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print_lines([*_said(settings), *([] if found is None else ["", *_billed(settings, found)])])


def _asked(settings: Settings) -> Billed:
    from awsdeploy import billed
    from awsdeploy.aws import Door

    click.echo(f"Asking AWS Cost Explorer (costs ${billed.PRICE:.2f}) …", err=True)
    return billed.this_month(Door(), settings.stack)


def _document(settings: Settings) -> dict[str, Any]:
    from awsdeploy import deviations, estimate, prices

    bill = estimate.lines(settings)
    return {
        "version": JSON_VERSION,
        "stack": str(settings.stack),
        "region": settings.region,
        "prices": prices.READ_ON,
        "monthly": round(estimate.total(bill), 2),
        "lines": told(bill),
        "beside": told(deviations.beside(settings)),
        "by_use": list(estimate.BY_USE),
        "aged": list(deviations.aged(settings)),
    }


def told(bill: Sequence[Line]) -> list[dict[str, Any]]:
    """Lines as JSON."""
    return [{"what": one.what, "monthly": _cents(one.monthly), "note": one.note} for one in bill]


def _said(settings: Settings) -> list[str]:
    from awsdeploy import deviations, estimate

    bill = estimate.lines(settings)
    return [
        f"{settings.stack} in {settings.region}, US dollars a month",
        "",
        *table(bill),
        "",
        closing(settings, bill),
        "",
        "Not included in the total:",
        *table(deviations.beside(settings)),
        f"Usage-based, not estimated: {', '.join(estimate.BY_USE)}.",
        *(f"Note: {sentence}" for sentence in deviations.aged(settings)),
    ]


def closing(settings: Settings, bill: list[Line]) -> str:
    """The sum in a sentence, and what is not in it."""
    from awsdeploy import estimate, prices

    unknown = [one.what for one in bill if one.monthly is None]
    if len(unknown) == len(bill):
        return f"The cost in {settings.region} is unknown: awsdeploy has no price list for this region."
    said = f"About ${estimate.total(bill):,.2f} a month before VAT and traffic, at AWS list prices of {prices.READ_ON}"
    return f"{said}; of unknown price: {', '.join(unknown)}." if unknown else f"{said}."


def difference(before: list[Line], after: list[Line]) -> list[str]:
    """What a change of a standing stack does to its bill: each line that comes, goes or changes, and the sum."""
    from awsdeploy import estimate

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


def _billed(settings: Settings, found: Billed) -> list[str]:
    """What AWS has billed beside what was estimated for as many days."""
    from awsdeploy import billed, estimate
    from awsdeploy.resource import TAG_STACK

    lines = [f"Billed by AWS from {found.since} until {found.until} (exclusive), for the tag {TAG_STACK}:"]
    if not found.services:
        return [*lines, f"  nothing. {billed.SILENT}"]
    widest = max(len(name) for name in found.services)
    lines += [f"  {name:<{widest}}  {amount:>9,.2f}" for name, amount in found.services.items()]
    expected = estimate.total(estimate.lines(settings)) * found.share
    return [
        *lines,
        f"Total {found.total:,.2f} {found.unit}. The estimate for these days is {expected:,.2f} before VAT and "
        "traffic, if the stack existed all the time.",
    ]


def _billed_document(found: Billed) -> dict[str, Any]:
    return {
        "since": found.since,
        "until": found.until,
        "unit": found.unit,
        "total": round(found.total, 2),
        "services": {name: round(amount, 2) for name, amount in found.services.items()},
    }


def _figure(monthly: float | None) -> str:
    return "unknown" if monthly is None else f"{monthly:,.2f}"


def _dollars(monthly: float | None) -> str:
    return "unknown" if monthly is None else f"${monthly:,.2f}"


def _cents(monthly: float | None) -> float | None:
    return None if monthly is None else round(monthly, 2)
