"""docs/sandbox.md accounts for every known difference between a plain simulation and AWS.

Each row is held by a test that exists, or names the operations that the product would have to call to meet it and
does not. A row in neither column or in both, a row that nobody listed here, and a claim that is no longer true fail.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore import xform_name

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "sandbox.md"
PRODUCT = ROOT / "src" / "awsdeploy"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
OPERATION = re.compile(r"`([A-Z][A-Za-z0-9]+)`")

ROWS = {
    "twice-machine": "RunInstances with one token",
    "twice-nat-gateway": "CreateNatGateway with one token",
    "twice-route-table": "CreateRouteTable with one token",
    "twice-launch-template": "CreateLaunchTemplate with one token",
    "twice-endpoint": "CreateVpcEndpoint with one token",
    "twice-volume": "CreateVolume with one token",
    "twice-certificate": "RequestCertificate with one token",
    "twice-secret": "CreateSecret with one token",
    "twice-zone": "CreateHostedZone with one caller reference",
    "twice-health-check": "CreateHealthCheck with one caller reference",
    "twice-backup-plan": "CreateBackupPlan with one request id",
    "twice-load-balancer": "a load balancer's name again",
    "twice-target-group": "a target group's name again",
    "twice-listener": "a second listener on a port",
    "twice-auto-scaling-group": "an Auto Scaling group's name again",
    "twice-subnet-group": "a DB subnet group's name again",
    "twice-parameter-group": "a DB parameter group's name again",
    "twice-database": "a database's name again",
    "twice-snapshot": "a DB snapshot's name again",
    "twice-image": "a machine image's name again",
    "twice-security-group": "a security group's name again",
    "twice-permission": "a rule of a security group again",
    "twice-route": "a route again",
    "twice-subnet": "a subnet's range again, or one outside the VPC",
    "twice-role": "a role's name again",
    "twice-profile": "an instance profile's name again",
    "twice-managed-policy": "a managed policy's name again",
    "twice-bucket": "a bucket's name again",
    "twice-parameter": "a parameter's name again",
    "twice-secret-name": "a secret's name again",
    "twice-rule": "a listener rule's priority again",
    "twice-launch-template-name": "a launch template's name again",
    "twice-key-pair": "a key pair's name again",
    "twice-log-group": "a log group's name again",
    "twice-budget": "a budget's name again",
    "twice-topic": "an SNS topic's name again",
    "twice-alarm": "an alarm's name again",
    "held-vpc-subnets": "a VPC with subnets",
    "held-vpc-rest": "a VPC with only a gateway, a security group or a route table",
    "held-gateway": "an internet gateway that is attached",
    "held-gateway-addresses": "detaching a gateway under mapped public addresses",
    "held-route-table": "a route table with subnets",
    "held-subnet-machine": "a subnet with a machine",
    "held-subnet-nat-gateway": "a subnet with a NAT gateway",
    "held-subnet-load-balancer": "a subnet with a load balancer",
    "held-subnet-database": "a subnet with a database",
    "held-group-named": "a security group that another names",
    "held-group-machine": "a security group of a machine",
    "held-group-load-balancer": "a security group of a load balancer",
    "held-group-database": "a security group of a database",
    "held-group-default": "a VPC's default security group",
    "held-address": "the elastic IP of a NAT gateway",
    "held-interface": "a network interface in use",
    "held-volume": "a disk that is attached",
    "held-machine-protected": "a machine with termination protection",
    "held-target-group": "a target group that a listener or rule names",
    "held-load-balancer-protected": "a load balancer with deletion protection",
    "held-certificate": "a certificate that a listener shows",
    "held-database-snapshot": "a database, with no word about a final snapshot",
    "held-database-status": "a database in each of its statuses, also its changes and snapshots",
    "held-database-protected": "a database with deletion protection",
    "held-subnet-group": "the DB subnet group of a database",
    "held-parameter-group": "the DB parameter group of a database",
    "held-disk-snapshot": "the snapshot in a machine image",
    "held-zone": "a hosted zone with records",
    "held-health-check": "a health check that a record names",
    "held-role": "a role with policies, or in a profile",
    "held-profile": "an instance profile with a role",
    "held-bucket": "a bucket with objects, old versions or delete markers",
    "held-auto-scaling-group": "an Auto Scaling group with machines, without ForceDelete",
    "rds-offer": "engine version, class, storage, retention, zone, family",
    "rds-password": '8 to 41 printable characters, none of `/ @ "` or space',
    "rds-managed-password": "a password and ManageMasterUserPassword together",
    "rds-two-zones": "a DB subnet group in one zone",
    "rds-parameter": "a parameter MySQL does not have; a static one at once; 21 in a call",
    "rds-second-zone": "the second zone of a Multi-AZ database",
    "rds-extended-support": "MySQL 8.0 without Extended Support",
    "rds-restore": "a database from a snapshot that is missing, not ready, or of another family",
    "rds-restore-time": "a database restored to a time",
    "rds-rename": "a database, renamed",
    "rds-automatic-backups": "the window of automatic backups",
    "elb-two-zones": "a load balancer in one zone",
    "elb-name": "a name over 32 characters, with edge hyphens or `internal-`",
    "elb-https": "HTTPS without a certificate, or with one that is not issued",
    "elb-target": "a target that is unknown or not running",
    "elb-one-group-one-balancer": "a target group in two load balancers",
    "elb-tags-of-twenty": "DescribeTags of more than 20",
    "elb-zone-id": "the Route 53 zone of a load balancer",
    "elb-access-logs": "access logs into a bucket whose policy does not allow them",
    "elb-attributes": "the attributes of a load balancer",
    "service-interfaces": "the interfaces of load balancers, databases and NAT gateways",
    "other-network": "a security group of another VPC: in a rule, at a machine, load balancer or database",
    "one-gateway": "a second internet gateway at a VPC",
    "quota-vpc": "a sixth VPC in a region",
    "quota-address": "a sixth elastic IP in a region",
    "quota-vcpu": "machines beyond the account's vCPUs",
    "quota-told": "asking for a quota",
    "plan-free": "machines, classes and backups that the Free plan does not have",
    "plan-told": "asking for the account's plan",
    "offer-orderable": "orderable database options",
    "machine-cores": "the cores and threads of a machine",
    "region-off": "a region that the account has not turned on",
    "machine-image": "an image that does not exist",
    "machine-type": "a type that does not exist, or not in the zone",
    "machine-profile": "an instance profile that does not exist",
    "machine-user-data": "user data over 16 KB",
    "machine-bootstrap": "user data that runs a script from S3",
    "command-runs": "a command to a machine",
    "command-unknown": "the invocation of a command sent just now",
    "command-ended": "a command that takes too long, or is cancelled",
    "command-logs": "a command with CloudWatchOutputConfig",
    "command-agent": "a command to a machine whose agent is silent",
    "machine-network": "what machines listen on",
    "machine-power": "what runs on a machine that is rebooted, stopped or terminated",
    "machine-role": "what a machine asks of S3 and Parameter Store, and the tags it writes",
    "machine-release": "a new machine of a service that has a current release",
    "machine-logs": "an application's log files",
    "machine-modify-running": "another type for a running machine",
    "machine-disk": "the root disk",
    "image-disks": "the disks and tags of an image",
    "lifecycle-policy": "a lifecycle policy with another role, words, schedule or count than AWS takes",
    "machine-image-by-name": "`resolve:ssm:` as the image of a template",
    "template-profile-and-metadata": "profile and metadata options of a launch template",
    "template-version": "a group pinned to a version of a template",
    "scaling-zones": "the machines of an Auto Scaling group",
    "template-user-data": "user data of a launch template",
    "template-versions-deleted": "deleting versions of a template",
    "scaling-checks": "a group without its template, subnet or target group, or with sizes that do not fit",
    "scaling-shown": "an Auto Scaling group that was given no capacity reservation",
    "scaling-sizes": "a new min or max beside the number of machines",
    "scaling-failed-launch": "a machine that cannot be started",
    "scaling-replaced": "a machine of a group, terminated or stopped by somebody",
    "scaling-drained": "a machine that a group lets go",
    "scaling-health": "an unhealthy target in a group",
    "scaling-policy": "a scaling policy's name again",
    "dns-alias": "an alias to a load balancer that is not there, or with the wrong zone",
    "dns-delete-missing": "deleting a record that is not there",
    "dns-delete-other-value": "deleting a record with another value",
    "nat-gateway-unknown": "describing a NAT gateway that never was",
    "route-black-hole": "a route through a NAT gateway that is gone",
    "parameter-name": "a name under `/aws…` or `/ssm…`, or 16 levels deep",
    "parameter-stays": (
        "a parameter written over with another type, or back to the smaller tier; 4 KB, or 8 as advanced"
    ),
    "parameter-writer": "who wrote a parameter last",
    "bucket-policy-condition": "a Deny with a condition in a bucket policy",
    "bucket-policy-text": "a bucket policy that is no policy",
    "bucket-policy-public": "a public policy under Block Public Access",
    "bucket-fresh": "a fresh bucket",
    "bucket-anonymous-list": "a stranger listing a bucket whose objects are public",
    "bucket-replication": "replication",
    "object-times": "when a version of an object was written",
    "log-retention": "a retention AWS does not offer, such as 31 days",
    "session-target": "a session on a machine that does not run",
    "log-time": "log events over 14 days old or 2 hours ahead",
    "log-written-by-rds": "the log groups of a database that exports logs",
    "alarm-fresh": "a new alarm",
    "alarm-settings": "an alarm with two statistics, a period of 90 s, or a topic of another region",
    "dashboard-body": "a dashboard without widgets, or that is no JSON",
    "topic-pending": "an e-mail address that is subscribed",
    "budget-addressees": "an addressee of a budget's notification again, one too many, the last one taken",
    "budget-period": "the time of a budget that is created without one",
    "billed-by-tag": "Cost Explorer, and a budget, by a tag",
    "log-pattern": "filter patterns with `?A ?B` or JSON",
    "answers-paths": "a path rule",
    "answers-hosts": "a host rule",
    "answers-forwarded": "what a target sees",
    "answers-plain-headers": "header names with `_`, where `drop_invalid_header_fields` is on",
    "answers-added-headers": "a response header that the listener adds",
    "answers-in-turn": "which target is asked",
    "answers-empty": "a target group without targets",
    "answers-gone": "a target that refuses, or hangs up before it answers, also on a kept connection",
    "answers-late": "a target that is silent for the idle timeout (60 s unless set)",
    "answers-shut": "a target whose security group is shut",
    "answers-drained": "a target that is taken out in the middle of a request",
    "answers-streams": "bodies",
    "answers-kept": "connections",
    "answers-malformed": "what is no HTTP",
    "target-code": "a real target that answers with another status than the group's matcher takes",
    "target-silent": "a real target that does not answer a check, or on which the release no longer listens",
    "time-nat-gateway": "NAT gateway",
    "time-nat-gateway-failed": "NAT gateway without internet gateway",
    "time-machine": "machine",
    "time-machine-stop": "machine, stopping",
    "time-load-balancer": "load balancer",
    "time-load-balancer-gone": "load balancer, deleted",
    "time-database": "database",
    "time-database-modified": "database, modified",
    "time-disk": "disk, made larger or of another type",
    "time-lifecycle-rules": "lifecycle rules of a bucket, changed",
    "time-database-at-once": "database: deletion protection, copied tags, minor upgrades, limit of storage",
    "time-database-deleted": "database, deleted",
    "time-database-stopped": "database, stopped, started, rebooted",
    "time-snapshot": "DB snapshot",
    "time-certificate": "certificate",
    "time-certificate-unproved": "certificate, never proved",
    "time-dns": "change in Route 53",
    "time-linked-role": "an account's first database and first Auto Scaling group",
    "time-iam": "role and profile",
    "time-target": "target",
    "time-target-silent": "target that does not listen on the port",
    "time-target-closed": "target whose security group is shut",
    "time-target-drained": "target, taken out",
    "time-subscription": "e-mail address that nobody confirms",
    "time-command-logs": "a line of a command's output",
    "time-scaling": "machine of a group",
    "time-image": "machine image",
    "time-volume-snapshot": "EBS snapshot, in an image",
    "time-lifecycle-role": "role of a lifecycle policy",
    "time-lifecycle-images": "images by a lifecycle policy",
}


@dataclass(frozen=True)
class Row:
    """One line of the document's tables."""

    id: str
    tests: str
    reason: str


