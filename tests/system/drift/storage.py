"""The buckets and what the load balancer writes into one, changed by hand."""

from __future__ import annotations

import json
from typing import Any

from awsdeploy.engine.resource import Observed
from tests.simulated import World
from tests.system.drift.manual_changes import EDGE, NAME, SETTLED, by_hand


def _s3(aws: World, observed: dict[str, Observed], key: str) -> tuple[Any, str]:
    return aws.client("s3", observed[key].region), observed[key].id


def _closed_otherwise(key: str) -> None:
    @by_hand(f"{key} blocks nothing", key, "s3:PutPublicAccessBlock.PublicAccessBlockConfiguration")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, key)
        s3.delete_public_access_block(Bucket=name)


def _owned_otherwise(key: str) -> None:
    @by_hand(f"{key} with readers of single objects", key, "s3:CreateBucket.ObjectOwnership")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, key)
        rules = [{"ObjectOwnership": "ObjectWriter"}]
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": rules})


def _encrypted_otherwise(key: str) -> None:
    @by_hand(f"{key} with another key", key)
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, key)
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _kept_otherwise(key: str) -> None:
    @by_hand(f"{key} keeps everything", key, "s3:PutBucketLifecycleConfiguration.LifecycleConfiguration")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, key)
        s3.delete_bucket_lifecycle(Bucket=name)


def _plain_http_allowed(key: str) -> None:
    @by_hand(f"{key} by plain HTTP", key)
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, key)
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        policy["Statement"] = [one for one in policy["Statement"] if one.get("Sid") != "TlsOnly"]
        if policy["Statement"]:
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
        else:
            s3.delete_bucket_policy(Bucket=name)


for bucket in ("storage/uploads", "storage/replica", "storage/logs", "storage/artifacts"):
    for change in (_closed_otherwise, _owned_otherwise, _encrypted_otherwise, _kept_otherwise, _plain_http_allowed):
        change(bucket)


@by_hand("temporary files stay longer", "storage/uploads")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    for rule in rules:
        if rule["ID"] == "temporary":
            rule["Expiration"] = {"Days": 99}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


@by_hand("versions no longer kept", "storage/replica", "s3:PutBucketVersioning.VersioningConfiguration")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/replica")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


@by_hand("everything is public", "storage/uploads", "s3:PutBucketPolicy.Policy")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    policy["Statement"][0]["Resource"] = f"arn:aws:s3:::{name}/*"
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


@by_hand("nothing is public", "storage/uploads")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    s3.delete_bucket_policy(Bucket=name)


@by_hand("only today's deliverer may write", "storage/logs")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/logs")
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    del policy["Statement"][1]
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


@by_hand("copies without deletions", "storage/uploads", "s3:PutBucketReplication.ReplicationConfiguration")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    copying = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]
    copying["Rules"][0]["DeleteMarkerReplication"] = {"Status": "Disabled"}
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=copying)


@by_hand("no copies", "storage/uploads")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    s3.delete_bucket_replication(Bucket=name)


@by_hand("the copying role may do more", "storage/replication-role")
def _(aws: World, observed: dict[str, Observed]) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    aws.client("iam").put_role_policy(
        RoleName=observed["storage/replication-role"].id,
        PolicyName="awsdeploy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@by_hand("requests not counted", "storage/uploads", "s3:PutBucketMetricsConfiguration.MetricsConfiguration")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    s3.delete_bucket_metrics_configuration(Bucket=name, Id="EntireBucket")


@by_hand("requests of a part counted", "storage/uploads")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    part = {"Id": "EntireBucket", "Filter": {"Prefix": "static/"}}
    s3.put_bucket_metrics_configuration(Bucket=name, Id="EntireBucket", MetricsConfiguration=part)


def _cors(part: str, value: Any) -> None:
    @by_hand(f"browsers: other {part}", "storage/uploads-cors", "s3:PutBucketCors.CORSConfiguration")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        s3, name = _s3(aws, observed, "storage/uploads")
        (rule,) = s3.get_bucket_cors(Bucket=name)["CORSRules"]
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [{**rule, part: value}]})


for part, value in {
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET"],
    "AllowedHeaders": ["Range"],
    "ExposeHeaders": ["Date"],
    "MaxAgeSeconds": 1,
}.items():
    _cors(part, value)


@by_hand("browsers: a second rule", "storage/uploads-cors")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/uploads")
    rules = s3.get_bucket_cors(Bucket=name)["CORSRules"]
    rules.append({"ID": "second", "AllowedOrigins": ["*"], "AllowedMethods": ["GET"]})
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})


def _logging(key: str, value: str) -> None:
    @by_hand(f"load balancer {key}", "web/alb")
    def _(aws: World, observed: dict[str, Observed]) -> None:
        aws.client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=observed["web/alb"].id, Attributes=[{"Key": key, "Value": value}]
        )


_logging("access_logs.s3.enabled", "false")


@by_hand("load balancer logs to another place", "web/alb")
def _(aws: World, observed: dict[str, Observed]) -> None:
    s3, name = _s3(aws, observed, "storage/logs")
    account = "123456789012"
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    there = json.loads(json.dumps(policy).replace(f"/AWSLogs/{account}", f"/there/AWSLogs/{account}"))
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(there))
    aws.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=observed["web/alb"].id, Attributes=[{"Key": "access_logs.s3.prefix", "Value": "there"}]
    )
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


SETTLED.update(
    {
        "s3:CreateBucket.CreateBucketConfiguration": EDGE,
        **{
            f"s3:{operation}.Bucket": NAME
            for operation in (
                "CreateBucket",
                "PutBucketCors",
                "PutBucketLifecycleConfiguration",
                "PutBucketMetricsConfiguration",
                "PutBucketPolicy",
                "PutBucketReplication",
                "PutBucketVersioning",
                "PutPublicAccessBlock",
            )
        },
    }
)
