"""Buckets over their lives: what `up` puts into them, what happens to their names, what a destroy keeps."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from awsdeploy.architecture.storage import Storage
from awsdeploy.config import Settings
from awsdeploy.engine import plan, teardown, up
from awsdeploy.engine.plan import Step
from awsdeploy.engine.resource import DestroyOptions, Observed, Resource
from awsdeploy.errors import AwsFailure
from awsdeploy.resources.storage.bucket_object import BucketObject
from awsdeploy.sandbox.server.anonymous_access import PLAIN
from tests.sampling import sampled
from tests.simulated import World, writes
from tests.system.documented.test_storage import browse

pytestmark = pytest.mark.slow

DEV = """\
name = "shop"
environment = "dev"
platform = "supported"
"""


def build(world: World, settings: Settings, *resources: Resource) -> Counter[str]:
    """Up with these resources and nothing else."""
    run, calls = world.run(settings)
    up.apply(run, plan.make(run, [Step("Storage", resources)]))
    return calls


def names(world: World) -> list[str]:
    return [one["Name"] for one in world.client("s3").list_buckets()["Buckets"]]


def test_a_script_is_put_once_and_again_when_it_changes(world: World) -> None:
    settings = world.settings(DEV)
    s3 = world.client("s3")

    def put(content: bytes) -> dict[str, int]:
        storage = Storage(settings)
        script = BucketObject(key="storage/artifacts/bootstrap/a.sh", bucket=storage.artifacts, content=content)
        return writes(build(world, settings, storage.artifacts, script))

    put(b"one")
    assert put(b"one") == {}
    assert put(b"two")["s3:PutObject"] == 1
    (name,) = names(world)
    assert name.startswith("shop-dev-artifacts-123456789012-")
    assert s3.get_object(Bucket=name, Key="bootstrap/a.sh")["Body"].read() == b"two"
    assert world.destroy(settings) == []
    assert names(world) == []


PROD = DEV.replace('"dev"', '"prod"')
KEPT = DestroyOptions(snapshot="20261124000000")


def storage(world: World, text: str = PROD) -> tuple[Settings, Counter[str]]:
    """Up with the buckets alone."""
    settings = world.settings(text)
    return settings, build(world, settings, *Storage(settings).resources)


def found(world: World, settings: Settings) -> dict[str, Observed]:
    return {observed.key: observed for observed in world.everything(settings)}


def fill(world: World, bucket: str, *names: str) -> None:
    for name in names:
        world.client("s3").put_object(Bucket=bucket, Key=name, Body=b"x" * 1000)


def test_without_a_domain_browsers_come_from_the_load_balancer(world: World) -> None:
    settings = world.settings(DEV)
    world.up(settings)
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    uploads = found(world, settings)["storage/uploads"].id
    (rule,) = world.client("s3").get_bucket_cors(Bucket=uploads)["CORSRules"]
    assert rule["AllowedOrigins"] == ["http://localhost:3000", f"http://{balancer['DNSName']}"]
    assert "storage/replica" not in found(world, settings)
    assert writes(world.up(settings)) == {}
    assert world.destroy(settings) == []
    assert names(world) == []


def test_private_uploads_are_read_by_nobody_else(world: World) -> None:
    private = PROD + '[uploads]\naccess = "private"\ntls_only = false\n'
    settings, _ = storage(world)
    uploads, s3 = found(world, settings)["storage/uploads"].id, world.client("s3")
    fill(world, uploads, "static/x")
    assert browse(world, f"{uploads}/static/x") == 200
    storage(world, private)
    assert browse(world, f"{uploads}/static/x") == 403
    assert all(s3.get_public_access_block(Bucket=uploads)["PublicAccessBlockConfiguration"].values())
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=uploads)
    assert writes(storage(world, private)[1]) == {}
    storage(world)
    assert browse(world, f"{uploads}/static/x") == 200


def test_uploads_are_read_by_plain_http_only_where_the_config_says_so(world: World) -> None:
    settings, _ = storage(world)
    uploads = found(world, settings)["storage/uploads"].id
    fill(world, uploads, "static/x")
    plain = dict([PLAIN])
    assert browse(world, f"{uploads}/static/x", headers=plain) == 403
    storage(world, PROD + "[uploads]\ntls_only = false\n")
    assert browse(world, f"{uploads}/static/x", headers=plain) == 200


@pytest.mark.torture
def test_a_copy_goes_only_when_its_name_is_given(world: World) -> None:
    settings, _ = storage(world)
    before = found(world, settings)
    fill(world, before["storage/uploads"].id, "uploads/users/x")
    world.pass_time(60)
    alone = world.settings(PROD + "[uploads]\nreplicate = false\n")
    run, _ = world.run(alone)
    agreed = plan.make(run, [Step("Storage", tuple(Storage(alone).resources))])
    assert [one.key for one in agreed.lost_data] == ["storage/replica"]
    assert world.awsdeploy("up", "--yes").returncode == 64
    assert found(world, settings).keys() == before.keys()
    up.apply(run, agreed)
    after = found(world, settings)
    assert before.keys() - after.keys() == {"storage/replica", "storage/replication-role"}
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFound"):
        world.client("s3").get_bucket_replication(Bucket=after["storage/uploads"].id)
    assert writes(build(world, alone, *Storage(alone).resources)) == {}


@pytest.mark.torture
def test_a_copy_moves_to_another_region(world: World) -> None:
    settings, _ = storage(world)
    before = found(world, settings)["storage/replica"]
    moved, _ = storage(world, PROD + '[uploads]\nreplica_region = "ap-southeast-1"\n')
    after = found(world, moved)["storage/replica"]
    assert (before.region, after.region) == ("ap-northeast-1", "ap-southeast-1")
    assert before.id not in names(world)
    copying = world.client("s3").get_bucket_replication(Bucket=found(world, moved)["storage/uploads"].id)
    (rule,) = copying["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{after.id}"


def test_what_users_uploaded_is_kept_and_taken_back(world: World) -> None:
    settings, _ = storage(world)
    uploads = found(world, settings)["storage/uploads"]
    fill(world, uploads.id, "uploads/users/x")
    world.pass_time(60)
    run, _ = world.run(settings)
    destroy_plan = teardown.survey(run, KEPT)
    teardown.destroy(run, destroy_plan)
    staying = {observed.key: kept for observed, kept in destroy_plan.staying}
    assert staying.keys() == {"storage/uploads", "storage/replica"}
    assert staying["storage/uploads"].monthly == 0.0
    assert "--delete-data" in staying["storage/uploads"].why
    assert found(world, settings).keys() == staying.keys()
    _, calls = storage(world)
    assert found(world, settings)["storage/uploads"].id == uploads.id
    assert writes(calls)["s3:CreateBucket"] == 2  # logs and artifacts
    assert browse(world, f"{uploads.id}/uploads/users/x") == 200
    assert world.destroy(settings) == []
    assert names(world) == []


def test_an_empty_bucket_is_not_kept(world: World) -> None:
    settings, _ = storage(world)
    assert world.destroy(settings, KEPT) == []
    assert names(world) == []


@pytest.mark.parametrize("objects", sampled([30, 1250]))
def test_however_many_versions_and_markers_there_are_they_go(world: World, objects: int) -> None:
    settings, _ = storage(world)
    s3, uploads = world.client("s3"), found(world, settings)["storage/uploads"].id
    many = [f"uploads/users/{number}" for number in range(objects)]
    for name in many:
        s3.put_object(Bucket=uploads, Key=name, Body=b"")
    for start in range(0, objects, 1000):
        some = [{"Key": name} for name in many[start : start + 1000]]
        s3.delete_objects(Bucket=uploads, Delete={"Objects": some})
    upload = s3.create_multipart_upload(Bucket=uploads, Key="unfinished")["UploadId"]
    s3.upload_part(Bucket=uploads, Key="unfinished", UploadId=upload, PartNumber=1, Body=b"x")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=uploads)
    assert sum(len(page.get("Versions", ())) + len(page.get("DeleteMarkers", ())) for page in pages) == 2 * objects
    world.pass_time(60)
    assert world.destroy(settings) == []
    assert names(world) == []


def test_the_accounts_block_is_told_before_anything_is_made(world: World) -> None:
    settings = world.settings(PROD)
    run, _ = world.run(settings)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    account = run.session.client("s3control", settings.region)
    account.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=block)
    world.control("DELETE", "calls")
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "BlockPublicPolicy" in refused.stderr
    assert 'access = "private"' in refused.stderr
    assert [call["call"] for call in world.control("GET", "calls")["calls"] if call["write"]] == []
    storage(world, PROD + '[uploads]\naccess = "private"\n')


def test_a_name_that_another_account_has_is_refused_and_another_can_be_taken(world: World) -> None:
    settings = world.settings(PROD)
    forbidden = {"operation": "s3:HeadBucket", "code": "403", "message": "Forbidden", "status": 403, "times": 4}
    world.control("POST", "refuse", forbidden)
    world.control("DELETE", "calls")
    refused = world.awsdeploy("up", "--yes")
    assert refused.returncode == 5
    assert "belongs to another AWS account. To use another name: " in refused.stderr
    assert "awsdeploy up --replace storage/uploads" in refused.stderr
    assert [call["call"] for call in world.control("GET", "calls")["calls"] if call["write"]] == []
    world.control("DELETE", "fault")
    resources = Storage(settings).resources
    run, _ = world.run(settings)
    up.apply(run, plan.make(run, [Step("Storage", tuple(resources))], replace=["storage/uploads"]))
    assert found(world, settings)["storage/uploads"].id.endswith("-1")
    assert writes(build(world, settings, *resources)) == {}


def test_a_name_that_is_taken_meanwhile_fails_with_the_way_out(world: World) -> None:
    taken = {"operation": "s3:CreateBucket", "code": "BucketAlreadyExists", "message": "taken", "status": 409}
    world.control("POST", "refuse", {**taken, "times": 4})
    with pytest.raises(AwsFailure, match="--replace storage/"):
        storage(world)
    world.control("DELETE", "fault")
    storage(world)


WRITES = (
    *("CreateBucket", "PutBucketVersioning", "PutBucketLifecycleConfiguration", "PutPublicAccessBlock"),
    *("PutBucketPolicy", "PutBucketReplication", "PutBucketMetricsConfiguration"),
)


SAMPLE = ("PutBucketPolicy",)


@pytest.mark.parametrize("operation", sampled(WRITES, SAMPLE))
def test_whatever_is_refused_or_lost_heals(world: World, operation: str) -> None:
    gone_wrong = {"operation": f"s3:{operation}", "code": "NotToday", "message": "no", "status": 400, "times": 1}
    world.control("POST", "refuse", gone_wrong)
    with pytest.raises(AwsFailure, match="NotToday"):
        storage(world)
    world.control("POST", "fault", {"kind": "lost-answer", "write": 1, "operation": f"s3:{operation}"})
    settings, _ = storage(world)
    assert writes(storage(world)[1]) == {}
    assert len(names(world)) == 4
    assert world.destroy(settings) == []
    assert names(world) == []


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    sampled(
        [
            ("CreateBucket", "OperationAborted", "in progress"),
            ("PutBucketVersioning", "NoSuchBucket", "does not exist"),
            ("GetBucketPolicy", "NoSuchBucket", "does not exist"),
            ("PutBucketPolicy", "AccessDenied", "BlockPublicPolicy"),
            ("PutBucketPolicy", "MalformedPolicy", "Invalid principal in policy"),
            ("PutBucketReplication", "InvalidRequest", "Versioning must be 'Enabled'"),
        ],
    ),
)
def test_what_passes_is_waited_for(world: World, operation: str, code: str, message: str) -> None:
    transient = {"operation": f"s3:{operation}", "code": code, "message": message, "status": 400, "times": 2}
    world.control("POST", "refuse", transient)
    storage(world)
    assert writes(storage(world)[1]) == {}


def test_a_bucket_stands_in_the_region_that_needs_no_name(world: World) -> None:
    settings, _ = storage(world, PROD + 'region = "us-east-1"\n')
    observations = found(world, settings)
    assert {observed.region for key, observed in observations.items() if key != "storage/replica"} == {"us-east-1"}
    assert writes(storage(world, PROD + 'region = "us-east-1"\n')[1]) == {}
    assert world.destroy(settings) == []


@pytest.mark.torture
def test_long_names_fit_and_stacks_that_begin_alike_are_told_apart(world: World) -> None:
    long = PROD.replace('"shop"', f'"{"a" * 32}"').replace('"prod"', '"abcdefg"\npreset = "prod"')
    settings, _ = storage(world, long)
    assert max(len(name) for name in names(world)) <= 63
    other = world.settings(long.replace("abcdefg", "abcdefh"))
    assert world.everything(other) == []
    build(world, other, *Storage(other).resources)
    assert len(names(world)) == 8
    assert world.destroy(other) == []
    assert len(found(world, settings)) == 5


@pytest.mark.parametrize("region", sampled(["ap-northeast-2", "us-east-1"]))
def test_a_list_that_names_no_regions_has_the_buckets_asked_for_theirs(world: World, region: str) -> None:
    """Endpoints other than AWS's answer ListBuckets like this."""
    settings = world.settings(PROD.replace('"prod"', f'"prod"\nregion = "{region}"'))

    def without_regions(parsed: dict[str, Any], **_: Any) -> None:
        for one in parsed["Buckets"]:
            del one["BucketRegion"]

    for kind_region in (region, "ap-northeast-1"):
        raw = world.run(settings)[0].session.raw("s3", kind_region)
        raw.meta.events.register("after-call.s3.ListBuckets", without_regions)
    storage(world, (world.folder / "config.toml").read_text())
    assert {key: observed.region for key, observed in found(world, settings).items() if observed.kind.is_global} == {
        "storage/artifacts": region,
        "storage/logs": region,
        "storage/uploads": region,
        "storage/replica": "ap-northeast-1",
    } | {"storage/replication-role": region}
    assert world.destroy(settings) == []
    assert names(world) == []


ODD = ("uploads/a\x01b", "uploads/line\nbreak", "uploads/carriage\rreturn", "uploads/a b+c%20d", "uploads/\ufffe")


def test_files_whose_names_xml_cannot_hold_go_with_their_bucket(world: World) -> None:
    """AWS takes any key, and XML 1.0, in which S3 lists and deletes them, has no control characters."""
    settings, _ = storage(world)
    uploads = found(world, settings)["storage/uploads"].id
    fill(world, uploads, *ODD, "uploads/plain")
    for key in ODD[1:4]:
        world.client("s3").create_multipart_upload(Bucket=uploads, Key=key)
    world.client("s3").delete_object(Bucket=uploads, Key=ODD[0])
    world.pass_time(60)
    assert not build(world, settings, *Storage(settings).resources)["s3:CreateBucket"]
    assert uploads in {observed.id for observed, _ in teardown.survey(world.run(settings)[0], KEPT).staying}
    assert world.destroy(settings) == []
    assert names(world) == []