def rows() -> list[Row]:
    lines = [line.strip().strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert {len(cells) for cells in lines} == {5}
    return [Row(cells[0].strip(" `"), cells[3].strip(), cells[4].strip()) for cells in lines]


@functools.cache
def defined_in(path: str) -> frozenset[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@functools.cache
def product() -> str:
    """All of the product's source but the sandbox's."""
    files = [path for path in PRODUCT.rglob("*.py") if "sandbox" not in path.relative_to(PRODUCT).parts]
    return "\n".join(path.read_text() for path in files)


def test_every_row_is_there_once_and_no_other() -> None:
    assert sorted(row.id for row in rows()) == sorted(ROWS)


@pytest.mark.parametrize("id", ROWS)
def test_a_row_is_held_by_tests_or_out_of_reach(id: str) -> None:
    (row,) = (one for one in rows() if one.id == id)
    assert bool(row.tests) != bool(row.reason), "in one column, and only one"
    if row.tests:
        named = NAMED.findall(row.tests)
        assert len(named) == row.tests.count("`") / 2
        assert [(path, name) for path, name in named if name not in defined_in(path)] == []
    else:
        operations = OPERATION.findall(row.reason)
        assert operations, "name the operations that the product does not call"
        assert [name for name in operations if re.search(rf"\b{xform_name(name)}\b", product())] == []
