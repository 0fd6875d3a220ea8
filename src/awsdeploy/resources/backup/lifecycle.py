"""The daily images of the machines: a policy of Amazon Data Lifecycle Manager, and the role it works as.

Knows nothing of the images themselves: AWS makes and retires them by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import tolerate
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import (
    TAG_STACK,
    UNKNOWN,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Observed,
    Resource,
    TransientError,
    Wait,
)
from awsdeploy.errors import next_command
from awsdeploy.resources import tag_calls
from awsdeploy.resources.backup.image import Image
from awsdeploy.resources.compute.instance import Instance
from awsdeploy.resources.compute.launch_template import Member
from awsdeploy.resources.identity.role import Role

MADE_BY = "aws:dlm:lifecycle-policy-id"
"""AWS: the tag of all that a policy has made."""

OLDER = "AWS deletes older images"


def statements(tag: str) -> tuple[Mapping[str, Any], ...]:
    """IAM statements to create and delete the images of the stack with this tag.

    AWS's AWSDataLifecycleManagerServiceRoleForAMIManagement without what only copies, shares and deprecates. What a
    Describe sees cannot be narrowed: AWS has no resource level for it. Nor can DeleteSnapshot: AWS does not say
    whether the snapshots of an image carry its machine's tags.
    """
    own = {"StringEquals": {f"aws:ResourceTag/{TAG_STACK}": tag}}
    images, snapshots = "arn:aws:ec2:{region}::image/*", "arn:aws:ec2:{region}::snapshot/*"
    see = ["DescribeImageAttribute", "DescribeImages", "DescribeInstances", "DescribeSnapshots", "DescribeVolumes"]
    machines = "arn:aws:ec2:{region}:{account}:instance/*"
    return (
        _allow("See", [f"ec2:{action}" for action in see], "*"),
        {**_allow("OwnMachines", ["ec2:CreateImage"], machines), "Condition": own},
        _allow("Make", ["ec2:CreateImage", "ec2:CreateTags"], [images, snapshots]),
        {**_allow("RetireImages", ["ec2:DeregisterImage"], images), "Condition": own},
        _allow("RetireSnapshots", ["ec2:DeleteSnapshot"], snapshots),
    )


def _allow(sid: str, actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


@dataclass(frozen=True, eq=False, kw_only=True)
class LifecyclePolicy(Resource):
    """An image of every machine of the stack each day, without a restart; the last `count` of each are kept.

    `at` is UTC, hh:mm; AWS begins within the hour after (API_CreateRule).
    """

    role: Role
    at: str
    count: int

    tagging = tag_calls.LIFECYCLE_POLICY
    title = "lifecycle policy"
    immediate = True
    deletion = Deletion(immediate=True)
    wait = Wait(ready={"ENABLED", "DISABLED", "ERROR"})
    # AWS: a role that IAM has only just made is unknown to DLM for some seconds; it has no code of its own for that.
    transient = (
        TransientError("CreateLifecyclePolicy", "InvalidRequestException", seconds=120),
        TransientError("UpdateLifecyclePolicy", "InvalidRequestException", seconds=120),
    )
    arns = (":policy/policy-",)

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        """Not by AWS's filter for target tags: those may have been changed by hand."""
        for one in aws.client("dlm").get_lifecycle_policies()["Policies"]:
            tags = [{"Key": key, "Value": value} for key, value in one.get("Tags", {}).items()]
            yield from aws.found(cls, one["PolicyId"], tags, one, one["State"])

    def create(self, aws: Aws) -> str | Observed:
        tags = tags_to_dict(aws.tags(self))
        made = aws.client("dlm").create_lifecycle_policy(**self.wanted(aws), Tags=tags)
        return aws.made(self, made["PolicyId"], {}, "ENABLED")

    def wanted(self, aws: Aws) -> dict[str, Any]:
        schedule = {
            "Name": "daily",
            "CopyTags": True,  # by which an image is known as the stack's
            "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS", "Times": [self.at]},
            "RetainRule": {"Count": self.count},
        }
        return {
            "Description": f"Daily images of {aws.stack.slug}",  # AWS: letters, digits, space, _ and - only
            "State": "ENABLED",
            "ExecutionRoleArn": aws[self.role].raw["Arn"],
            "PolicyDetails": {
                "PolicyType": "IMAGE_MANAGEMENT",
                "ResourceTypes": ["INSTANCE"],
                "TargetTags": [{"Key": TAG_STACK, "Value": aws.stack.tag}],
                "Schedules": [schedule],
                "Parameters": {"NoReboot": True},
            },
        }

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        """All that differs goes in one UpdateLifecyclePolicy. The list shows no details, so they are asked for."""
        if observed.new:
            return
        wanted = self.wanted(aws)
        present = aws.client("dlm").get_lifecycle_policy(PolicyId=observed.id)["Policy"]
        update = partial(aws.client("dlm").update_lifecycle_policy, PolicyId=observed.id, **wanted)
        for field, old, new in _differences(present, wanted):
            fewer = field == "Count" and isinstance(old, int) and new < old
            impact, danger = (OLDER, Danger.DATA_LOSS) if fewer else ("", Danger.NONE)
            yield Change(field, old, new, update, impact, danger=danger)

    def advisory(self, aws: Aws, observed: Observed) -> str:
        """AWS retires a machine's images when it makes a new one of it, and so none of a machine that is gone."""
        kinds: tuple[type[Resource], ...] = (Instance, Member)
        machines = {one.id for kind in kinds for one in aws.all(kind) if not one.state.leaving}
        left = [image for image in aws.all(Image) if _made_of(image) not in {"", *machines}]
        if not left:
            return ""
        return (
            f"{len(left)} of the daily images belong to deleted machines: AWS does not expire them. "
            f"To list all backups: `{next_command('backups')}`; to delete one: aws ec2 deregister-image "
            f"--region {aws.region} --delete-associated-snapshots --image-id {left[0].id}"
        )

    def facts(self, aws: Aws, observed: Observed) -> Mapping[str, str]:
        return {"images": f"daily at {self.at} UTC, keeps the last {self.count} of each machine"}

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("ResourceNotFoundException"):
            aws.client("dlm").delete_lifecycle_policy(PolicyId=observed.id)


def _made_of(image: Observed) -> str:
    """The machine that a policy made it of; "" where none did, or AWS does not say which."""
    daily = MADE_BY in tags_to_dict(image.raw.get("Tags"))
    return str(image.raw.get("SourceInstanceId", "")) if daily else ""


def _differences(present: Any, wanted: Any, field: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield field, present and wanted value of each difference. Fields that AWS adds are ignored."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        for name, value in wanted.items():
            yield from _differences(present.get(name), value, name)
    elif isinstance(wanted, list) and isinstance(present, list) and len(wanted) == len(present):
        for one, other in zip(present, wanted, strict=True):
            yield from _differences(one, other, field)
    elif wanted is UNKNOWN or present != wanted:
        yield field, present, wanted
