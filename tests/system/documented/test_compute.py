"""Compute as documented (E1–E3), and who may reach the machines (C2, C3), by asking AWS."""

from __future__ import annotations

import base64
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awsdeploy import architecture
from awsdeploy.engine import plan
from awsdeploy.errors import Refused
from awsdeploy.resources.compute import bootstrap
from awsdeploy.resources.network import operator_address
from awsdeploy.resources.network.operator_address import AddressUnknown
from awsdeploy.sandbox import control
from tests.conftest import forked
from tests.simulated import World, tags, writes
from tests.system.documented.asking import group, instance, sources

SMALL = 'name = "small"\nenvironment = "dev"\nplatform = "supported"\n\n[services.api]\nport = 80\npaths = ["/*"]\n'
AUTO = SMALL + '\n[network]\nssh_from = ["auto"]\n'


def user_data(ec2: Any, machine: dict[str, Any]) -> str:
    answer = ec2.describe_instance_attribute(InstanceId=machine["InstanceId"], Attribute="userData")
    return base64.b64decode(answer["UserData"]["Value"]).decode()


@pytest.mark.parametrize("name", ["frontend", "backend"])
def test_e1_e2_a_machine_has_run_its_bootstrap_for_its_service(documented: World, name: str) -> None:
    ec2 = documented.client("ec2")
    machine = instance(ec2, f"machines/{name}-1")
    version = re.search(r"^readonly VERSION=(\d+)$", bootstrap.script().decode(), re.M)
    assert version is not None
    assert tags(machine["Tags"])["awsdeploy:bootstrap"] == f"ok {version[1]}"
    text = user_data(ec2, machine)
    assert len(text.encode()) < 16 * 1024
    assert f"bootstrap.sh shop/prod {name} al2 ap-northeast-2" in text
    bucket = text.partition("s3://")[2].partition("/")[0]
    stored = documented.client("s3").get_object(Bucket=bucket, Key="bootstrap/bootstrap.sh")["Body"].read()
    assert stored == bootstrap.script()
    stored = documented.client("s3").get_object(Bucket=bucket, Key="bootstrap/release.sh")["Body"].read()
    assert stored == bootstrap.release_script()
    assert b"v18.20.8" in bootstrap.script()  # Node.js 18 LTS
    assert b"pm2" in bootstrap.script()
    stored = documented.client("s3").get_object(Bucket=bucket, Key="bootstrap/tools-lock.json")["Body"].read()
    assert stored == bootstrap.tools_lock()
    assert b"yarn" in bootstrap.script()


def test_e3_the_agent_is_set_up_by_the_bootstrap() -> None:
    """Its configuration is tested in `tests/machine/test_bootstrap.py`, where the script really runs."""
    assert b"amazon-cloudwatch-agent" in bootstrap.script()


def test_i3_the_services_find_what_they_need_in_parameter_store(documented: World) -> None:
    ssm, rds = documented.client("ssm"), documented.client("rds")
    found: dict[str, dict[str, Any]] = {}
    for folder in ("database", "frontend", "backend"):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(
            Path=f"/deploy/shop/prod/{folder}", WithDecryption=True
        )
        for one in (one for page in pages for one in page["Parameters"]):
            found[one["Name"].removeprefix("/deploy/shop/prod/")] = one
    endpoint = rds.describe_db_instances()["DBInstances"][0]["Endpoint"]
    uploads = next(
        one["Name"] for one in documented.client("s3").list_buckets()["Buckets"] if "-uploads-" in one["Name"]
    )
    secret = {name for name, one in found.items() if one["Type"] == "SecureString"}
    assert secret == {"database/DB_PASSWORD", "backend/JWT_SECRET"}
    assert {name: one["Value"] for name, one in found.items() if name not in secret} == {
        "database/DB_HOST": endpoint["Address"],
        "database/DB_PORT": str(endpoint["Port"]),
        "database/DB_NAME": "shop",
        "database/DB_USER": "app",
        "database/DB_SSL_CA": "/opt/awsdeploy/rds-ca.pem",
        "frontend/S3_BUCKET": uploads,
        "backend/S3_BUCKET": uploads,
    }
    assert len(found["backend/JWT_SECRET"]["Value"]) >= 32
    assert found["backend/JWT_SECRET"]["Value"] != found["database/DB_PASSWORD"]["Value"]


@pytest.mark.parametrize("name", ["frontend", "backend"])
def test_no_machine_has_a_key_pair_unless_asked(documented: World, name: str) -> None:
    assert "KeyName" not in instance(documented.client("ec2"), f"machines/{name}-1")


