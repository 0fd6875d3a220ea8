"""The files of an export: one for each documented step, the provider, the imports, and a README.

Reads AWS through the views of the resources, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from awsdeploy.architecture import STEPS
from awsdeploy.engine.plan import Plan
from awsdeploy.engine.run import Run
from awsdeploy.export import backup, compute, database, dns, identity, monitoring, network, storage, web  # noqa: F401 - descriptions enter by being defined
from awsdeploy.export.describing import DESCRIPTIONS, SET_BY_MACHINES, Data, ExportScope, Managed, is_described
from awsdeploy.export.hcl import Block, Expression, Section, text

VERSION, PROVIDER = ">= 1.5", "~> 5.100"
"""Terraform can import by blocks since 1.5. The provider of AWS."""
IMPORTS = "After the first apply everything is in Terraform's state. Then this file can be deleted."
LATER = """\
Terraform cannot import these: move this file one folder up after the first apply. The plan then has {number} to add.
Nothing changes in AWS, because the machines are registered already."""


def files(run: Run, plan: Plan) -> dict[str, str]:
    """The files by their names. All that the plan declares must exist."""
    scope = ExportScope(run)
    steps = {title: area for area, title in STEPS.items()}
    content: dict[str, str] = {}
    imported: list[Managed] = []
    later: list[Managed] = []
    for step in plan.steps:
        blocks = []
        for one in described(scope, plan, step.title):
            if isinstance(one, Data):
                blocks.append(Block("data", (one.type, one.name), one.settings))
            elif one.id:
                blocks.append(_resource(one))
                imported.append(one)
            else:
                later.append(one)
        if blocks:
            content[f"{steps[step.title]}.tf"] = text(blocks)
    regions = sorted({one.region for one in imported if one.region})
    content["main.tf"] = text(_main(scope, regions))
    content["imports.tf"] = f"# {IMPORTS}\n\n" + text(
        Block("import", (), {"to": Expression(f"{one.type}.{one.name}"), "id": one.id}) for one in imported
    )
    if later:
        comment = "".join(f"# {line}\n" for line in LATER.format(number=len(later)).splitlines())
        content["later/targets.tf"] = f"{comment}\n" + text(_resource(one) for one in later)
    return {**content, **scope.texts}


def described(scope: ExportScope, plan: Plan, step: str) -> Iterator[Managed | Data]:
    for resource, item in plan.items.items():
        if item.step == step and item.observed is not None and is_described(resource):
            yield from DESCRIPTIONS[type(resource)](scope, resource, item.observed)


def _resource(one: Managed) -> Block:
    provider = {"provider": Expression(f"aws.{one.region}")} if one.region else {}
    return Block("resource", (one.type, one.name), {**provider, **one.settings}, one.comment)


def _main(scope: ExportScope, regions: Sequence[str]) -> Iterator[Block]:
    required = {"aws": {"source": "hashicorp/aws", "version": PROVIDER}}
    yield Block("terraform", (), {"required_version": VERSION, "required_providers": Section(required)})
    account = [scope.run.account]
    ignored = Section(keys=list(SET_BY_MACHINES))
    for region in (scope.run.region, *regions):
        alias = None if region == scope.run.region else region
        settings = {"alias": alias, "region": region, "allowed_account_ids": account, "ignore_tags": ignored}
        yield Block("provider", ("aws",), settings)
    yield Block("locals", (), {"tags": scope.shared_tags}, "Tags of everything in the stack.")
