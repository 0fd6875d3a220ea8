"""IAM roles and instance profiles in Terraform."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import ExportScope, Managed, describes
from awsdeploy.export.hcl import call
from awsdeploy.resources.identity.role import INLINE, InstanceProfile, Role


@describes(Role, "aws_iam_role")
def role(scope: ExportScope, one: Role, observed: Observed) -> Iterator[Managed]:
    view = scope.view(one)
    yield scope.main(
        one,
        name=observed.id,
        path=observed.raw["Path"],
        assume_role_policy=call("jsonencode", one.trust_policy(view)),
        permissions_boundary=one.boundary or None,
        tags=scope.tags(one),
    )
    yield scope.managed(
        "aws_iam_role_policy",
        one,
        f"{observed.id}:{INLINE}",
        name=INLINE,
        role=scope.ref(one).name,
        policy=call("jsonencode", one.inline_policy(view)),
    )
    for arn in one.attached:
        yield scope.managed(
            "aws_iam_role_policy_attachment",
            one,
            f"{observed.id}/{arn}",
            more=arn.rpartition("/")[2],
            role=scope.ref(one).name,
            policy_arn=arn,
        )


@describes(InstanceProfile, "aws_iam_instance_profile")
def instance_profile(scope: ExportScope, one: InstanceProfile, observed: Observed) -> Iterator[Managed]:
    yield scope.main(
        one,
        name=observed.id,
        path=observed.raw["Path"],
        role=scope.ref(one.role).name,
        tags=scope.tags(one),
    )
