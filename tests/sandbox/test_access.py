"""The sandbox runs commands as its owner, so it answers its owner alone: not another user, not a web page."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import auth
from botocore.config import Config
from botocore.exceptions import ClientError

from awsdeploy import __version__
from awsdeploy.sandbox import control
from awsdeploy.sandbox.server.control_api import ControlApi
from awsdeploy.sandbox.server.keys import HEADER, Keys
from tests.sandbox.signing import signed
from tests.simulated import REGION, World

COMMAND = b"Action=DescribeVpcs&Version=2016-11-15"
NONE: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(world: World, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = NONE) -> tuple[int, str]:
    connection = HTTPConnection(urlsplit(world.url).netloc, timeout=20)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def client(world: World, service: str, key: str, secret: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=world.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )


def command(ssm: Any) -> Any:
    told = {"commands": ["touch /tmp/taken"]}
    return ssm.send_command(InstanceIds=["i-00000000000000000"], DocumentName="AWS-RunShellScript", Parameters=told)


@pytest.mark.parametrize(
    ("service", "call", "unknown", "unproved"),
    [
        ("sts", lambda one: one.get_caller_identity(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("rds", lambda one: one.describe_db_instances(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("iam", lambda one: one.list_roles(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("route53", lambda one: one.list_hosted_zones(), "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ec2", lambda one: one.describe_vpcs(), "AuthFailure", "AuthFailure"),
        ("s3", lambda one: one.list_buckets(), "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("ssm", command, "UnrecognizedClientException", "InvalidSignatureException"),
    ],
)
def test_wrong_keys_are_refused_as_aws_refuses_them(
    world: World, service: str, call: Callable[[Any], Any], unknown: str, unproved: str
) -> None:
    owner = world.environment["AWS_ACCESS_KEY_ID"]
    for key, code in (("any", unknown), ("AKIASANDBOX000000000", unknown), (owner, unproved), ("ASIA1", unproved)):
        with pytest.raises(ClientError) as refused:
            call(client(world, service, key, "sandbox"))
        assert refused.value.response["Error"]["Code"] == code
    assert world.control("GET", "calls")["calls"] == []


def test_wrong_keys_are_told_by_awsdeploy(world: World) -> None:
    (world.folder / "config.toml").write_text('name = "shop"\nplatform = "supported"\n')
    done = world.awsdeploy("status", AWS_SECRET_ACCESS_KEY="wrong")
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("name", ["Host", "Origin"])
def test_a_web_page_is_refused_even_with_a_signature(world: World, name: str) -> None:
    """A rebound name is in its Host header; a page of another origin sends an Origin header."""
    host = urlsplit(world.url).netloc
    for value in ("evil.example", f"evil.example:{urlsplit(world.url).port}", "127.0.0.1:1", "null", f"http://{host}"):
        headers = signed(world, "ec2", "POST", "/", COMMAND, headers=FORM) | {name: value}
        assert ask(world, "POST", "/", COMMAND, headers)[0] == 403
        controlling = {HEADER: world.environment["AWS_SECRET_ACCESS_KEY"], name: value}
        assert ask(world, "GET", "/_sandbox/status", headers=controlling)[0] == 403
    assert ask(world, "POST", "/", COMMAND, signed(world, "ec2", "POST", "/", COMMAND, headers=FORM))[0] == 200


@pytest.mark.parametrize("name", [name for name in vars(ControlApi) if name.startswith(("get_", "post_", "delete_"))])
def test_no_control_call_works_without_the_secret(world: World, name: str) -> None:
    method, _, path = name.partition("_")
    for secret in ({}, {HEADER: ""}, {HEADER: "x" * 40}):
        headers = {"Content-Type": "text/plain", **secret}
        assert ask(world, method.upper(), f"/_sandbox/{path}", b'{"seconds": 1}', headers)[0] == 403
    assert world.control("GET", "status")["pid"]


def test_what_is_asked_without_the_secret_tells_nothing(world: World) -> None:
    assert ask(world, "GET", "/_sandbox/address") == (200, "198.51.100.7\n")
    assert ask(world, "GET", "/_sandbox/link?name=main")[0] == 403
    assert ask(world, "GET", "/_sandbox/link/0?name=main")[0] == 403


def test_a_signature_is_of_one_request(world: World) -> None:
    """Nothing of it can be altered, and it does not last."""
    headers = signed(world, "ec2", "POST", "/", COMMAND, headers=FORM)
    assert ask(world, "POST", "/", COMMAND, headers)[0] == 200
    assert ask(world, "POST", "/", COMMAND + b"&DryRun=true", headers)[0] == 401
    assert ask(world, "POST", "/?a=b", COMMAND, headers)[0] == 401
    assert ask(world, "POST", "/", COMMAND, headers | {"X-Amz-Date": "20200101T000000Z"})[0] == 403
    assert ask(world, "POST", "/", COMMAND, headers | {"Authorization": "AWS4-HMAC-SHA256 Credential=x"})[0] == 403
    stored = signed(world, "s3", "PUT", "/bucket", b"")
    assert ask(world, "PUT", "/bucket", b"<other/>", stored)[0] == 403


def test_a_presigned_address_serves_what_it_was_made_for(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="kept", Key="a b/ü?.txt", Body=b"told")

    def path(**more: Any) -> str:
        url = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "kept", "Key": "a b/ü?.txt", **more}))
        return f"{url.path}?{url.query}"

    assert ask(world, "GET", path()) == (200, "told")
    assert ask(world, "GET", path().partition("?")[0])[0] == 403
    assert ask(world, "GET", path().replace("txt", "png"))[0] == 403
    assert ask(world, "DELETE", path())[0] == 403
    assert ask(world, "GET", path().replace("X-Amz-Expires=3600", "X-Amz-Expires=36000"))[0] == 403


def test_a_presigned_address_lasts_as_long_as_it_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="kept", Key="a", Body=b"told")
    earlier = datetime.now(UTC) - timedelta(minutes=2)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: earlier)
    for seconds, status in ((300, 200), (60, 403)):
        url = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "kept", "Key": "a"}, ExpiresIn=seconds))
        assert ask(world, "GET", f"{url.path}?{url.query}")[0] == status


def test_what_it_keeps_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    server = control.start(home)
    try:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "server.json").stat().st_mode) == 0o600
        assert server.secret not in repr(server)
        assert control.start(home).secret == server.secret
    finally:
        control.stop(home)
    assert control.start(home).secret != server.secret
    control.stop(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_of_the_machine_is_refused(tmp_path: Path) -> None:
    """Neither from its files nor from what runs can another user learn what to sign with."""
    home = tmp_path / "home"
    server = control.start(home)
    try:
        for parent in tmp_path.parents:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o055)
        seen = f"cat {home}/server.json {home}/server.log /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
        told = subprocess.run(["/bin/sh", "-c", seen], user=65534, group=65534, cwd="/", capture_output=True).stdout
        assert b"awsdeploy.sandbox" in told  # the process is seen, what it knows is not
        for word in (server.secret, server.keys.owner, server.keys.link):
            assert word.encode() not in told
    finally:
        control.stop(home)


def test_what_listens_at_its_port_after_a_crash_is_told_nothing(tmp_path: Path) -> None:
    """Shown: it was sent the secret, answered as the sandbox, and then got the released code and its variables."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    told: list[str] = []

    class Impostor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(str(self.headers))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(record | {"now": 0.0}).encode())

        def log_message(self, format: str, *words: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Impostor) as impostor:
        threading.Thread(target=impostor.serve_forever, daemon=True).start()
        record = {"pid": dead.pid, "port": impostor.server_port, "secret": "s" * 40, "speed": 60.0, "started": 0.0}
        record |= {"version": __version__}
        (tmp_path / "server.json").write_text(json.dumps(record))
        assert control.status(tmp_path) is None
        impostor.shutdown()
    assert told == []


