"""`cost`: what the stack costs a month by AWS's list prices. Reads the settings only; asks nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.group import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import JSON_VERSION, print_lines

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.estimate import Line

EXAMPLES = """\
  awsdeploy cost
  awsdeploy cost -e dev
  awsdeploy cost --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options(reaches_aws=False)
def command(given: Given, as_json: bool) -> None:
    """Estimate what the stack of config.toml costs a month, line by line, by AWS's list prices. Asks nobody."""
    from awsdeploy import estimate, prices

    settings = given.settings()
    bill = estimate.lines(settings)
    if as_json:
        told = {
            "version": JSON_VERSION,
            "stack": settings.stack,
            "region": settings.region,
            "prices": prices.READ_ON,
            "monthly": round(estimate.total(bill), 2),
            "lines": [{"what": one.what, "monthly": _cents(one.monthly), "note": one.note} for one in bill],
            "by_use": list(estimate.BY_USE),
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print_lines(
        [
            f"{settings.stack} in {settings.region}, US dollars a month",
            "",
            *_table(bill),
            "",
            closing(settings, bill),
            f"By use, and not in it: {', '.join(estimate.BY_USE)}.",
        ]
    )


def closing(settings: Settings, bill: list[Line]) -> str:
    """The sum in a sentence, and what is not in it."""
    from awsdeploy import estimate, prices

    unknown = [one.what for one in bill if one.monthly is None]
    if len(unknown) == len(bill):
        return f"What it costs in {settings.region} is unknown: its price list is not at hand."
    said = (
        f"About ${estimate.total(bill):,.2f} a month before tax and traffic, by AWS's list prices of {prices.READ_ON}"
    )
    return f"{said}; of unknown price: {', '.join(unknown)}." if unknown else f"{said}."


def _table(bill: list[Line]) -> list[str]:
    widest = max(len(one.what) for one in bill)
    return [f"  {one.what:<{widest}}  {_said(one.monthly):>9}" + (f"  {one.note}" if one.note else "") for one in bill]


def _said(monthly: float | None) -> str:
    return "unknown" if monthly is None else f"{monthly:,.2f}"


def _cents(monthly: float | None) -> float | None:
    return None if monthly is None else round(monthly, 2)
