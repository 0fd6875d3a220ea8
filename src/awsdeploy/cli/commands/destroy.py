"""`destroy`: list what it will delete and retain, ask for the stack's name, delete, check that nothing is left."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from awsdeploy.cli.app import ExampleHelp
from awsdeploy.cli.consent import agree_by_name, confirm_option, need_stack_name
from awsdeploy.cli.options import Given, full_option, json_option, shared_options
from awsdeploy.cli.session import Session, print_lines, session
from awsdeploy.cli.text import destroy as text
from awsdeploy.cli.text import glance
from awsdeploy.cli.watching import deletions, watched
from awsdeploy.errors import Refused, next_command

if TYPE_CHECKING:
    from awsdeploy.config import Settings
    from awsdeploy.engine.resource import Observed, Retained
    from awsdeploy.engine.teardown import DestroyPlan

EXAMPLES = """\
  awsdeploy destroy                             asks for the stack's name
  awsdeploy destroy --confirm shop-prod         without asking
  awsdeploy destroy -e dev
  awsdeploy destroy --everything                also backups, including those an earlier destroy retained
  awsdeploy destroy --name shop -e prod --region ap-northeast-2     without config.toml
"""


@click.command(cls=ExampleHelp, examples=EXAMPLES)
@confirm_option
@click.option("--name", metavar="NAME", help="The project's name, if there is no config.toml.")
@click.option("--delete-data", is_flag=True, help="Retain no snapshot, image or file, and delete the retained ones.")
@click.option("--delete-zone", is_flag=True, help="Delete the hosted zone too, if awsdeploy made it.")
@click.option("--everything", is_flag=True, help="Both: retain nothing, and delete what an earlier destroy retained.")
@full_option
@json_option
@shared_options()
def command(
    given: Given,
    confirm: str | None,
    name: str | None,
    delete_data: bool,
    delete_zone: bool,
    everything: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Delete the stack and check that nothing is left.

    In prod, retains uploaded files, backups (a final database snapshot, machine images) and the hosted zone, unless a
    flag says otherwise. In dev, retains nothing.
    """
    settings = _named(given, name) if name else given.settings()
    need_stack_name(settings.stack, confirm, "Nothing was deleted.")
    with session(given, settings, "destroy", writes=True) as at:
        from awsdeploy.engine import teardown
        from awsdeploy.engine.resource import DestroyOptions

        all_goes = everything or settings.preset == "dev"
        options = DestroyOptions(delete_data or all_goes, delete_zone or all_goes, teardown.stamp())
        destroy_plan = teardown.survey(at.run, options)
        one_screen = glance.wanted(full, err=True)
        rest = next_command("destroy", *(("--name", name) if name else ()), "--everything")
        print_lines(text.lines(at, destroy_plan, one_screen=one_screen, everything=rest), err=True)
        if destroy_plan.locked:
            raise Refused("\n".join(_locked(destroy_plan)), _unlocking(destroy_plan, name))
        if destroy_plan.without_snapshot:
            raise Refused("\n".join(_without_snapshot(at, destroy_plan)), _instead(destroy_plan, name))
        if confirm is None:
            agree_by_name(str(settings.stack), "Nothing was deleted.")
        begun = time.monotonic()
        going = list(destroy_plan.going)
        _carry_out(at, destroy_plan, as_json)
        seconds = at.clock.of(time.monotonic() - begun)
        _receipt(at, going, destroy_plan.staying, seconds, rest, as_json)


def _named(given: Given, name: str) -> Settings:
    """Settings that name a stack and nothing else. Raises `ConfigInvalid`."""
    from awsdeploy.config import from_mapping

    tree = {"name": name, "platform": "supported"}
    if given.environment not in (None, "dev", "prod"):
        tree["preset"] = "prod"  # the careful one
    return from_mapping(tree, given.overrides, source="--name")


def _locked(destroy_plan: DestroyPlan) -> Iterator[str]:
    for observed in destroy_plan.locked:
        yield f"The deletion protection of {observed.key} ({observed.id}) is on and cannot be turned off:"
        yield f"  it is {observed.status}, {observed.explained}."


def _unlocking(destroy_plan: DestroyPlan, name: str | None) -> str:
    """Remedy for each, then the same command again."""
    again = next_command("destroy", *(("--name", name) if name else ()))
    return "\n→ ".join(
        ["Nothing was deleted.", *(one.kind.unlocking(one) for one in destroy_plan.locked), f"Then again: {again}"]
    )


def _without_snapshot(at: Session, destroy_plan: DestroyPlan) -> Iterator[str]:
    """Lines about objects that cannot be deleted as announced, and what is left of their data."""
    for observed in destroy_plan.without_snapshot:
        status = f"{observed.status}, {observed.explained}"
        yield f"AWS can take no final snapshot of {observed.key} ({observed.id}): it is {status}."
        copies = [one for one, _ in destroy_plan.staying if one.origin == observed.key]
        yield from (f"  Retained: {one.kind.noun()} {one.id}" for one in copies)
        for one in observed.kind.restorable(at.run.view_of(observed), observed):
            until = f" up to {one.at.astimezone(at.settings.tz):%Y-%m-%d %H:%M}" if one.at else ""
            yield f"  Would be deleted too: {one.what}{until}"


def _instead(destroy_plan: DestroyPlan, name: str | None) -> str:
    """Remedies for each, and the command that deletes all regardless."""
    whole = next_command("destroy", *(("--name", name) if name else ()), "--delete-data")
    remedies = dict.fromkeys(one.remedy for one in destroy_plan.without_snapshot)
    last = f"To delete the stack without a final snapshot, and all other data: {whole}"
    return "\n→ ".join(["Nothing was deleted.", *remedies, last])


def _carry_out(at: Session, destroy_plan: DestroyPlan, as_json: bool) -> None:
    from awsdeploy.engine import teardown
    from awsdeploy.progress.steps import BoardRow

    found = text.by_step(destroy_plan.going).items()
    steps = [(title, [BoardRow(one.key, one.kind.noun()) for one in some]) for title, some in found]
    needs = {row.key: row.needs for row in deletions(destroy_plan.going)}
    with watched(at, "destroy", steps, needs, as_json=as_json):
        teardown.destroy(at.run, destroy_plan)


def _receipt(
    at: Session,
    gone: list[Observed],
    staying: list[tuple[Observed, Retained]],
    seconds: float,
    more: str,
    as_json: bool,
) -> None:
    from awsdeploy.progress.steps import spell

    if as_json:
        document: dict[str, Any] = {
            **at.header,
            "seconds": round(seconds, 1),
            "gone": [{"key": one.key, "kind": one.kind.__name__, "id": one.id} for one in gone],
            "kept": [
                {"kind": observed.kind.__name__, "id": observed.id, "why": kept.why, "monthly": kept.monthly}
                for observed, kept in staying
            ],
            "remains": text.leftovers(gone),
            "not_seen": text.not_seen(at),
            "removes_kept": more if staying else None,
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    lines = [f"Deleted {at.settings.stack} in {spell(seconds)}.", f"  Deleted: {text.counted(gone) or 'its record'}"]
    if staying:
        lines += ["  Retained:", *(f"  {line}" for line in text.kept(staying))]
    if leftovers := text.leftovers(gone):
        lines += ["  Shared with the account, not deleted:", *(f"    {line}" for line in leftovers)]
    lines.append("  Checked every resource type and the AWS tag index: nothing else is left.")
    lines += [f"  Not checked: {line}" for line in text.not_seen(at)]
    if staying:
        lines += ["", f"To delete what was retained: {more}"]
    print_lines(lines)
