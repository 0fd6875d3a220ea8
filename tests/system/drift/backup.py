"""The policy that makes images, changed by hand."""

from __future__ import annotations

import copy
import json
from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import by_hand


def _update(aws: World, observed: dict[str, Observed], **changed: Any) -> None:
    aws.client("dlm").update_lifecycle_policy(PolicyId=observed["backup/images"].id, **changed)


@by_hand("images switched off", "backup/images", "dlm:CreateLifecyclePolicy.State")
def _(aws: World, observed: dict[str, Observed]) -> None:
    _update(aws, observed, State="DISABLED")


@by_hand("images described otherwise", "backup/images", "dlm:CreateLifecyclePolicy.Description")
def _(aws: World, observed: dict[str, Observed]) -> None:
    _update(aws, observed, Description="by hand")


def _details(name: str, path: tuple[str | int, ...], value: Any, *covers: str) -> None:
    def hand(aws: World, observed: dict[str, Observed]) -> None:
        dlm = aws.client("dlm")
        details = copy.deepcopy(
            dlm.get_lifecycle_policy(PolicyId=observed["backup/images"].id)["Policy"]["PolicyDetails"]
        )
        place: Any = details
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        _update(aws, observed, PolicyDetails=details)

    by_hand(name, "backup/images", *covers)(hand)


_details("images of other machines", ("TargetTags",), [{"Key": "team", "Value": "other"}])
_details("images with restarts", ("Parameters", "NoReboot"), False)
_details("images at noon", ("Schedules", 0, "CreateRule", "Times"), ["12:00"])
_details("images twice a day", ("Schedules", 0, "CreateRule", "Interval"), 12)
_details("one image kept", ("Schedules", 0, "RetainRule", "Count"), 1)
_details("images without tags", ("Schedules", 0, "CopyTags"), False)
_details("images of another name", ("Schedules", 0, "Name"), "weekly", "dlm:CreateLifecyclePolicy.PolicyDetails")


@by_hand("images made for other accounts", "backup/role")
def _(aws: World, observed: dict[str, Observed]) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "dlm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(
        RoleName=observed["backup/role"].id,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@by_hand("images made as another role", "backup/images", "dlm:CreateLifecyclePolicy.ExecutionRoleArn")
def _(aws: World, observed: dict[str, Observed]) -> None:
    iam = aws.client("iam")
    statement = {"Effect": "Allow", "Principal": {"Service": "dlm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_role(RoleName="by-hand", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    aws.pass_time(20)
    _update(aws, observed, ExecutionRoleArn=arn)
