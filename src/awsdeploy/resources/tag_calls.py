"""Calls that tag what exists already, by AWS service. Every create call carries its tags itself, by `Aws.tags`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.config.stack import TAG_STACK, tags_to_dict, tags_to_list
from awsdeploy.engine.observed import Change, Observed
from awsdeploy.engine.tagging import Tagging, Tags, retagged
from awsdeploy.engine.view import Aws, Declared

Parts = Callable[[Aws, Observed], list[str]]


def _alone(_: Aws, observed: Observed) -> list[str]:
    return [observed.id]


def _with_rules(aws: Aws, observed: Observed) -> list[str]:
    """A security group and its rules, which carry the same tags."""
    about = [{"Name": "group-id", "Values": [observed.id]}]
    rules = aws.ec2.pages("describe_security_group_rules", "SecurityGroupRules", Filters=about)
    return [observed.id, *(rule["SecurityGroupRuleId"] for rule in rules)]


def _ec2(things: Parts) -> Tagging:
    return Tagging(
        put=lambda aws, observed, tags: aws.ec2.create_tags(Resources=things(aws, observed), Tags=tags_to_list(tags)),
        drop=lambda aws, observed, keys: aws.ec2.delete_tags(
            Resources=things(aws, observed), Tags=[{"Key": key} for key in keys]
        ),
    )


EC2 = _ec2(_alone)
SECURITY_GROUP = _ec2(_with_rules)

BATCH = 20
"""AWS: load balancers, listeners and rules that one AddTags takes."""


def _with_listener_rules(aws: Aws, observed: Observed) -> list[str]:
    rules = aws.elbv2.pages("describe_rules", "Rules", ListenerArn=observed.id)
    return [observed.id, *(rule["RuleArn"] for rule in rules if rule["Priority"] != "default")]


def _elbv2(things: Parts) -> Tagging:
    def put(aws: Aws, observed: Observed, tags: Tags) -> None:
        for some in _batches(things(aws, observed)):
            aws.elbv2.add_tags(ResourceArns=some, Tags=tags_to_list(tags))

    def drop(aws: Aws, observed: Observed, keys: list[str]) -> None:
        for some in _batches(things(aws, observed)):
            aws.elbv2.remove_tags(ResourceArns=some, TagKeys=keys)

    return Tagging(put, drop)


def _batches(arns: list[str]) -> list[list[str]]:
    return [arns[start : start + BATCH] for start in range(0, len(arns), BATCH)]


ELBV2 = _elbv2(_alone)
LISTENER = _elbv2(_with_listener_rules)


def rds(arn: str) -> Tagging:
    """`arn` is where the object's description has its ARN."""
    return Tagging(
        put=lambda aws, observed, tags: aws.rds.add_tags_to_resource(
            ResourceName=observed.raw[arn], Tags=tags_to_list(tags)
        ),
        drop=lambda aws, observed, keys: aws.rds.remove_tags_from_resource(
            ResourceName=observed.raw[arn], TagKeys=keys
        ),
    )


ROLE = Tagging(
    put=lambda aws, observed, tags: aws.iam.tag_role(RoleName=observed.id, Tags=tags_to_list(tags)),
    drop=lambda aws, observed, keys: aws.iam.untag_role(RoleName=observed.id, TagKeys=keys),
)
INSTANCE_PROFILE = Tagging(
    put=lambda aws, observed, tags: aws.iam.tag_instance_profile(
        InstanceProfileName=observed.id, Tags=tags_to_list(tags)
    ),
    drop=lambda aws, observed, keys: aws.iam.untag_instance_profile(InstanceProfileName=observed.id, TagKeys=keys),
    read=lambda aws, observed: tags_to_dict(
        aws.iam.get_instance_profile(InstanceProfileName=observed.id)["InstanceProfile"].get("Tags", [])
    ),
)


def _bucket_tags(aws: Aws, observed: Observed) -> dict[str, str]:
    try:
        return tags_to_dict(aws.s3.get_bucket_tagging(Bucket=observed.id)["TagSet"])
    except AwsRefusal as refusal:
        if refusal.code != "NoSuchTagSet":
            raise
        return {}


def _tag_bucket(aws: Aws, observed: Observed, tags: dict[str, str]) -> None:
    """AWS: PutBucketTagging sets all tags of a bucket."""
    aws.s3.put_bucket_tagging(Bucket=observed.id, Tagging={"TagSet": tags_to_list(tags)})


def _without(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in keys and not key.startswith("aws:")}


BUCKET = Tagging(
    put=lambda aws, observed, tags: _tag_bucket(aws, observed, {**_without(_bucket_tags(aws, observed), []), **tags}),
    drop=lambda aws, observed, keys: _tag_bucket(aws, observed, _without(_bucket_tags(aws, observed), keys)),
    read=_bucket_tags,
)


def _parameter(observed: Observed) -> dict[str, str]:
    return {"ResourceType": "Parameter", "ResourceId": observed.id}


PARAMETER = Tagging(
    put=lambda aws, observed, tags: aws.ssm.add_tags_to_resource(**_parameter(observed), Tags=tags_to_list(tags)),
    drop=lambda aws, observed, keys: aws.ssm.remove_tags_from_resource(**_parameter(observed), TagKeys=keys),
    read=lambda aws, observed: tags_to_dict(aws.ssm.list_tags_for_resource(**_parameter(observed))["TagList"]),
)


