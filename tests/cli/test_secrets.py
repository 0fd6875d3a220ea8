"""A full run: no secret, set or generated, is anywhere but in the encrypted parameters and the machine's 0600 files."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import shared
from tests.release.apps import SERVER, application
from tests.release.repository import commit, git
from tests.simulated import World

pytestmark = [pytest.mark.slow, pytest.mark.npm]

CONFIG = """\
name = "site"
environment = "dev"
platform = "supported"

[services.backend]
paths = ["/*"]
"""
SET = {
    "API_KEY": 'sk-live/4f9a+1c77"b2=&',
    "CERT": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----",
    "FROM_FILE": "correct horse battery staple",
}
TOKEN = "npm_0123456789abcdefghijklmnop"
TELLS = "node -p 'JSON.stringify(process.env)'; env"
CRASHES = "throw new Error(JSON.stringify(process.env) + process.env.DATABASE_URL);"


def forms(secret: str) -> Iterator[str]:
    """The lines of a secret as they are, in addresses, in JSON, and in base64 wherever it begins there."""
    for line in {secret, *secret.split("\n")}:
        if "KEY-----" in line and "\n" not in line:
            continue  # the words around a key are no secret
        yield from (line, quote(line, safe=""), json.dumps(line)[1:-1])
        for before in range(3):
            coded = base64.b64encode(b"x" * before + line.encode()).decode()
            yield coded[4 if before else 0 : len(coded) // 4 * 4 - 4]


def told(world: World) -> dict[str, str]:
    """All that AWS shows without decrypting anything."""
    ssm, logs, s3, ec2 = (world.client(name) for name in ("ssm", "logs", "s3", "ec2"))
    found: dict[str, Any] = {
        "calls": world.control("GET", "calls"),
        "commands": ssm.list_commands()["Commands"],
        "output of commands": ssm.list_command_invocations(Details=True)["CommandInvocations"],
        "parameters": ssm.describe_parameters()["Parameters"],
    }
    for one in found["output of commands"]:
        where = {"CommandId": one["CommandId"], "InstanceId": one["InstanceId"]}
        found[f"command {one['CommandId']}"] = ssm.get_command_invocation(**where)
    for one in found["parameters"]:
        found[f"history of {one['Name']}"] = ssm.get_parameter_history(Name=one["Name"])["Parameters"]
    for one in logs.describe_log_groups()["logGroups"]:
        name = one["logGroupName"]
        found[f"log {name}"] = logs.filter_log_events(logGroupName=name)["events"]
    for bucket in s3.list_buckets()["Buckets"]:
        for one in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            body = s3.get_object(Bucket=bucket["Name"], Key=one["Key"])["Body"].read()
            found[f"s3://{bucket['Name']}/{one['Key']}"] = body.decode(errors="replace")
    for id in ids(world):
        data = ec2.describe_instance_attribute(InstanceId=id, Attribute="userData")["UserData"].get("Value", "")
        found[f"user data of {id}"] = base64.b64decode(data).decode(errors="replace")
    return {
        name: "\n".join(
            [one if isinstance(one, str) else json.dumps(one, default=str, ensure_ascii=False), *strings(one)]
        )
        for name, one in found.items()
    }


def strings(value: Any) -> Iterator[str]:
    """Every text within, as it is."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def ids(world: World) -> list[str]:
    reservations = world.client("ec2").describe_instances()["Reservations"]
    return [one["InstanceId"] for row in reservations for one in row["Instances"]]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path): path.read_bytes().decode(errors="replace")
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def ran(world: World) -> dict[str, str]:
    """Output of each command of a stack's life, also of those that fail."""
    said: dict[str, str] = {}

    def run(*words: str, code: int = 0, stdin: str = "") -> None:
        done = world.awsdeploy(*words, stdin=stdin, timeout=300)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        said[f"{len(said)} {' '.join(words)}"] = done.stdout + done.stderr

    def release(files: dict[str, str | bytes]) -> None:
        commit(world.folder, {**files, ".gitignore": ".awsdeploy/\n"})

    (world.folder / "config.toml").write_text(CONFIG)
    git(world.folder, "init", "-q", "-b", "main")
    run("up", "--yes")
    run("env", "set", "backend", "API_KEY", stdin=SET["API_KEY"])
    run("env", "set", "backend", "CERT", stdin=SET["CERT"])
    run("env", "set", "backend", "NPM_TOKEN", "--build", stdin=TOKEN)
    run("env", "import", "backend", "-", stdin=f"FROM_FILE='{SET['FROM_FILE']}'\n")
    release(application(SERVER + "\nconsole.log('serving');\n", build=TELLS))
    run("deploy", "--debug")
    run("exec", "backend", "--", "env")
    run("exec", "backend", "--", "bash", "-c", TELLS + "; exit 3", code=1)
    release(application(build=f"{TELLS}; exit 2"))
    run("deploy", code=1)
    release(application(CRASHES))
    run("deploy", code=1)
    run("env", "set", "backend", "API_KEY=", code=64)
    run("restart", "--json")
    for words in (("logs", "backend"), ("plan", "--json"), ("env", "list", "--json")):
        run(*words)
    return said


def test_no_secret_is_anywhere_but_where_it_belongs(world: World) -> None:
    said = ran(world)
    ssm = world.client("ssm")
    paths = {path: f"/deploy/site/dev/{path}" for path in ("database/DB_PASSWORD", "backend/JWT_SECRET")}
    secrets = {
        path: ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] for path, name in paths.items()
    }
    secrets |= {**SET, "NPM_TOKEN": TOKEN}
    where = {**said, **told(world)}
    machines = [Path(world.control("POST", "machine", {"instance": id})["root"]) for id in ids(world)]
    home = Path(os.environ[shared.VARIABLE]) / "sandbox"
    assert home.is_dir()
    for folder in (world.folder, home, *machines):
        where |= files(folder)
    found = {
        (place, name)
        for place, text in where.items()
        for name, secret in secrets.items()
        for form in forms(secret)
        if form in text
    }
    private = {
        place
        for place, _ in found
        for root in machines
        if place.startswith(f"{root}/") and not Path(place).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    }
    assert sorted({place for place, _ in found} - private) == []
    assert {Path(place).name for place in private} >= {"environment.json", "pm2.json", "dump.pm2"}
    assert len(where) > 100
    masked = {name.split()[1] for name, text in said.items() if "API_KEY=***" in text}
    assert masked >= {"exec", "deploy"}
    gone = world.awsdeploy("destroy", "--confirm", "site-dev", "--delete-data")
    assert gone.returncode == 0, gone.stderr
    left = {"destroy": gone.stdout + gone.stderr, **files(world.folder), **files(home)}
    left |= {"calls": json.dumps(world.control("GET", "calls"))}
    assert not [
        place for place, text in left.items() for one in secrets.values() for form in forms(one) if form in text
    ]