def test_what_its_machines_ask_is_no_use_of_it(world: World) -> None:
    """It ends after an idle hour, whatever runs on its machines."""
    told = world.control("GET", "status")
    keys = Keys(told["secret"]).of_machine("i-0123456789abcdef0")
    world.control("POST", "idle", {"seconds": 1})
    asked, begun = 0, time.monotonic()
    with contextlib.suppress(OSError):  # until nothing listens any more
        while time.monotonic() - begun < 20:
            headers = signed(world, "ec2", "POST", "/", COMMAND, keys, FORM)
            assert ask(world, "POST", "/", COMMAND, headers)[0] == 200
            asked += 1
    assert time.monotonic() - begun < 20
    assert asked > 3


def test_a_body_that_nobody_has_signed_is_not_parsed(world: World) -> None:
    """Shown: 350 kB of another user's kept the sandbox from everybody for minutes, under its one lock."""
    key = f"AWS4-HMAC-SHA256 Credential=AKIA/20260101/{REGION}"
    rest = f"aws4_request, SignedHeaders=host, Signature={'0' * 64}"
    large = COMMAND + b"".join(b"&Filter.%d.Name=x" % number for number in range(20_000))
    ask(world, "GET", "/")  # what is loaded once is loaded
    begun = time.monotonic()
    status, said = ask(world, "POST", "/", large, {**FORM, "Authorization": f"{key}/ec2/{rest}"})
    assert (status, "AuthFailure" in said) == (401, True)
    assert ask(world, "POST", "/a?delete", b"<", {"Authorization": f"{key}/s3/{rest}"})[0] == 403
    for method in ("GET", "PUT", "DELETE"):
        assert ask(world, method, "/a/b", b"<")[0] == 403
    assert time.monotonic() - begun < 10


def test_keys_differ_for_everybody() -> None:
    one, other = Keys.new(), Keys.new()
    assert one.secret != other.secret
    assert len(one.secret) == 40
    assert one.owner.startswith("AKIA")
    assert len({one.secret, one.owner, one.link, *one.of_machine("i-1"), *one.of_machine("i-2")}) == 7
    assert one.secret_of(one.of_machine("i-1")[0]) == one.of_machine("i-1")[1]
    assert one.secret_of(other.owner) == ""
    assert one.secret not in repr(one)