def _log_group(aws: Aws, observed: Observed) -> str:
    return f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{observed.id}"


def _log_group_tags(aws: Aws, observed: Observed) -> dict[str, str]:
    found: dict[str, str] = aws.client("logs").list_tags_for_resource(resourceArn=_log_group(aws, observed))["tags"]
    return found


LOG_GROUP = Tagging(
    put=lambda aws, observed, tags: aws.client("logs").tag_resource(
        resourceArn=_log_group(aws, observed), tags=dict(tags)
    ),
    drop=lambda aws, observed, keys: aws.client("logs").untag_resource(
        resourceArn=_log_group(aws, observed), tagKeys=keys
    ),
    read=_log_group_tags,
)
ALARM = Tagging(
    put=lambda aws, observed, tags: aws.client("cloudwatch").tag_resource(
        ResourceARN=observed.raw["AlarmArn"], Tags=tags_to_list(tags)
    ),
    drop=lambda aws, observed, keys: aws.client("cloudwatch").untag_resource(
        ResourceARN=observed.raw["AlarmArn"], TagKeys=keys
    ),
    read=lambda aws, observed: tags_to_dict(
        aws.client("cloudwatch").list_tags_for_resource(ResourceARN=observed.raw["AlarmArn"])["Tags"]
    ),
)
TOPIC = Tagging(
    put=lambda aws, observed, tags: aws.client("sns").tag_resource(ResourceArn=observed.id, Tags=tags_to_list(tags)),
    drop=lambda aws, observed, keys: aws.client("sns").untag_resource(ResourceArn=observed.id, TagKeys=keys),
)
CERTIFICATE = Tagging(
    put=lambda aws, observed, tags: aws.acm.add_tags_to_certificate(
        CertificateArn=observed.id, Tags=tags_to_list(tags)
    ),
    drop=lambda aws, observed, keys: aws.acm.remove_tags_from_certificate(
        CertificateArn=observed.id, Tags=[{"Key": key} for key in keys]
    ),
)


def _lifecycle_policy(aws: Aws, observed: Observed) -> str:
    return f"arn:aws:dlm:{aws.region}:{aws.account}:policy/{observed.id}"


LIFECYCLE_POLICY = Tagging(
    put=lambda aws, observed, tags: aws.client("dlm").tag_resource(
        ResourceArn=_lifecycle_policy(aws, observed), Tags=dict(tags)
    ),
    drop=lambda aws, observed, keys: aws.client("dlm").untag_resource(
        ResourceArn=_lifecycle_policy(aws, observed), TagKeys=keys
    ),
)


def _group_tags(observed: Observed, tags: Tags) -> list[dict[str, Any]]:
    about = {"ResourceId": observed.id, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    return [{**about, **pair} for pair in tags_to_list(tags)]


SCALING_GROUP = Tagging(
    put=lambda aws, observed, tags: aws.client("autoscaling").create_or_update_tags(Tags=_group_tags(observed, tags)),
    drop=lambda aws, observed, keys: aws.client("autoscaling").delete_tags(
        Tags=[
            {"ResourceId": observed.id, "ResourceType": "auto-scaling-group", "Key": key, "PropagateAtLaunch": False}
            for key in keys
        ]
    ),
)


def _budget(aws: Aws, observed: Observed) -> str:
    return f"arn:aws:budgets::{aws.account}:budget/{observed.id}"


BUDGET = Tagging(
    put=lambda aws, observed, tags: aws.client("budgets").tag_resource(
        ResourceARN=_budget(aws, observed), ResourceTags=tags_to_list(tags)
    ),
    drop=lambda aws, observed, keys: aws.client("budgets").untag_resource(
        ResourceARN=_budget(aws, observed), ResourceTagKeys=keys
    ),
    read=lambda aws, observed: tags_to_dict(
        aws.client("budgets").list_tags_for_resource(ResourceARN=_budget(aws, observed)).get("ResourceTags", [])
    ),
)


def route53(kind: str) -> Tagging:
    """`kind` is hostedzone or healthcheck; their own `diff` reads the tags."""

    def change(aws: Aws, observed: Observed, **what: Any) -> None:
        aws.route53.change_tags_for_resource(ResourceType=kind, ResourceId=observed.id, **what)

    return Tagging(
        put=lambda aws, observed, tags: change(aws, observed, AddTags=tags_to_list(tags)),
        drop=lambda aws, observed, keys: change(aws, observed, RemoveTagKeys=keys),
    )


def route53_tags(aws: Aws, kind: str, observed: Observed) -> dict[str, str]:
    """The tags of a hosted zone or health check, which no list shows."""
    answer = aws.route53.list_tags_for_resource(ResourceType=kind, ResourceId=observed.id)
    return tags_to_dict(answer["ResourceTagSet"]["Tags"])


def route53_differences(aws: Aws, resource: Declared, kind: str, observed: Observed, present: Tags) -> Iterator[Change]:
    """Differences in the tags of what cannot be tagged in the call that makes it: all of them, or the owner's."""
    if present.get(TAG_STACK) == aws.stack.tag:
        yield from retagged(aws, route53(kind), dataclasses.replace(observed, tags=present))
        return
    change = aws.route53.change_tags_for_resource
    tag = partial(change, ResourceType=kind, ResourceId=observed.id, AddTags=aws.tags(resource))
    yield Change("tags", None, aws.stack.tag, tag)
