"""`list`: the stacks of an account and region, from their records. Needs no config. Reads only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.options import Given, json_option, shared_options
from awsdeploy.cli.session import JSON_VERSION, print_lines
from awsdeploy.cli.text import history as text
from awsdeploy.errors import next_command

if TYPE_CHECKING:
    from awsdeploy.config import Settings

EXAMPLES = """\
  awsdeploy list
  awsdeploy list --region eu-west-1
  awsdeploy list --json
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@json_option
@shared_options(reads_config=False, takes_region=True)
def command(given: Given, as_json: bool) -> None:
    """List the stacks of the account and region: health, monthly cost and last run, by their records in AWS.

    Works in any folder, also without config.toml. The health is that of the last `up` and of the alarms: `status` looks
    at every resource. The cost is the estimate of the last `up`.
    """
    settings = _anywhere(given)
    click.echo(f"Reading the stacks in {settings.region} …", err=True)
    from awsdeploy.aws.session import AwsSession
    from awsdeploy.aws.waiting import Cancellation
    from awsdeploy.operations import history

    stop = Cancellation()
    with stop.on_signals():
        session = AwsSession(stop, first_pause=settings.waits.poll_floor)
        account = session.account(settings.region)
        found = history.stacks(session, settings.region)
    if as_json:
        document = {"version": JSON_VERSION, "region": settings.region, "account": account}
        document |= {"stacks": [text.stack_document(one) for one in found]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    where = f"account {account}, {settings.region}"
    if not found:
        print_lines([f"There is no stack in {where}.", f"Other regions: {next_command('list', '--region', 'NAME')}"])
        return
    known = [one.monthly for one in found if one.monthly is not None]
    total = [f"  {len(found)} stacks, ${sum(known):.2f} a month"] if len(found) > 1 and known else []
    print_lines([where, "", *text.stacks(found, settings.tz), *total])


def _anywhere(given: Given) -> Settings:
    """The settings of the folder where there are any, else the defaults: only region and time zone matter."""
    from awsdeploy.config import from_mapping

    if given.config.exists():
        return given.settings()
    return from_mapping({"name": "any", "platform": "supported"}, given.overrides, source="--region")
