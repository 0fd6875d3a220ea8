"""Calls that tag what exists already, by AWS service. Every create call carries its tags itself, by `Aws.tags`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from awsdeploy.aws.session import AwsRefusal
from awsdeploy.config.stack import TAG_STACK, tags_to_dict, tags_to_list
from awsdeploy.engine.observed import Change, Observed
from awsdeploy.engine.tagging import Tagging, Tags, retagged
from awsdeploy.engine.view import Aws, Declared

Parts = Callable[[Aws, Observed], list[str]]


def _alone(_: Aws, live: Observed) -> list[str]:
    return [live.id]


def _with_rules(aws: Aws, live: Observed) -> list[str]:
    """A security group and its rules, which carry the same tags."""
    about = [{"Name": "group-id", "Values": [live.id]}]
    rules = aws.ec2.pages("describe_security_group_rules", "SecurityGroupRules", Filters=about)
    return [live.id, *(rule["SecurityGroupRuleId"] for rule in rules)]


def _ec2(things: Parts) -> Tagging:
    return Tagging(
        put=lambda aws, live, tags: aws.ec2.create_tags(Resources=things(aws, live), Tags=tags_to_list(tags)),
        drop=lambda aws, live, keys: aws.ec2.delete_tags(
            Resources=things(aws, live), Tags=[{"Key": key} for key in keys]
        ),
    )


EC2 = _ec2(_alone)
SECURITY_GROUP = _ec2(_with_rules)

BATCH = 20
"""AWS: load balancers, listeners and rules that one AddTags takes."""


def _with_listener_rules(aws: Aws, live: Observed) -> list[str]:
    rules = aws.elbv2.pages("describe_rules", "Rules", ListenerArn=live.id)
    return [live.id, *(rule["RuleArn"] for rule in rules if rule["Priority"] != "default")]


def _elbv2(things: Parts) -> Tagging:
    def put(aws: Aws, live: Observed, tags: Tags) -> None:
        for some in _batches(things(aws, live)):
            aws.elbv2.add_tags(ResourceArns=some, Tags=tags_to_list(tags))

    def drop(aws: Aws, live: Observed, keys: list[str]) -> None:
        for some in _batches(things(aws, live)):
            aws.elbv2.remove_tags(ResourceArns=some, TagKeys=keys)

    return Tagging(put, drop)


def _batches(arns: list[str]) -> list[list[str]]:
    return [arns[start : start + BATCH] for start in range(0, len(arns), BATCH)]


ELBV2 = _elbv2(_alone)
LISTENER = _elbv2(_with_listener_rules)


def rds(arn: str) -> Tagging:
    """`arn` is where the object's description has its ARN."""
    return Tagging(
        put=lambda aws, live, tags: aws.rds.add_tags_to_resource(ResourceName=live.raw[arn], Tags=tags_to_list(tags)),
        drop=lambda aws, live, keys: aws.rds.remove_tags_from_resource(ResourceName=live.raw[arn], TagKeys=keys),
    )


ROLE = Tagging(
    put=lambda aws, live, tags: aws.iam.tag_role(RoleName=live.id, Tags=tags_to_list(tags)),
    drop=lambda aws, live, keys: aws.iam.untag_role(RoleName=live.id, TagKeys=keys),
)
INSTANCE_PROFILE = Tagging(
    put=lambda aws, live, tags: aws.iam.tag_instance_profile(InstanceProfileName=live.id, Tags=tags_to_list(tags)),
    drop=lambda aws, live, keys: aws.iam.untag_instance_profile(InstanceProfileName=live.id, TagKeys=keys),
    read=lambda aws, live: tags_to_dict(
        aws.iam.get_instance_profile(InstanceProfileName=live.id)["InstanceProfile"].get("Tags", [])
    ),
)


def _bucket_tags(aws: Aws, live: Observed) -> dict[str, str]:
    try:
        return tags_to_dict(aws.s3.get_bucket_tagging(Bucket=live.id)["TagSet"])
    except AwsRefusal as refusal:
        if refusal.code != "NoSuchTagSet":
            raise
        return {}


def _tag_bucket(aws: Aws, live: Observed, tags: dict[str, str]) -> None:
    """AWS: PutBucketTagging sets all tags of a bucket."""
    aws.s3.put_bucket_tagging(Bucket=live.id, Tagging={"TagSet": tags_to_list(tags)})


def _without(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in keys and not key.startswith("aws:")}


BUCKET = Tagging(
    put=lambda aws, live, tags: _tag_bucket(aws, live, {**_without(_bucket_tags(aws, live), []), **tags}),
    drop=lambda aws, live, keys: _tag_bucket(aws, live, _without(_bucket_tags(aws, live), keys)),
    read=_bucket_tags,
)


def _parameter(live: Observed) -> dict[str, str]:
    return {"ResourceType": "Parameter", "ResourceId": live.id}


PARAMETER = Tagging(
    put=lambda aws, live, tags: aws.ssm.add_tags_to_resource(**_parameter(live), Tags=tags_to_list(tags)),
    drop=lambda aws, live, keys: aws.ssm.remove_tags_from_resource(**_parameter(live), TagKeys=keys),
    read=lambda aws, live: tags_to_dict(aws.ssm.list_tags_for_resource(**_parameter(live))["TagList"]),
)


