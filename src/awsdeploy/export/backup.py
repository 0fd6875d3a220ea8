"""The daily images of the machines in Terraform."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import ExportScope, Managed, describes
from awsdeploy.export.hcl import Section
from awsdeploy.resources.backup.lifecycle import LifecyclePolicy


@describes(LifecyclePolicy, "aws_dlm_lifecycle_policy")
def lifecycle_policy(scope: ExportScope, one: LifecyclePolicy, observed: Observed) -> Iterator[Managed]:
    wanted = one.wanted(scope.view(one))
    details = wanted["PolicyDetails"]
    (schedule,) = details["Schedules"]
    yield scope.main(
        one,
        description=wanted["Description"],
        state=wanted["State"],
        execution_role_arn=scope.ref(one.role).arn,
        tags=scope.tags(one, observed.tags),
        policy_details=Section(
            policy_type=details["PolicyType"],
            resource_types=details["ResourceTypes"],
            target_tags=tags_to_dict(details["TargetTags"]),
            parameters=Section(no_reboot=True),
            schedule=Section(
                name=schedule["Name"],
                copy_tags=True,
                create_rule=Section(interval=24, interval_unit="HOURS", times=[one.at]),
                retain_rule=Section(count=one.count),
            ),
        ),
    )
