"""S3's refusals and answers, and what load balancers ask of a bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from awsdeploy.sandbox.server.anonymous_access import PLAIN
from tests.sandbox.sample_application import STILL, SampleApplication, a_role, by_plain_http, refused
from tests.simulated import World
from tests.system.documented.test_storage import browse

SEOUL = {"LocationConstraint": "ap-northeast-2"}
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
OPEN = {**CLOSED, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


@pytest.fixture
def still_world(world: World) -> World:
    """Time passes only when a test says so."""
    world.control("POST", "speed", {"speed": STILL})
    return world


@pytest.fixture
def s3(still_world: World) -> Any:
    made = still_world.client("s3")
    made.create_bucket(Bucket="shelf", CreateBucketConfiguration=SEOUL)
    return made


def statement(**other: Any) -> dict[str, Any]:
    """Lets everyone read the shelf."""
    resource = "arn:aws:s3:::shelf/open/*"
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource} | other


def policy(*statements: dict[str, Any]) -> dict[str, str]:
    return {"Bucket": "shelf", "Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def open_up(s3: Any, *statements: dict[str, Any]) -> None:
    s3.put_public_access_block(Bucket="shelf", PublicAccessBlockConfiguration=OPEN)
    s3.put_bucket_policy(**policy(*(statements or (statement(),))))


def test_a_bucket_has_one_owner_and_its_name_is_taken(s3: Any, still_world: World) -> None:
    with refused("BucketAlreadyOwnedByYou"):
        s3.create_bucket(Bucket="shelf", CreateBucketConfiguration=SEOUL)
    north = still_world.client("s3", "us-east-1")
    north.create_bucket(Bucket="north")
    north.create_bucket(Bucket="north")


@pytest.mark.parametrize("name", ["sthree-shop", "amzn-s3-demo-shop", "xn--shop", "shop-s3alias", "shop--ol-s3"])
def test_some_names_of_buckets_are_reserved(s3: Any, name: str) -> None:
    with refused("InvalidBucketName"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=SEOUL)


def test_a_name_is_free_a_minute_after_its_bucket_was_deleted(s3: Any, still_world: World) -> None:
    s3.delete_bucket(Bucket="shelf")
    with refused("OperationAborted"):
        s3.create_bucket(Bucket="shelf", CreateBucketConfiguration=SEOUL)
    still_world.pass_time(61)
    s3.create_bucket(Bucket="shelf", CreateBucketConfiguration=SEOUL)


def test_a_fresh_bucket_is_closed_encrypted_and_tagged(s3: Any) -> None:
    s3.create_bucket(
        Bucket="tagged", CreateBucketConfiguration={**SEOUL, "Tags": [{"Key": "colour", "Value": "green"}]}
    )
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == [{"Key": "colour", "Value": "green"}]
    assert s3.get_public_access_block(Bucket="tagged")["PublicAccessBlockConfiguration"] == CLOSED
    (rule,) = s3.get_bucket_encryption(Bucket="tagged")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    owned = s3.get_bucket_ownership_controls(Bucket="tagged")["OwnershipControls"]["Rules"]
    assert owned == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    for method in ("put_object", "create_multipart_upload"):
        with refused("AccessControlListNotSupported"):
            getattr(s3, method)(Bucket="tagged", Key="x", ACL="public-read")


def test_a_list_that_is_asked_for_with_a_prefix_says_where_buckets_stand(s3: Any, still_world: World) -> None:
    still_world.client("s3", "ap-northeast-1").create_bucket(
        Bucket="shelf-2", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    listed = {one["Name"]: one["BucketRegion"] for one in s3.list_buckets(Prefix="shelf")["Buckets"]}
    assert listed == {"shelf": "ap-northeast-2", "shelf-2": "ap-northeast-1"}


def test_a_bucket_stays_while_there_is_anything_in_it(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="shelf", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="shelf", Key="x", Body=b"x")["VersionId"]
    marker = s3.delete_object(Bucket="shelf", Key="x")["VersionId"]
    for one in (version, marker):
        with refused("BucketNotEmpty"):
            s3.delete_bucket(Bucket="shelf")
        s3.delete_object(Bucket="shelf", Key="x", VersionId=one)
    s3.delete_bucket(Bucket="shelf")


@pytest.mark.parametrize(
    "wrong",
    [
        {"Effect": "Perhaps"},
        {"Reason": "why not"},
        {"Action": "ec2:RunInstances"},
        {"Resource": "arn:aws:s3:::other/*"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"}},
    ],
)
def test_a_bucket_policy_is_one(s3: Any, wrong: dict[str, Any]) -> None:
    s3.put_public_access_block(Bucket="shelf", PublicAccessBlockConfiguration=OPEN)
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(**policy(statement(**wrong)))
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(Bucket="shelf", Policy="no policy")
    missing = statement()
    del missing["Principal"]
    with refused("MalformedPolicy"):
        s3.put_bucket_policy(**policy(missing))


def test_s3_hears_of_a_new_role_after_10_s(s3: Any, still_world: World) -> None:
    a_role(still_world.client("iam"), "reader")
    reader = statement(Principal={"AWS": "arn:aws:iam::123456789012:role/reader"})
    with refused("MalformedPolicy", "Invalid principal"):
        s3.put_bucket_policy(**policy(reader))
    still_world.pass_time(11)
    s3.put_bucket_policy(**policy(reader))


def test_a_public_policy_is_blocked_by_the_bucket_and_by_the_account(s3: Any, still_world: World) -> None:
    with refused("AccessDenied", "BlockPublicPolicy"):
        s3.put_bucket_policy(**policy(statement()))
    s3.put_bucket_policy(**policy(statement(Principal={"AWS": "arn:aws:iam::600734575887:root"})))
    open_up(s3)
    control = still_world.client("s3control")
    control.meta.events.register("before-sign.s3-control", _plain_host(still_world))
    with refused("NoSuchPublicAccessBlockConfiguration"):
        control.get_public_access_block(AccountId="123456789012")
    control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=CLOSED)
    shown = control.get_public_access_block(AccountId="123456789012")
    assert shown["PublicAccessBlockConfiguration"] == CLOSED
    with refused("AccessDenied", "BlockPublicPolicy"):
        s3.put_bucket_policy(**policy(statement()))


def _plain_host(world: World) -> Any:
    """An account has no name under 127.0.0.1."""

    def rewrite(request: Any, **_: Any) -> None:
        request.url = world.url + request.url.partition("/v2018")[1] + request.url.partition("/v2018")[2]

    return rewrite


def test_strangers_read_what_the_policy_allows_and_list_nothing(s3: Any, still_world: World) -> None:
    for name in ("open/x", "shut/x"):
        s3.put_object(Bucket="shelf", Key=name, Body=b"x")
    assert browse(still_world, "shelf/open/x") == 403
    open_up(s3)
    assert browse(still_world, "shelf/open/x") == 200
    assert [browse(still_world, path) for path in ("shelf/shut/x", "shelf/open/missing", "shelf", "shelf/", "")] == [
        403
    ] * 5
    assert browse(still_world, "shelf/open/x", "PUT") == 403
    s3.put_public_access_block(Bucket="shelf", PublicAccessBlockConfiguration=CLOSED)
    assert browse(still_world, "shelf/open/x") == 403


def test_a_denial_with_a_condition_denies_only_what_meets_it(s3: Any, still_world: World) -> None:
    s3.put_object(Bucket="shelf", Key="open/x", Body=b"x")
    tls = statement(Effect="Deny", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    open_up(s3, statement(), tls)
    assert browse(still_world, "shelf/open/x") == 200
    assert s3.get_object(Bucket="shelf", Key="open/x")["Body"].read() == b"x"
    assert browse(still_world, "shelf/open/x", headers=dict([PLAIN])) == 403
    with by_plain_http(s3):
        with refused("AccessDenied"):
            s3.get_object(Bucket="shelf", Key="open/x")
        s3.list_objects_v2(Bucket="shelf")  # the statement is about objects
    open_up(s3, statement(), statement(Effect="Deny", Action="s3:*"))
    assert browse(still_world, "shelf/open/x") == 403
    with pytest.raises(ClientError):
        s3.get_object(Bucket="shelf", Key="open/x")
    with refused("UnknownOperationException"):
        s3.put_bucket_policy(**policy(statement(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.1/32"}})))


def replicate(s3: Any, **other: Any) -> None:
    rule = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copy"},
    }
    rules = [{name: value for name, value in (rule | other).items() if value is not None}]
    role = "arn:aws:iam::123456789012:role/copier"
    s3.put_bucket_replication(Bucket="shelf", ReplicationConfiguration={"Role": role, "Rules": rules})


def test_replication_needs_versions_on_both_sides_and_copies_what_follows(s3: Any, still_world: World) -> None:
    copies = still_world.client("s3", "ap-northeast-1")
    versions = {"VersioningConfiguration": {"Status": "Enabled"}}
    with refused("InvalidRequest", "Versioning must be 'Enabled'"):
        replicate(s3)
    s3.put_bucket_versioning(Bucket="shelf", **versions)
    with refused("InvalidRequest", "must exist"):
        replicate(s3)
    copies.create_bucket(Bucket="copy", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    with refused("InvalidRequest", "versioning"):
        replicate(s3)
    copies.put_bucket_versioning(Bucket="copy", **versions)
    s3.put_object(Bucket="shelf", Key="before", Body=b"x")
    with refused("MalformedXML"):
        replicate(s3, Priority=None)
    replicate(s3)
    (rule,) = s3.get_bucket_replication(Bucket="shelf")["ReplicationConfiguration"]["Rules"]
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    s3.put_object(Bucket="shelf", Key="after", Body=b"copied")
    assert copies.list_objects_v2(Bucket="copy")["KeyCount"] == 0
    still_world.pass_time(20)
    assert [one["Key"] for one in copies.list_objects_v2(Bucket="copy")["Contents"]] == ["after"]
    assert copies.get_object(Bucket="copy", Key="after")["Body"].read() == b"copied"
    s3.delete_object(Bucket="shelf", Key="after")
    still_world.pass_time(20)
    listed = copies.list_object_versions(Bucket="copy")
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (1, 1)


def test_request_metrics_are_remembered_and_deleting_them_deletes_no_bucket(s3: Any) -> None:
    with refused("NoSuchConfiguration"):
        s3.get_bucket_metrics_configuration(Bucket="shelf", Id="all")
    s3.put_bucket_metrics_configuration(Bucket="shelf", Id="all", MetricsConfiguration={"Id": "all"})
    assert s3.list_bucket_metrics_configurations(Bucket="shelf")["MetricsConfigurationList"] == [{"Id": "all"}]
    s3.delete_bucket_metrics_configuration(Bucket="shelf", Id="all")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["shelf"]


def test_access_logs_go_into_a_bucket_that_lets_them(sample: SampleApplication) -> None:
    s3 = sample.client("s3")

    def log_into(name: str) -> None:
        attributes = {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": name}
        sample.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=sample.balancer, Attributes=[{"Key": key, "Value": attributes[key]} for key in attributes]
        )

    with refused("InvalidConfigurationRequest", "does not exist"):
        log_into("shelf")
    s3.create_bucket(Bucket="shelf", CreateBucketConfiguration=SEOUL)
    with refused("InvalidConfigurationRequest", "Access Denied for bucket"):
        log_into("shelf")
    delivery = {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    place = "arn:aws:s3:::shelf/AWSLogs/123456789012/*"
    s3.put_bucket_policy(**policy(statement(Principal=delivery, Action="s3:PutObject", Resource=place)))
    log_into("shelf")
    assert s3.list_objects_v2(Bucket="shelf")["KeyCount"] == 1
    assert sample.world is not None
    sample.world.client("s3", "us-east-1").create_bucket(Bucket="elsewhere")
    with refused("InvalidConfigurationRequest", "region"):
        log_into("elsewhere")


def test_a_version_is_as_old_as_the_world_says(s3: Any, still_world: World) -> None:
    s3.put_bucket_versioning(Bucket="shelf", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="shelf", Key="book", Body=b"one")
    still_world.pass_time(3600)
    s3.put_object(Bucket="shelf", Key="book", Body=b"two")
    still_world.pass_time(3600)
    s3.delete_object(Bucket="shelf", Key="book")
    listed = s3.list_object_versions(Bucket="shelf")
    (marker,), (second, first) = listed["DeleteMarkers"], listed["Versions"]
    assert [(one["LastModified"] - first["LastModified"]).total_seconds() for one in (second, marker)] == [3600, 7200]
