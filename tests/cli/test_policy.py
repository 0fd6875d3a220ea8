"""`awsdeploy policy`: asked without an account, within AWS's limits, and nothing wider than it must be."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from awsdeploy import config, permissions
from awsdeploy.config.stack import APART
from awsdeploy.engine.resource import Stack
from awsdeploy.permissions.scope import Scope
from awsdeploy.sandbox.server import authorization
from tests.iam import allowed, like, listed
from tests.permissions.stages import EVERYTHING, LESS
from tests.simulated import DOCUMENTED
from tests.warm import SCRIPT

ACCOUNT = "123456789012"
READS = ("Describe", "Get", "List")
ON_EVERYTHING = {
    "acm:AddTagsToCertificate": "the certificate has no name yet; only with the stack's tag",
    "acm:RequestCertificate": "the certificate has no name yet; only with the stack's tag",
    "dlm:CreateLifecyclePolicy": "the policy has no name yet; only with the stack's tag",
    "route53:CreateHealthCheck": "AWS has no resource level for it",
    "route53:CreateHostedZone": "AWS has no resource level for it",
    "sns:Unsubscribe": "AWS has no resource level for it",
}
"""Actions that are allowed on every resource although they write, and why."""


def policy(folder: Path, *words: str, text: str = DOCUMENTED, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command in a process that has no credentials and could reach nobody."""
    (folder / "config.toml").write_text(text)
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS")}
    done = subprocess.run(
        [str(SCRIPT), "policy", *words],
        cwd=folder,
        env={**kept, **nowhere, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def told(text: str, account: str = "*") -> list[dict[str, Any]]:
    return permissions.policies(config.from_mapping(tomllib.loads(text)), account)


@pytest.mark.parametrize(
    "text", [DOCUMENTED, EVERYTHING, LESS, 'name = "a"\nenvironment = "dev"\nplatform = "supported"']
)
def test_it_fits_aws_or_splits_by_itself(text: str) -> None:
    found = told(text, ACCOUNT)
    assert all(len(json.dumps(one, separators=(",", ":"))) <= 6_144 for one in found)
    assert len(found) <= 10
    names = [row["Sid"] for one in found for row in one["Statement"]]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)  # AWS: of a Sid


def test_it_is_printed_without_an_account_and_as_one_document_for_programs(tmp_path: Path) -> None:
    plain = policy(tmp_path)
    documents = json.loads("[" + plain.stdout.replace("\n}\n\n{\n", "\n},\n{\n") + "]")
    whole = json.loads(policy(tmp_path, "--json").stdout)
    assert (whole["version"], whole["stack"], whole["region"]) == (1, "shop-prod", "ap-northeast-2")
    assert documents == whole["policies"] == told(DOCUMENTED)
    assert f"{len(documents)} policies, all required" in plain.stderr


def test_files_are_what_is_printed_with_the_commands_that_attach_them(tmp_path: Path) -> None:
    done = policy(tmp_path, "--output", "out", "--account", ACCOUNT)
    files = sorted((tmp_path / "out").iterdir())
    assert [json.loads(file.read_text()) for file in files] == told(DOCUMENTED, ACCOUNT)
    for number, file in enumerate(files, start=1):
        assert len(file.read_text().strip()) <= 6_144
        assert f"--policy-name awsdeploy-shop-prod-{number} --policy-document file://out/{file.name}" in done.stdout
        assert f"--policy-arn arn:aws:iam::{ACCOUNT}:policy/awsdeploy-shop-prod-{number}" in done.stdout


def test_a_number_that_is_no_account_and_a_place_that_takes_no_files_are_said(tmp_path: Path) -> None:
    assert "--account '1234' is not a valid AWS account ID" in policy(tmp_path, "--account", "1234", code=64).stderr
    (tmp_path / "taken").write_text("")
    assert "taken" in policy(tmp_path, "--output", "taken/inside", code=64).stderr


def test_what_is_not_configured_is_not_made_but_can_be_taken_away() -> None:
    listed_in = {
        text: {action for one in told(text) for row in one["Statement"] for action in row["Action"]}
        for text in (EVERYTHING, LESS)
    }
    gone = listed_in[EVERYTHING] - listed_in[LESS]
    assert {"ec2:CreateNatGateway", "autoscaling:CreateAutoScalingGroup", "iam:AttachRolePolicy"} <= gone
    assert {"ec2:DeleteNatGateway", "autoscaling:DeleteAutoScalingGroup"} <= listed_in[LESS]
    assert not [action for action in gone if action.partition(":")[2].startswith(("Delete", "Describe", "List"))]


def test_on_everything_it_reads_only_and_each_exception_has_a_reason() -> None:
    rows = [
        row
        for text in (DOCUMENTED, f"create_zone = true\n{EVERYTHING}")
        for one in told(text)
        for row in one["Statement"]
    ]
    wide = {action for row in rows if "*" in listed(row["Resource"]) for action in row["Action"]}
    assert {action for action in wide if not action.partition(":")[2].startswith(READS)} == set(ON_EVERYTHING)
    assert not [action for row in rows for action in row["Action"] if "*" in action]


def test_what_a_call_depends_on_is_allowed_with_it() -> None:
    """AWS, Service Authorization Reference, "dependent actions": what else AWS asks IAM for a call."""
    held = {action for one in told(EVERYTHING) for row in one["Statement"] for action in row["Action"]}
    lacking = {
        name: missing
        for name, others in authorization.AS_WELL.items()
        if set(authorization.OTHER_NAMES.get(name, (named(name),))) <= held and (missing := set(others) - held)
    }
    assert lacking == {}
    # AWS, Quickstart end user policies for Session Manager.
    session = f"arn:aws:ssm:ap-northeast-2:{ACCOUNT}:session/somebody-0123"
    assert allowed(told(DOCUMENTED, ACCOUNT), "ssmmessages:OpenDataChannel", session)


def named(operation: str) -> str:
    service, _, name = operation.partition(":")
    return f"{authorization.PREFIXES.get(service, service)}:{name}"


def test_what_is_another_stacks_is_out_of_reach() -> None:
    documents = told(EVERYTHING, ACCOUNT)
    place = f"ap-northeast-2:{ACCOUNT}"
    for mine, action, arn in (
        ("drift", "rds:DeleteDBInstance", f"arn:aws:rds:{place}:db:%s-dev-mysql-123456"),
        ("drift", "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/awsdeploy/%s/dev/machines/x"),
        ("drift", "ssm:GetParameter", f"arn:aws:ssm:{place}:parameter/deploy/%s/dev/backend/DB_PASSWORD"),
        ("drift", "logs:DeleteLogGroup", f"arn:aws:logs:{place}:log-group:/deploy/%s/dev/backend"),
    ):
        assert allowed(documents, action, arn % mine), action
        assert not allowed(documents, action, arn % "other"), action
    machine = f"arn:aws:ec2:{place}:instance/i-1"
    for stack, verdict in (("drift/dev", True), ("drift/prod", False)):
        assert (
            allowed(documents, "ec2:TerminateInstances", machine, {"aws:ResourceTag/awsdeploy:stack": stack}) is verdict
        )
    assert not allowed(documents, "ec2:TerminateInstances", machine)


def test_a_role_is_handed_to_nobody_but_the_services_that_act_as_it() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/awsdeploy/drift/dev/machines/x"
    for service, verdict in (("ec2", True), ("dlm", True), ("s3", True), ("lambda", False)):
        context = {"iam:PassedToService": f"{service}.amazonaws.com"}
        assert allowed(told(EVERYTHING, ACCOUNT), "iam:PassRole", role, context) is verdict


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
BOUNDED = f'{EVERYTHING}\n[iam]\npermissions_boundary = "{BOUNDARY}"\n'


@pytest.mark.parametrize("action", ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"])
def test_with_a_boundary_no_role_gets_more_without_it(action: str) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/awsdeploy/drift/dev/machines/x"
    about = {"iam:PolicyARN": "arn:aws:iam::123456789012:policy/mail"}
    documents = told(BOUNDED, ACCOUNT)
    assert not allowed(documents, f"iam:{action}", role, about)
    assert not allowed(documents, f"iam:{action}", role, {**about, "iam:PermissionsBoundary": f"{BOUNDARY}2"})
    assert allowed(documents, f"iam:{action}", role, {**about, "iam:PermissionsBoundary": BOUNDARY})


def test_who_must_set_a_boundary_can_neither_take_it_away_nor_change_what_it_says() -> None:
    bounded, free = (
        {a for one in told(text) for row in one["Statement"] for a in row["Action"]} for text in (BOUNDED, EVERYTHING)
    )
    assert "iam:DeleteRolePermissionsBoundary" not in bounded
    assert free - bounded == {"iam:DeleteRolePermissionsBoundary"}
    assert bounded - free == {"iam:PutRolePermissionsBoundary"}
    assert not {one for one in bounded if one.startswith(("iam:CreatePolicy", "iam:SetDefault", "iam:PutUser"))}


@pytest.mark.parametrize("name", ["a", "shop", "a-name-of-thirty-two-characters1"])
def test_a_pattern_of_names_matches_every_name_of_the_stack(name: str) -> None:
    settings = config.from_mapping({"name": name, "environment": "staging", "preset": "dev", "platform": "supported"})
    scope = Scope(settings, ACCOUNT)
    for key in ("web/alb", "web/backend-target-group", "database/mysql"):
        stack, word = Stack(name, "staging"), key.rpartition("/")[2]
        assert like(scope.cut(32), stack.called(key, "0", 32))
        assert like(scope.apart, stack.called(key, "0", 255, APART))
        assert like(scope.named(word), stack.called(key, "0", 255))