@pytest.fixture(scope="module")
def small_stack(sandbox: control.RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stack of one small service that nobody may reach by ssh."""
    with forked(sandbox, tmp_path_factory.mktemp("small")) as world:
        world.up(world.settings(SMALL))
        yield world


def ssh(world: World) -> set[str]:
    """Sources that may connect to port 22."""
    found = group(world.client("ec2"), "security/api")
    return {source for _, port, source in sources(found["IpPermissions"]) if port == 22}


class AddressServer(http.server.BaseHTTPRequestHandler):
    """Stands where checkip.amazonaws.com stands."""

    says, times = b"203.0.113.99\n", 0

    def do_GET(self) -> None:
        type(self).times += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, format: str, *words: Any) -> None:
        pass


@pytest.fixture
def address_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[AddressServer]]:
    AddressServer.says, AddressServer.times = b"203.0.113.99\n", 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AddressServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(operator_address.VARIABLE, f"http://127.0.0.1:{server.server_port}/")
    yield AddressServer
    server.shutdown()
    server.server_close()


def test_c2_c3_port_22_is_closed_then_opened_to_the_operators_own_address_and_kept(
    small_stack: World, address_server: type[AddressServer]
) -> None:
    assert ssh(small_stack) == set()
    small_stack.up(small_stack.settings(AUTO))
    assert ssh(small_stack) == {"203.0.113.99/32"}
    assert address_server.times == 1
    address_server.says = b"198.51.100.1\n"  # in a café
    assert writes(small_stack.up(small_stack.settings(AUTO))) == {}
    assert (ssh(small_stack), address_server.times) == ({"203.0.113.99/32"}, 1)
    small_stack.up(small_stack.settings(SMALL))
    assert ssh(small_stack) == set()


@pytest.mark.parametrize("says", [b"<html>", b"2001:db8::1", b""])
def test_an_answer_that_is_no_address_stops_before_anything_changes(
    small_stack: World, address_server: type[AddressServer], says: bytes
) -> None:
    address_server.says = says
    with pytest.raises(AddressUnknown, match="did not return an IPv4 address") as refusal:
        small_stack.up(small_stack.settings(AUTO))
    assert 'ssh_from = ["203.0.113.7/32"]' in refusal.value.hint
    assert refusal.value.exit_code == 5
    assert ssh(small_stack) == set()


def test_nobody_to_ask_is_said(small_stack: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(operator_address.VARIABLE, "http://127.0.0.1:9/")
    with pytest.raises(AddressUnknown, match="does not answer"):
        small_stack.up(small_stack.settings(AUTO))


def test_the_sandbox_answers_in_checkips_place(small_stack: World) -> None:
    assert small_stack.environment[operator_address.VARIABLE].startswith(small_stack.url)
    assert str(operator_address.ask()) == "198.51.100.7"


def test_a_key_pair_must_exist_and_is_given_to_every_machine(sandbox: control.RunningSandbox, tmp_path: Path) -> None:
    with forked(sandbox, tmp_path) as world:
        settings = world.settings(SMALL + '\n[network]\nkey_pair = "laptop"\n')
        (conflict,) = world.plan(settings).conflicts
        assert "laptop" in conflict
        ec2 = world.client("ec2")
        assert ec2.describe_instances()["Reservations"] == []
        ec2.create_key_pair(KeyName="laptop")
        assert world.plan(settings).conflicts == []
        world.up(settings)
        assert instance(ec2, "machines/api-1")["KeyName"] == "laptop"


def test_a_managed_policy_must_exist_and_what_the_program_calls_is_added(
    sandbox: control.RunningSandbox, tmp_path: Path
) -> None:
    with forked(sandbox, tmp_path) as world:
        arn = "arn:aws:iam::123456789012:policy/mail"
        wish = '\n[[services.api.statements]]\nactions = ["sqs:SendMessage"]\n'
        wish += 'resources = ["arn:aws:sqs:{region}:{account}:orders"]\n'
        wish += 'conditions = { StringEquals = { "aws:ResourceTag/a" = ["b", "c"] } }\n'
        settings = world.settings(f'{SMALL}policies = ["{arn}"]\n{wish}')
        (conflict,) = world.plan(settings).conflicts
        assert arn in conflict
        iam = world.client("iam")
        send = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [send]})
        iam.create_policy(PolicyName="mail", PolicyDocument=document)
        world.up(settings)
        (role,) = iam.list_roles(PathPrefix="/awsdeploy/small/dev/machines/")["Roles"]
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        assert [one["PolicyArn"] for one in attached] == [arn]
        policy = iam.get_role_policy(RoleName=role["RoleName"], PolicyName="awsdeploy")["PolicyDocument"]
        assert policy["Statement"][-1] == {
            "Sid": "Application1",
            "Effect": "Allow",
            "Action": ["sqs:SendMessage"],
            "Resource": ["arn:aws:sqs:ap-northeast-2:123456789012:orders"],
            "Condition": {"StringEquals": {"aws:ResourceTag/a": ["b", "c"]}},
        }


def test_a_parameter_of_somebody_else_is_never_overwritten(sandbox: control.RunningSandbox, tmp_path: Path) -> None:
    with forked(sandbox, tmp_path) as world:
        name = "/deploy/small/dev/database/DB_HOST"
        world.client("ssm").put_parameter(Name=name, Value="mine", Type="String")
        settings = world.settings(SMALL)
        (conflict,) = world.plan(settings).conflicts
        assert name in conflict
        assert world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "mine"


def test_a_parameter_keeps_its_name_and_is_not_replaced_in_place(small_stack: World) -> None:
    made, _ = small_stack.run(small_stack.settings(SMALL))
    found = plan.make(made, architecture.steps(small_stack.settings(SMALL)), replace=["machines/api/JWT_SECRET"])
    assert any("JWT_SECRET cannot be replaced" in one for one in found.conflicts)
    assert issubclass(AddressUnknown, Refused)
