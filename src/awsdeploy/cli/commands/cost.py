"""`cost`: what the stack costs a month by AWS's list prices, and with --actual what AWS has billed so far.

Without --actual it reads only the settings and makes no AWS calls.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import JSON_VERSION, print_lines
from awsdeploy.cli.text.bill import closing, table, to_json

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.cost.actual_cost import Billed

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
        document = _document(settings) | ({} if found is None else {"billed": _billed_document(found)})
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print_lines([*_said(settings), *([] if found is None else ["", *_billed(settings, found)])])


def _asked(settings: Settings) -> Billed:
    from awsdeploy.aws.session import AwsSession
    from awsdeploy.cost import actual_cost

    click.echo(f"Asking AWS Cost Explorer (costs ${actual_cost.PRICE:.2f}) …", err=True)
    return actual_cost.this_month(AwsSession(), settings.stack)


def _document(settings: Settings) -> dict[str, Any]:
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.aws import prices
    from awsdeploy.cost import estimate

    bill = estimate.lines(settings)
    return {
        "version": JSON_VERSION,
        "stack": str(settings.stack),
        "region": settings.region,
        "prices": prices.READ_ON,
        "monthly": round(estimate.total(bill), 2),
        "lines": to_json(bill),
        "beside": to_json(differences_from_document.beside(settings)),
        "by_use": list(estimate.BY_USE),
        "aged": list(differences_from_document.aged(settings)),
    }


def _said(settings: Settings) -> list[str]:
    from awsdeploy.architecture import differences_from_document
    from awsdeploy.cost import estimate

    bill = estimate.lines(settings)
    return [
        f"{settings.stack} in {settings.region}, US dollars a month",
        "",
        *table(bill),
        "",
        closing(settings, bill),
        "",
        "Not included in the total:",
        *table(differences_from_document.beside(settings)),
        f"Usage-based, not estimated: {', '.join(estimate.BY_USE)}.",
        *(f"Note: {sentence}" for sentence in differences_from_document.aged(settings)),
    ]


def _billed(settings: Settings, found: Billed) -> list[str]:
    """Actual cost, and the estimate for as many days."""
    from awsdeploy.cost import actual_cost, estimate
    from awsdeploy.engine.resource import TAG_STACK

    lines = [f"Billed by AWS from {found.since} until {found.until} (exclusive), for the tag {TAG_STACK}:"]
    if not found.services:
        return [*lines, f"  nothing. {actual_cost.SILENT}"]
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