def _log_group(aws: Aws, live: Observed) -> str:
    return f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{live.id}"


def _log_group_tags(aws: Aws, live: Observed) -> dict[str, str]:
    found: dict[str, str] = aws.client("logs").list_tags_for_resource(resourceArn=_log_group(aws, live))["tags"]
    return found


LOG_GROUP = Tagging(
    put=lambda aws, live, tags: aws.client("logs").tag_resource(resourceArn=_log_group(aws, live), tags=dict(tags)),
    drop=lambda aws, live, keys: aws.client("logs").untag_resource(resourceArn=_log_group(aws, live), tagKeys=keys),
    read=_log_group_tags,
)
ALARM = Tagging(
    put=lambda aws, live, tags: aws.client("cloudwatch").tag_resource(
        ResourceARN=live.raw["AlarmArn"], Tags=tags_to_list(tags)
    ),
    drop=lambda aws, live, keys: aws.client("cloudwatch").untag_resource(
        ResourceARN=live.raw["AlarmArn"], TagKeys=keys
    ),
    read=lambda aws, live: tags_to_dict(
        aws.client("cloudwatch").list_tags_for_resource(ResourceARN=live.raw["AlarmArn"])["Tags"]
    ),
)
TOPIC = Tagging(
    put=lambda aws, live, tags: aws.client("sns").tag_resource(ResourceArn=live.id, Tags=tags_to_list(tags)),
    drop=lambda aws, live, keys: aws.client("sns").untag_resource(ResourceArn=live.id, TagKeys=keys),
)
CERTIFICATE = Tagging(
    put=lambda aws, live, tags: aws.acm.add_tags_to_certificate(CertificateArn=live.id, Tags=tags_to_list(tags)),
    drop=lambda aws, live, keys: aws.acm.remove_tags_from_certificate(
        CertificateArn=live.id, Tags=[{"Key": key} for key in keys]
    ),
)


def _lifecycle_policy(aws: Aws, live: Observed) -> str:
    return f"arn:aws:dlm:{aws.region}:{aws.account}:policy/{live.id}"


LIFECYCLE_POLICY = Tagging(
    put=lambda aws, live, tags: aws.client("dlm").tag_resource(
        ResourceArn=_lifecycle_policy(aws, live), Tags=dict(tags)
    ),
    drop=lambda aws, live, keys: aws.client("dlm").untag_resource(
        ResourceArn=_lifecycle_policy(aws, live), TagKeys=keys
    ),
)


def _group_tags(live: Observed, tags: Tags) -> list[dict[str, Any]]:
    about = {"ResourceId": live.id, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    return [{**about, **pair} for pair in tags_to_list(tags)]


SCALING_GROUP = Tagging(
    put=lambda aws, live, tags: aws.client("autoscaling").create_or_update_tags(Tags=_group_tags(live, tags)),
    drop=lambda aws, live, keys: aws.client("autoscaling").delete_tags(
        Tags=[
            {"ResourceId": live.id, "ResourceType": "auto-scaling-group", "Key": key, "PropagateAtLaunch": False}
            for key in keys
        ]
    ),
)


def _budget(aws: Aws, live: Observed) -> str:
    return f"arn:aws:budgets::{aws.account}:budget/{live.id}"


BUDGET = Tagging(
    put=lambda aws, live, tags: aws.client("budgets").tag_resource(
        ResourceARN=_budget(aws, live), ResourceTags=tags_to_list(tags)
    ),
    drop=lambda aws, live, keys: aws.client("budgets").untag_resource(
        ResourceARN=_budget(aws, live), ResourceTagKeys=keys
    ),
    read=lambda aws, live: tags_to_dict(
        aws.client("budgets").list_tags_for_resource(ResourceARN=_budget(aws, live)).get("ResourceTags", [])
    ),
)


def route53(kind: str) -> Tagging:
    """`kind` is hostedzone or healthcheck; their own repair reads the tags."""

    def change(aws: Aws, live: Observed, **what: Any) -> None:
        aws.route53.change_tags_for_resource(ResourceType=kind, ResourceId=live.id, **what)

    return Tagging(
        put=lambda aws, live, tags: change(aws, live, AddTags=tags_to_list(tags)),
        drop=lambda aws, live, keys: change(aws, live, RemoveTagKeys=keys),
    )


def route53_tags(aws: Aws, kind: str, live: Observed) -> dict[str, str]:
    """The tags of a hosted zone or health check, which no list shows."""
    answer = aws.route53.list_tags_for_resource(ResourceType=kind, ResourceId=live.id)
    return tags_to_dict(answer["ResourceTagSet"]["Tags"])


def route53_differences(aws: Aws, resource: Declared, kind: str, live: Observed, present: Tags) -> Iterator[Change]:
    """Differences in the tags of what cannot be tagged in the call that makes it: all of them, or the owner's."""
    if present.get(TAG_STACK) == aws.stack.tag:
        yield from retagged(aws, route53(kind), dataclasses.replace(live, tags=present))
        return

    def tag() -> None:
        aws.route53.change_tags_for_resource(ResourceType=kind, ResourceId=live.id, AddTags=aws.tags(resource))

    yield Change("tags", None, aws.stack.tag, tag)
