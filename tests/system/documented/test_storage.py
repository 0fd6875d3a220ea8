"""The documented buckets, value by value, by asking AWS; what is public is asked without any signature."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.sandbox.sample_application import by_plain_http, refused
from tests.simulated import World, tags

ACCOUNT = "123456789012"
SEOUL, TOKYO = "ap-northeast-2", "ap-northeast-1"
FOUR = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def bucket(world: World, key: str, region: str = SEOUL) -> str:
    """The one bucket with this resource tag."""
    s3 = world.client("s3", region)
    (found,) = [
        one["Name"]
        for one in s3.list_buckets()["Buckets"]
        if tags(s3.get_bucket_tagging(Bucket=one["Name"])["TagSet"])["awsdeploy:resource"] == key
    ]
    return str(found)


def browse(world: World, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> int:
    """Answer to an anonymous request."""
    request = urllib.request.Request(f"{world.url}/{urllib.parse.quote(path)}", method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


@pytest.fixture(scope="module")
def s3(documented: World) -> Any:
    return documented.client("s3")


@pytest.fixture(scope="module")
def uploads(documented: World) -> str:
    return bucket(documented, "storage/uploads")


def test_h1_where_the_buckets_stand_and_what_they_are_called(documented: World, s3: Any) -> None:
    for key, region in {"uploads": SEOUL, "logs": SEOUL, "artifacts": SEOUL, "replica": TOKYO}.items():
        name = bucket(documented, f"storage/{key}")
        assert name.startswith(f"shop-prod-{key}-{ACCOUNT}-")
        assert s3.head_bucket(Bucket=name)["BucketRegion"] == region


@pytest.mark.parametrize("key", ["uploads", "logs", "artifacts", "replica"])
def test_h1_every_bucket_is_encrypted_and_has_one_owner(documented: World, s3: Any, key: str) -> None:
    name = bucket(documented, f"storage/{key}")
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    owned = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert owned == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    open_by_policy = FOUR[2:] if key == "uploads" else ()
    assert block == {what: what not in open_by_policy for what in FOUR}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("uploads/users/x", 200),
        ("uploads/stories/a b.mp4", 200),
        ("uploads/channels/x", 200),
        ("static/x", 200),
        ("uploads/temp/x", 403),
        ("uploads/x", 403),
        ("uploads/users", 403),
        ("staticx", 403),
        ("x", 403),
        ("static/not-there", 403),
    ],
)
def test_h1_h2_what_strangers_may_read(documented: World, s3: Any, uploads: str, name: str, status: int) -> None:
    if "not-there" not in name:
        s3.put_object(Bucket=uploads, Key=name, Body=b"x")
    assert browse(documented, f"{uploads}/{name}") == status
    assert browse(documented, f"{uploads}/{name}", "HEAD") == status


@pytest.mark.parametrize("key", ["uploads", "logs", "artifacts", "replica"])
def test_every_bucket_refuses_plain_http(documented: World, s3: Any, key: str) -> None:
    name = bucket(documented, f"storage/{key}")
    s3.put_object(Bucket=name, Key="static/tls", Body=b"x")
    assert s3.get_object(Bucket=name, Key="static/tls")["Body"].read() == b"x"
    with by_plain_http(s3):
        with refused("AccessDenied"):
            s3.get_object(Bucket=name, Key="static/tls")
        with refused("AccessDenied"):
            s3.list_objects_v2(Bucket=name)
    s3.delete_object(Bucket=name, Key="static/tls")
    statements = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    (deny,) = [one for one in statements if one["Effect"] == "Deny"]
    assert (deny["Principal"], deny["Action"]) == ("*", "s3:*")
    assert set(deny["Resource"]) == {f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"}
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_h1_strangers_list_and_write_nothing(documented: World, s3: Any, uploads: str) -> None:
    s3.put_object(Bucket=uploads, Key="static/y", Body=b"x")
    assert browse(documented, uploads) == 403
    assert browse(documented, f"{uploads}/static/y", "PUT") == 403
    assert browse(documented, f"{uploads}/static/y", "DELETE") == 403
    assert browse(documented, f"{uploads}/static/y") == 200


def test_h1_browsers_come_from_the_domain(s3: Any, uploads: str) -> None:
    (rule,) = s3.get_bucket_cors(Bucket=uploads)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://example.com", "https://www.example.com"]
    assert rule["AllowedMethods"] == ["GET", "HEAD", "PUT", "POST"]
    assert rule["ExposeHeaders"] == ["ETag"]
    assert rule["AllowedHeaders"] == ["*"]


@pytest.mark.parametrize("key", ["uploads", "replica"])
def test_h2_what_is_temporary_expires_in_the_copy_too(documented: World, s3: Any, key: str) -> None:
    name = bucket(documented, f"storage/{key}")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    by_prefix = {rule["Filter"]["Prefix"]: rule for rule in rules}
    assert by_prefix["uploads/temp/"]["Expiration"] == {"Days": 7}
    assert by_prefix[""]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert by_prefix[""]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert by_prefix[""]["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert {rule["Status"] for rule in rules} == {"Enabled"}


def test_h3_l3_versions_are_kept(documented: World, s3: Any, uploads: str) -> None:
    for name in (uploads, bucket(documented, "storage/replica")):
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"


def test_h4_l3_everything_is_copied_to_another_region(documented: World, s3: Any, uploads: str) -> None:
    replica = bucket(documented, "storage/replica")
    copying = s3.get_bucket_replication(Bucket=uploads)["ReplicationConfiguration"]
    (rule,) = copying["Rules"]
    assert (rule["Status"], rule["Filter"], rule["Priority"]) == ("Enabled", {"Prefix": ""}, 1)
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{replica}"
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    s3.put_object(Bucket=uploads, Key="uploads/users/copied", Body=b"picture")
    documented.pass_time(60)
    copies = documented.client("s3", TOKYO)
    assert copies.get_object(Bucket=replica, Key="uploads/users/copied")["Body"].read() == b"picture"


def test_h4_the_role_that_copies_may_do_nothing_else(documented: World, s3: Any, uploads: str) -> None:
    iam, replica = documented.client("iam"), bucket(documented, "storage/replica")
    arn = s3.get_bucket_replication(Bucket=uploads)["ReplicationConfiguration"]["Role"]
    name = arn.rsplit("/", 1)[-1]
    (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "s3.amazonaws.com"}
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    allowed = {(action, one["Resource"]) for one in statements for action in one["Action"]}
    source, target = f"arn:aws:s3:::{uploads}", f"arn:aws:s3:::{replica}"
    assert allowed == {
        ("s3:GetReplicationConfiguration", source),
        ("s3:ListBucket", source),
        ("s3:GetObjectVersionForReplication", f"{source}/*"),
        ("s3:GetObjectVersionAcl", f"{source}/*"),
        ("s3:GetObjectVersionTagging", f"{source}/*"),
        ("s3:ReplicateObject", f"{target}/*"),
        ("s3:ReplicateDelete", f"{target}/*"),
        ("s3:ReplicateTags", f"{target}/*"),
    }
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []


def test_f5_j2_the_load_balancer_writes_its_access_logs_to_s3(documented: World, s3: Any) -> None:
    elbv2, logs = documented.client("elbv2"), bucket(documented, "storage/logs")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    described = elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    attributes = {one["Key"]: one["Value"] for one in described["Attributes"]}
    assert attributes["access_logs.s3.enabled"] == "true"
    assert attributes["access_logs.s3.bucket"] == logs
    statements = json.loads(s3.get_bucket_policy(Bucket=logs)["Policy"])["Statement"]
    statements = [one for one in statements if one["Effect"] == "Allow"]
    place = f"arn:aws:s3:::{logs}/AWSLogs/{ACCOUNT}/*"
    assert [(one["Effect"], one["Action"], one["Resource"]) for one in statements] == [
        ("Allow", "s3:PutObject", place),
        ("Allow", "s3:PutObject", place),
    ]
    assert [one["Principal"] for one in statements] == [
        {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        {"AWS": "arn:aws:iam::600734575887:root"},
    ]
    written = s3.list_objects_v2(Bucket=logs)["Contents"]
    assert [one["Key"] for one in written] == [f"AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"]


def test_j2_access_logs_expire(documented: World, s3: Any) -> None:
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket(documented, "storage/logs"))["Rules"]
    assert {"Days": 90} in [rule.get("Expiration") for rule in rules]


def test_j1_requests_and_bytes_of_the_uploads_are_counted(s3: Any, uploads: str) -> None:
    counted = s3.get_bucket_metrics_configuration(Bucket=uploads, Id="EntireBucket")
    assert counted["MetricsConfiguration"] == {"Id": "EntireBucket"}
