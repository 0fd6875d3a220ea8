"""Permissions for the daily images."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.permissions.scope import Scope, actions


def dlm(scope: Scope) -> Iterator[Statement]:
    """AWS: making one has no resource level, only the tags that it is given."""
    policy = scope.arn("dlm", "policy/*")
    yield allow("DailyImagesLook", ["dlm:GetLifecyclePolicies"], ["*"])
    changes = "DeleteLifecyclePolicy GetLifecyclePolicy TagResource UntagResource UpdateLifecyclePolicy"
    yield allow("DailyImages", actions("dlm", changes), [policy], scope.ours)
    if scope.settings.backup.images:
        yield allow("DailyImagesMake", ["dlm:CreateLifecyclePolicy"], ["*"], scope.becoming_ours)
        yield allow("DailyImagesTag", ["dlm:TagResource"], [policy], {**scope.becoming_ours, **scope.not_others})
