"""The machines in Terraform: instances, and Auto Scaling groups with their templates and policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from awsdeploy.config.stack import TAG_STACK, tags_to_dict
from awsdeploy.engine.observed import Observed
from awsdeploy.export.describing import ExportScope, Managed, describes, leave_out, name_of
from awsdeploy.export.hcl import Call, Expression, Section, call
from awsdeploy.resources.compute.auto_scaling import AutoScalingGroup
from awsdeploy.resources.compute.instance import Instance, disks
from awsdeploy.resources.compute.launch_template import LaunchTemplate
from awsdeploy.resources.compute.machine import METADATA, Machine
from awsdeploy.resources.compute.scaling_policy import ScalingPolicy
from awsdeploy.resources.compute.volume import Volume
from awsdeploy.resources.storage.bucket_object import BucketObject

ONLY_TERRAFORM = (
    "force_delete",
    "force_delete_warm_pool",
    "ignore_failed_scaling_activities",
    "wait_for_capacity_timeout",
)
"""Arguments that say how Terraform changes a group. They are not settings in AWS, so an import does not know them."""

leave_out(BucketObject)


@describes(Instance, "aws_instance")
def instance(scope: ExportScope, one: Instance, observed: Observed) -> Iterator[Managed]:
    raw, view = observed.raw, scope.view(one)
    (disk,) = [volume for volume in view.all(Volume) if volume.id in disks(observed)]
    yield scope.main(
        one,
        ami=raw["ImageId"],
        instance_type=one.size,
        subnet_id=scope.ref(one.subnet).id,
        vpc_security_group_ids=scope.refs(one.security),
        iam_instance_profile=scope.ref(one.profile).name,
        key_name=one.key_pair or None,
        user_data=_user_data(scope, one, one.began_with(view, observed)),
        tags=scope.tags(one, observed.tags),
        metadata_options=_metadata(),
        root_block_device=Section(
            volume_type="gp3",
            volume_size=disk.raw["Size"],
            encrypted=True,
            tags=scope.tags_of(disk.tags or {}),
        ),
        lifecycle=Section(ignore_changes=[Expression("user_data_replace_on_change")]),
    )


@describes(LaunchTemplate, "aws_launch_template")
def launch_template(scope: ExportScope, one: LaunchTemplate, observed: Observed) -> Iterator[Managed]:
    default = next(version for version in observed.raw["Versions"] if version["DefaultVersion"])
    data = default["LaunchTemplateData"]
    (mapping,) = data["BlockDeviceMappings"]
    text = one.began_with(scope.view(one), observed)
    yield scope.main(
        one,
        name=observed.raw["LaunchTemplateName"],
        default_version=default["VersionNumber"],
        image_id=data["ImageId"],
        instance_type=one.size,
        key_name=one.key_pair or None,
        vpc_security_group_ids=scope.refs(one.security),
        user_data=call("base64encode", _user_data(scope, one, text)),
        tags=scope.tags(one, observed.tags),
        iam_instance_profile=Section(name=scope.ref(one.profile).name),
        metadata_options=_metadata(),
        block_device_mappings=Section(
            device_name=mapping["DeviceName"],
            ebs=Section(volume_size=one.disk, volume_type="gp3", encrypted="true", delete_on_termination="true"),
        ),
        tag_specifications=[
            Section(resource_type=given["ResourceType"], tags=scope.tags_of(tags_to_dict(given["Tags"])))
            for given in data["TagSpecifications"]
        ],
    )


@describes(AutoScalingGroup, "aws_autoscaling_group")
def auto_scaling_group(scope: ExportScope, one: AutoScalingGroup, observed: Observed) -> Iterator[Managed]:
    """The policy decides how many machines there are: Terraform does not set it."""
    raw = observed.raw
    yield scope.main(
        one,
        name=observed.id,
        min_size=one.min,
        max_size=one.max,
        health_check_type=raw["HealthCheckType"],
        health_check_grace_period=raw["HealthCheckGracePeriod"],
        default_instance_warmup=raw["DefaultInstanceWarmup"],
        vpc_zone_identifier=scope.refs(one.subnets),
        target_group_arns=scope.refs(one.targets, "arn") or None,
        launch_template=Section(id=scope.ref(one.template).id, version=scope.ref(one.template).default_version),
        lifecycle=Section(ignore_changes=[Expression(name) for name in ONLY_TERRAFORM]),
        tag=[
            Section(key=key, value=value, propagate_at_launch=key == TAG_STACK)
            for key, value in tags_to_dict(scope.view(one).tags(one)).items()
        ],
    )


@describes(ScalingPolicy, "aws_autoscaling_policy")
def scaling_policy(scope: ExportScope, one: ScalingPolicy, observed: Observed) -> Iterator[Managed]:
    raw = observed.raw
    yield scope.main(
        one,
        f"{raw['AutoScalingGroupName']}/{raw['PolicyName']}",
        name=raw["PolicyName"],
        autoscaling_group_name=scope.ref(one.group).name,
        policy_type=one.KIND,
        target_tracking_configuration=Section(
            target_value=one.target,
            predefined_metric_specification=Section(predefined_metric_type=one.METRIC),
        ),
    )


def _metadata() -> Section:
    return Section(
        http_endpoint=METADATA["HttpEndpoint"],
        http_tokens=METADATA["HttpTokens"],
        http_put_response_hop_limit=METADATA["HttpPutResponseHopLimit"],
    )


def _user_data(scope: ExportScope, one: Machine, text: str) -> Call | Any:
    """The script that the machine has begun with, in a file of its own."""
    path = f"files/{name_of(one)}.sh"
    scope.texts[path] = text
    return call("file", Expression(f'"${{path.module}}/{path}"'))
